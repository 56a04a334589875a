"""Open a study, read a series: the one door to every file format."""

from __future__ import annotations

import os
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from inference.errors import InputRefused, JobCancelled
from inference.result import CancelledFn, Progress, ProgressFn
from inference.volume import Volume
from viewer.dicom import read as dicom_read
from viewer.dicom import scan as dicom_scan
from viewer.dicom.image import Header
from viewer.formats import archive, picture
from viewer.formats import read as format_read
from viewer.formats import scan as format_scan
from viewer.study import Patient, Series, SeriesKind, SetAside, Study

HINT = "Choose a DICOM folder, a zip of one, a NIfTI, NRRD or MHA file, or a PNG, JPEG or TIFF picture."
NOT_AN_IMAGE = "Not a medical image format that Insula reads."
INNER_ARCHIVE = "A zip file inside a folder: open it by itself."
A_PICTURE = "A picture, and no part of a series: open it by itself."
SYSTEM_NAMES = (".DS_Store", "Thumbs.db", "desktop.ini")

_unpacked: dict[Path, list[Path]] = {}


def scan(path: Path, *, progress: ProgressFn | None = None, cancelled: CancelledFn | None = None) -> Study:
    """Find every series under a folder (recursively), beside a DICOMDIR, in one file or in a zip.

    Only headers are read, except of NIfTI, NRRD and MHA files whose name says CT or mask: their values are checked.
    Every file is in a series or set aside with a reason. A zip is unpacked into a private folder; `release` removes
    it, else the end of the program does.

    Raises:
        InputRefused: The path is missing, empty, or holds nothing that can be read.
        JobCancelled: `cancelled` said so.
    """
    source = Path(path)
    if not source.exists():
        raise InputRefused(f"There is nothing at {source}.", "Check the path.")
    unpacked = None
    if source.is_file() and zipfile.is_zipfile(source):
        unpacked, files = archive.extract(source, progress=progress, cancelled=cancelled)
    else:
        files = _files(source)
    try:
        study = _study(source, files, progress, cancelled)
    except BaseException:
        if unpacked is not None:
            archive.remove(unpacked)
        raise
    if unpacked is None:
        return study
    _unpacked.setdefault(source, []).append(unpacked)
    return _named_in_zip(study, unpacked)


def read(
    series: Series,
    *,
    on_partial: Callable[[Volume], None] | None = None,
    cancelled: CancelledFn | None = None,
    progress: ProgressFn | None = None,
) -> Volume:
    """Read the voxels of one series onto its grid (`Series.grid`): orthogonal, evenly spaced, LPS.

    See `viewer.dicom.read.read` for what is done to tilted, uneven and padded series and for `on_partial`.

    Raises:
        InputRefused: The series is blocked or no volume, a file is damaged or gone, or a codec is missing.
        JobCancelled: `cancelled` said so.
    """
    return _reader(series)(series, on_partial=on_partial, cancelled=cancelled, progress=progress)


def _reader(series: Series) -> Callable[..., Volume]:
    if series.kind is SeriesKind.PICTURE:
        return picture.read
    return format_read.read if format_scan.format_of(series.frames[0].file) else dicom_read.read


def release(study: Study) -> None:
    """Remove the private folders that a zip was unpacked into; its series cannot be read any more."""
    for folder in _unpacked.pop(study.source, []):
        archive.remove(folder)


def _files(source: Path) -> tuple[Path, ...]:
    """All files in order. A link to a folder is not followed, so that no circle of links is walked for ever."""
    if source.is_file():
        if source.name.upper() != "DICOMDIR":
            return (source,)
        source = source.parent
    found = [Path(folder) / name for folder, _, names in os.walk(source) for name in names]
    return tuple(sorted(found))


def _study(source: Path, files: Sequence[Path], progress: ProgressFn | None, cancelled: CancelledFn | None) -> Study:
    if not files:
        raise InputRefused(f"{source.name} is empty.", HINT)
    headers: list[Header] = []
    others: list[Series] = []
    aside: list[SetAside] = []
    companions: set[Path] = set()
    for done, file in enumerate(files, start=1):
        if cancelled is not None and cancelled():
            raise JobCancelled
        found = _found(file, alone=file == source)
        if isinstance(found, Header):
            headers.append(found)
        elif isinstance(found, SetAside):
            aside.append(found)
        else:
            others.extend(found[0])
            companions.update(found[1])
        if progress is not None:
            progress(Progress("scan", done, len(files)))
    return _ledger(source, files, headers, others, [one for one in aside if one.file not in companions], companions)


def _ledger(
    source: Path,
    files: Sequence[Path],
    headers: Sequence[Header],
    others: Sequence[Series],
    aside: Sequence[SetAside],
    companions: set[Path],
) -> Study:
    dicom = dicom_scan.assemble(headers)
    series = (*dicom.series, *others)
    if not series:
        raise InputRefused(_nothing(source, aside), HINT)
    return Study(
        source,
        len(set(files) | companions),
        series,
        (*aside, *dicom.set_aside),
        _patient(headers),
        _agreed([header.study_description for header in headers]),
        _agreed([header.study_date for header in headers]),
    )


def _found(file: Path, alone: bool) -> Header | SetAside | tuple[tuple[Series, ...], tuple[Path, ...]]:
    """What one file is."""
    try:
        if not file.is_file():
            return SetAside(file, "Not a regular file.")
        if file.stat().st_size == 0:
            return SetAside(file, "The file is empty.")
        if file.name in SYSTEM_NAMES or file.name.startswith("._"):
            return SetAside(file, "A file of the operating system.")
        if format_scan.format_of(file) is not None:
            return format_scan.scan_file(file)
        if alone and picture.is_picture(file):
            return picture.scan_file(file)
        dicom = dicom_scan.read_or_set_aside(file)
        if dicom is not None:
            return dicom
        if picture.is_picture(file):
            return SetAside(file, A_PICTURE)
        return SetAside(file, INNER_ARCHIVE if zipfile.is_zipfile(file) else NOT_AN_IMAGE)
    except OSError as error:
        return SetAside(file, f"The file cannot be opened ({type(error).__name__}).")


def _nothing(source: Path, aside: Sequence[SetAside]) -> str:
    if len(aside) == 1:
        return f"{source.name} cannot be read. {aside[0].reason}"
    reason, count = Counter(one.reason for one in aside).most_common(1)[0]
    return f"None of the {len(aside)} files in {source.name} is an image. {count} of them: {reason}"


def _patient(headers: Sequence[Header]) -> Patient:
    """The patient, where all files agree on one: a name shown over somebody else's images is worse than none."""
    patients = {(header.patient.id, header.patient.name, header.patient.birth_date) for header in headers}
    return headers[0].patient if len(patients) == 1 else Patient()


def _agreed(texts: Sequence[str]) -> str:
    return texts[0] if len(set(texts)) == 1 else ""


def _named_in_zip(study: Study, folder: Path) -> Study:
    """Name set-aside files as they are named in the zip."""
    aside = tuple(replace(one, file=study.source / one.file.relative_to(folder)) for one in study.set_aside)
    return replace(study, set_aside=aside)
