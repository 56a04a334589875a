"""Writes volumes as a DICOM study of several series, all at once or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
from pydicom.dataset import FileDataset

from inference.errors import InsulaError, JobCancelled
from inference.volume import Channel, Geometry, Volume
from viewer.dicom import write_headers as headers
from viewer.dicom.write_headers import PhantomPatient, Pixels, Timing

__all__ = [
    "PhantomPatient",
    "Pixels",
    "SeriesToWrite",
    "StudyNotWritten",
    "Timing",
    "WriteOptions",
    "tilted",
    "write_study",
]


AS_USUAL = Pixels()


class StudyNotWritten(InsulaError):
    """A study could not be put on disk; nothing of it was left there."""

    code = "not_written"
    exit_code: ClassVar[int] = 4


@dataclass(frozen=True, slots=True, eq=False)
class SeriesToWrite:
    """One series.

    Attributes:
        stacks: Its volumes, one after the other, in one SeriesInstanceUID. One is the rule; two on the same grid are
            two phases; two grids end to end are uneven spacing. A tilted (sheared) grid is written with its tilt.
        description: SeriesDescription.
        timing: Protocol, for MR.
        thickness_mm: SliceThickness; the distance of the slices if None.
        pixels: How values are stored.
        missing: Positions in the written order (0 first) that are left out.
        localizer: Also write a sagittal scout into this series.
    """

    stacks: tuple[Volume, ...]
    description: str
    timing: Timing | None = None
    thickness_mm: float | None = None
    pixels: Pixels = AS_USUAL
    missing: frozenset[int] = frozenset()
    localizer: bool = False


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """What holds for the whole study.

    Attributes:
        seed: All UIDs are derived from it: the same seed writes the same bytes.
    """

    seed: int = 0


def write_study(
    folder: Path,
    series: Sequence[SeriesToWrite],
    patient: PhantomPatient | None = None,
    options: WriteOptions | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> None:
    """Write a study into a new folder, one sub-folder per series.

    Raises:
        StudyNotWritten: The folder exists already, or the disk refused.
        JobCancelled: `cancelled()` became true.
    """
    if folder.exists():
        raise StudyNotWritten("There is already something at the study's place.", "Choose a new folder.")
    partial = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    try:
        partial.mkdir(parents=True)
        for number, one in enumerate(series, start=1):
            _write_one(partial, number, one, patient or PhantomPatient(), options or WriteOptions(), cancelled)
        partial.replace(folder)
    except OSError as error:
        raise StudyNotWritten(
            f"The study could not be written ({error.strerror}).", "Make room on the disk or choose another folder."
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def tilted(geometry: Geometry, degrees: float) -> Geometry:
    """The same stack scanned with the gantry tilted: planes turned about the i axis, the table still moving along k.

    The middle of the stack stays where it is. Axial geometry only.
    """
    angle = np.radians(degrees)
    turn = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    affine = np.array(geometry.affine)
    affine[:3, :2] = turn @ affine[:3, :2]
    middle = (np.array(geometry.shape[::-1]) - 1) / 2
    affine[:3, 3] = geometry.world_from_index(middle) - affine[:3, :3] @ middle
    return Geometry(geometry.shape, affine, geometry.frame_of_reference)


def _write_one(
    folder: Path,
    number: int,
    series: SeriesToWrite,
    patient: PhantomPatient,
    options: WriteOptions,
    cancelled: Callable[[], bool] | None,
) -> None:
    place = folder / f"series-{number:02d}"
    place.mkdir()
    for position, data in enumerate(_images(number, series, options)):
        if cancelled is not None and cancelled():
            raise JobCancelled
        if position not in series.missing:
            headers.identify(data, patient, headers.derived_uid(options.seed, "study"), options.seed)
            data.save_as(place / f"image-{position + 1:04d}.dcm", enforce_file_format=True)


def _images(number: int, series: SeriesToWrite, options: WriteOptions) -> Iterator[FileDataset]:
    stacks = (*series.stacks, _scout(series.stacks[0])) if series.localizer else series.stacks
    counted = 0
    for phase, volume in enumerate(stacks, start=1):
        is_scout = series.localizer and phase == len(stacks)
        for k in range(volume.geometry.shape[0]):
            counted += 1
            data = _image(number, counted, phase, k, volume, series, options)
            if is_scout:
                data.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
            yield data


def _image(
    number: int, instance: int, phase: int, k: int, volume: Volume, series: SeriesToWrite, options: WriteOptions
) -> FileDataset:
    uid = headers.derived_uid(options.seed, number, instance)
    data = headers.new_file(headers.sop_class(volume.channel), uid)
    frame = volume.geometry.frame_of_reference or headers.derived_uid(options.seed, "frame of reference")
    headers.place(data, volume.geometry, k, frame, series.thickness_mm or _gap_mm(volume.geometry))
    if volume.channel is Channel.CT:
        headers.describe_ct(data, volume.geometry)
    else:
        headers.describe_mr(data, volume.channel, series.timing or Timing(0, 0))
        data.SpacingBetweenSlices = headers.number(_gap_mm(volume.geometry))
    data.SeriesInstanceUID = headers.derived_uid(options.seed, "series", number)
    data.SeriesNumber, data.InstanceNumber, data.AcquisitionNumber = number, instance, phase
    data.SeriesDescription = series.description
    headers.fill(data, volume.voxels[k], volume, series.pixels)
    return data


def _gap_mm(geometry: Geometry) -> float:
    normal = np.cross(geometry.direction[:, 0], geometry.direction[:, 1])
    return float(abs(normal @ geometry.affine[:3, 2]))


def _scout(volume: Volume) -> Volume:
    """One sagittal projection of the stack (brightest half of each ray), as scanners make before they scan."""
    geometry = volume.geometry
    rays = np.sort(volume.voxels[::-1], axis=2)[:, :, -max(volume.voxels.shape[2] // 2, 1) :]
    affine = np.eye(4)
    affine[:3, 0] = geometry.affine[:3, 1]
    affine[:3, 1] = -geometry.affine[:3, 2]
    affine[:3, 2] = geometry.affine[:3, 0]
    affine[:3, 3] = geometry.world_from_index(((geometry.shape[2] - 1) / 2, 0, geometry.shape[0] - 1))
    flat = Geometry((1, geometry.shape[0], geometry.shape[1]), affine, geometry.frame_of_reference)
    return replace(volume, voxels=rays.mean(axis=2, dtype=np.float32)[None], geometry=flat, valid=None)
