"""DICOM files -> series: every file is in a series or set aside with a reason."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from inference.errors import InsulaError
from inference.volume import Channel, Points
from viewer.dicom.channel import Shown, recognise
from viewer.dicom.geometry import Planes, Verdict, judge
from viewer.dicom.header import read_header
from viewer.dicom.image import Header, Image
from viewer.dicom.objects import without_image
from viewer.dicom.split import Part, split
from viewer.study import Frame, GeometryState, Series, SeriesKind, SetAside


@dataclass(frozen=True, slots=True)
class Found:
    """The DICOM part of a study."""

    series: tuple[Series, ...]
    set_aside: tuple[SetAside, ...]
    headers: tuple[Header, ...]


def read_or_set_aside(file: Path) -> Header | SetAside | None:
    """The header of one file, or why it is set aside, or None if it is not DICOM."""
    try:
        header = read_header(file)
    except ValueError as error:
        return SetAside(file, f"The file cannot be read: {error}.")
    if header is None:
        return None
    if header.is_directory:
        return SetAside(file, "An index file (DICOMDIR); its images are read directly.")
    reason = without_image(header)
    return SetAside(file, reason) if reason else header


def assemble(headers: Sequence[Header]) -> Found:
    """Group the images of all headers into series."""
    kept, doubles = _without_doubles(headers)
    by_uid: dict[str, list[Image]] = {}
    for header in kept:
        for image in header.images:
            by_uid.setdefault(image.series_uid, []).append(image)
    counted: set[Path] = set()
    series = []
    for uid, images in by_uid.items():
        diffusion = any((image.b_value or 0.0) > 0 for image in images)
        for number, part in enumerate(split(images), start=1):
            files = {image.file for image in part.images} - counted
            counted |= files
            name = uid if number == 1 else f"{uid}#{number}"
            series.append(replace(_series(part, diffusion), uid=name, files=len(files)))
    series.sort(key=lambda one: (one.study_uid, one.number))
    return Found(tuple(series), tuple(doubles), tuple(kept))


def _without_doubles(headers: Iterable[Header]) -> tuple[list[Header], list[SetAside]]:
    """The same SOP instance twice is one image and a copy.

    The place counts too: some anonymisers give a whole series one UID, and none of its images may be lost.
    """
    first: dict[Hashable, Path] = {}
    kept, doubles = [], []
    for header in headers:
        image = header.images[0]
        key = (image.sop_uid, image.series_uid, image.instance, image.position, image.rows, image.columns)
        if image.sop_uid and key in first:
            doubles.append(SetAside(image.file, f"A copy of {first[key].name}: the same SOP Instance UID and place."))
            continue
        first[key] = image.file
        kept.append(header)
    return kept, doubles


def _series(part: Part, diffusion: bool) -> Series:
    base = _base(part, diffusion)
    if part.kind is not SeriesKind.VOLUME:
        return _not_a_volume(base)
    image = part.images[0]
    if not image.has_place:
        return _blocked(base, "The header does not say where in the patient its images lie.")
    try:
        verdict = judge(planes_of(part.images), image.frame_of_reference)
    except InsulaError as error:
        return _blocked(base, error.message)
    return _judged(base, part.images, verdict)


def _base(part: Part, diffusion: bool) -> Series:
    image = part.images[0]
    ordered = sorted(part.images, key=lambda one: (one.instance, one.frame))
    shown = recognise(image, diffusion) if part.kind is SeriesKind.VOLUME else Shown(Channel.UNKNOWN)
    return Series(
        uid=image.series_uid,
        modality=image.modality,
        description=image.description or image.protocol,
        body_part=image.body_part,
        kind=part.kind,
        frames=tuple(Frame(one.file, one.frame, 0.0, _point(one)) for one in ordered),
        files=0,
        reasons=(*part.reasons, *shown.reasons),
        channel=shown.channel,
        unit=shown.unit,
        window=image.window,
        frame_of_reference=image.frame_of_reference,
        study_uid=image.study_uid,
        number=image.series_number,
        inverted=image.photometric == "MONOCHROME1",
    )


def _judged(base: Series, images: Sequence[Image], verdict: Verdict) -> Series:
    frames = tuple(
        Frame(images[index].file, images[index].frame, position, _point(images[index]))
        for index, position in zip(verdict.order, verdict.positions_mm, strict=True)
    )
    return replace(
        base,
        frames=frames,
        acquired_shape=(len(images), images[0].rows, images[0].columns),
        grid=verdict.grid,
        gantry_tilt_deg=verdict.tilt_deg,
        steps_mm=verdict.steps_mm,
        state=verdict.state,
        reasons=(*base.reasons, *verdict.reasons),
    )


def _blocked(base: Series, reason: str) -> Series:
    return replace(base, state=GeometryState.BLOCKED, reasons=(*base.reasons, reason))


def _not_a_volume(base: Series) -> Series:
    return _blocked(base, NOT_READ[base.kind])


def planes_of(images: Sequence[Image]) -> Planes:
    """The planes of images that share size, spacing and orientation."""
    image = images[0]
    row, column = np.reshape(np.asarray(image.orientation, dtype=np.float64), (2, 3))
    return Planes(
        np.array([one.position for one in images], dtype=np.float64),
        _unit(row),
        _unit(column),
        (image.spacing[1], image.spacing[0]),
        (image.rows, image.columns),
        image.thickness,
    )


def _unit(axis: Points) -> Points:
    length = float(np.linalg.norm(axis))
    return axis / length if length > 0 else axis


def _point(image: Image) -> tuple[float, float, float] | None:
    return (image.position[0], image.position[1], image.position[2]) if len(image.position) == 3 else None


NOT_READ = {
    SeriesKind.LOCALIZER: "A localizer: it shows where other series lie and is no volume.",
    SeriesKind.CAPTURE: "A picture of a screen or in colour: it is no measurement and no volume.",
    SeriesKind.SEGMENTATION: "A segmentation: outlines of another series, not an image.",
    SeriesKind.OTHER: "Not a kind of image that stacks into a volume.",
}
