"""A file in a research format -> series, one per volume in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from inference.errors import InputRefused
from inference.volume import Channel, Floats
from viewer.formats import names
from viewer.formats.grid import FileHeader, Format
from viewer.formats.nifti import NiftiFormat
from viewer.study import Frame, GeometryState, Series, SeriesKind, SetAside

FEW_VALUES = 64
AIR_HU = (-1100.0, -900.0)
AIR_SHARE = 0.01


def format_of(file: Path) -> Format | None:
    """The reader for a file, by its name; None where it is of no research format."""
    name = file.name.lower()
    if name.endswith((".nii", ".nii.gz")):
        return NiftiFormat()
    if not name.endswith((".nrrd", ".nhdr", ".mha", ".mhd")):
        return None
    from viewer.formats.itk import ItkFormat  # SimpleITK is 60 MB that a DICOM study need not carry

    return ItkFormat()


def scan_file(file: Path) -> tuple[tuple[Series, ...], tuple[Path, ...]] | SetAside:
    """The series of one file and its companion files, or why it is set aside."""
    form = format_of(file)
    if form is None:
        return SetAside(file, "Not a medical image format that Insula reads.")
    try:
        header = form.header(file)
        if header.refusal:
            return SetAside(file, header.refusal)
        one = _described(_placed(file, header), form, header)
    except InputRefused as error:
        return SetAside(file, error.message)
    return tuple(_numbered(one, header, number) for number in range(header.count)), header.companions


def _placed(file: Path, header: FileHeader) -> Series:
    grid, reasons, state = header.grid, header.reasons, GeometryState.OK
    if grid is not None and not grid.is_orthogonal:
        grid, reasons = None, (*reasons, "Its grid is sheared and cannot be shown as it is.")
    if grid is None:
        state = GeometryState.BLOCKED
    return Series(
        uid=str(file),
        modality="",
        description=names.stem_of(file.name),
        kind=SeriesKind.VOLUME,
        frames=(Frame(file),),
        files=1 + len(header.companions),
        acquired_shape=header.shape,
        grid=grid,
        steps_mm=(round(grid.spacing_mm[2], 3),) if grid is not None and header.shape[0] > 1 else (),
        state=state,
        reasons=reasons,
    )


def _described(series: Series, form: Format, header: FileHeader) -> Series:
    """Kind, channel and unit from the name, checked against the values where that is needed."""
    stem, file = series.description, series.frames[0].file
    if names.names_a_mask(stem) and header.count == 1 and _is_labels(form.voxels(file, 0)):
        return replace(series, kind=SeriesKind.SEGMENTATION)
    if names.names_b0(stem):
        return _with(series, "A diffusion image without diffusion weighting (b = 0): not DWI.")
    channel = names.channel_named(stem)
    if channel is Channel.CT and not _has_air(form.voxels(file, 0)):
        return _with(series, "Named CT, but no air near -1000: its values are not known to be HU.")
    if channel is Channel.ADC:
        series = _with(series, "The file does not state the unit of the ADC values.")
    if channel is Channel.UNKNOWN:
        series = _with(series, "The file name does not say which channel this is.")
    return replace(series, channel=channel, unit="HU" if channel is Channel.CT else "")


def _with(series: Series, reason: str) -> Series:
    return replace(series, reasons=(reason, *series.reasons))


def _numbered(series: Series, header: FileHeader, number: int) -> Series:
    """One volume of a 4D file; the file itself counts once."""
    if header.count == 1:
        return series
    reason = f"Volume {number + 1} of {header.count} in one file."
    return replace(
        series,
        uid=series.uid if number == 0 else f"{series.uid}#{number + 1}",
        files=series.files if number == 0 else 0,
        frames=(replace(series.frames[0], frame=number),),
        reasons=(reason, *series.reasons),
    )


def _is_labels(voxels: Floats) -> bool:
    """Whole numbers, and few of them."""
    if not np.array_equal(voxels, np.round(voxels)):
        return False
    return len(np.unique(voxels)) <= FEW_VALUES


def _has_air(voxels: Floats) -> bool:
    """Head CT in HU has air around the head at about -1000; rescaled or stripped copies have none."""
    return float(np.mean((voxels >= AIR_HU[0]) & (voxels <= AIR_HU[1]))) >= AIR_SHARE
