"""Figures of an organ network on two real CTs with reference outlines, which trained nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from engines.training.measure_outlines import Bools, answer, dice, rounded
from engines.training.readers.volume_file import header, labels_of
from engines.training.real_strokes import read_volume
from inference.backends.base import Engine
from inference.errors import GeometryMismatch
from inference.steps.resample import upright
from inference.task import Task
from inference.volume import Channel, Floats, Geometry, Labels, Volume

FOLDER = "ct-body-totalseg"

REFERENCE_VALUES: dict[str, tuple[int, ...]] = {
    "liver": (5,),
    "bladder": (21,),
    "lungs": tuple(range(10, 15)),
    "kidneys": (2, 3),
    "bone": (*range(25, 51), *range(69, 79), 91, *range(92, 117)),
}
"""TotalSegmentator's class numbers: five lobes, sacrum and vertebrae, limbs' ends and hips, skull, ribs, breastbone."""

BONE_HU, LUNG_HU, BODY_HU = 200.0, -500.0, -300.0
RULES = {
    "bone": f"Dice of the plain rule (above {BONE_HU:.0f} HU)",
    "lungs": f"Dice of the plain rule (below {LUNG_HU:.0f} HU inside the body)",
}


@dataclass(frozen=True, slots=True)
class RealScan:
    """A CT with outlines that TotalSegmentator drew: themselves an answer, no reader's work.

    Attributes:
        name: For the figures.
        scan: A NIfTI file or a folder of DICOM files.
        reference: TotalSegmentator's classes.
    """

    name: str
    scan: str
    reference: str


SCANS = (
    RealScan("real, abdomen and pelvis", "example_ct.nii.gz", "example_seg_fast_force_split.nii.gz"),
    RealScan("real, 4 cm of upper abdomen", "example_ct_dicom", "example_seg_dicom.nii.gz"),
)
"""The first was looked at while the digital trunks were drawn, the second was not."""


def on_real(task: Task, engine: Engine, data: Path) -> dict[str, Any]:
    """Figures by name; none of a scan that is not there.

    Raises:
        GeometryMismatch: A scan and its reference lie on different grids.
    """
    figures: dict[str, Any] = {}
    for case in SCANS:
        if all((data / FOLDER / name).exists() for name in (case.scan, case.reference)):
            volume, truth = read(case, data / FOLDER, task.output.labels)
            found, mirrored = (_labels(task, engine, v) for v in (volume, mirror(volume)))
            rules = {"bone": bone_rule(volume.voxels), "lungs": lung_rule(volume.voxels)}
            for value, name in enumerate(task.output.labels, start=1):
                three = (found == value, truth == value, mirrored[:, :, ::-1] == value)
                seen = _of_organ(*three, volume.geometry.voxel_ml, rules.get(name), RULES.get(name, ""))
                figures |= {f"{case.name}: {name}, {key}": number for key, number in seen.items()}
    return figures


def read(case: RealScan, folder: Path, names: tuple[str, ...]) -> tuple[Volume, Labels]:
    """A scan and its organs as the label values of `names`, on one grid.

    Raises:
        GeometryMismatch: They lie on different grids.
    """
    scan, reference = folder / case.scan, folder / case.reference
    volume = read_volume(scan, Channel.CT) if scan.is_file() else _series(scan)
    where = header(reference)
    if not upright(where).same_grid(upright(volume.geometry)):
        raise GeometryMismatch("The CT and its reference lie on different grids.", "Unpack the set again.")
    signs = np.sign(np.diag(where.direction) * np.diag(volume.geometry.direction)).astype(int)
    classes = labels_of(reference)[tuple(slice(None, None, int(sign)) for sign in signs[::-1])]
    return volume, organs_of(classes, names)


def _series(folder: Path) -> Volume:
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    image = reader.Execute()
    voxels = sitk.GetArrayFromImage(image).astype(np.float32)
    direction = np.reshape(image.GetDirection(), (3, 3))
    geometry = Geometry.from_axes(voxels.shape, image.GetSpacing(), image.GetOrigin(), direction)
    return Volume(voxels, geometry, Channel.CT, "HU")


def _of_organ(
    here: Bools, wanted: Bools, exchanged: Bools, voxel_ml: float, rule: Bools | None, rule_name: str
) -> dict[str, Any]:
    ml = round(float(here.sum()) * voxel_ml, 1)
    if not wanted.any():
        return {"mL outlined where there is none": ml}
    true_ml = round(float(wanted.sum()) * voxel_ml, 1)
    figures: dict[str, Any] = {"Dice": rounded(dice(here, wanted)), "mL": ml, "mL of the reference": true_ml}
    if rule is not None:
        figures[rule_name] = rounded(dice(rule, wanted))
    return figures | {"Dice with left and right exchanged": rounded(dice(exchanged, wanted))}


def organs_of(reference: Labels, names: tuple[str, ...]) -> Labels:
    """The reference's classes as the task's label values; classes that the task does not know become 0.

    Raises:
        KeyError: A name of which the reference has no classes.
    """
    organs = np.zeros_like(reference)
    for value, name in enumerate(names, start=1):
        organs[np.isin(reference, REFERENCE_VALUES[name])] = value
    return organs


def bone_rule(hu: Floats) -> Bools:
    """Denser than contrast-free tissue."""
    return np.asarray(hu > BONE_HU)


def lung_rule(hu: Floats) -> Bools:
    """Air inside the body, slice by slice; the bowel's gas with it."""
    pieces, count = ndimage.label(hu > BODY_HU)
    if count == 0:
        return np.zeros(hu.shape, dtype=np.bool_)
    body = pieces == 1 + int(np.argmax(np.bincount(pieces.ravel())[1:]))
    inside = np.stack([ndimage.binary_fill_holes(plane) for plane in body])
    return np.asarray(inside & (hu < LUNG_HU))


def mirror(volume: Volume) -> Volume:
    """The voxels in the other order from left to right on the same grid: a body with its liver on the left."""
    return replace(volume, voxels=np.ascontiguousarray(volume.voxels[:, :, ::-1]))


def _labels(task: Task, engine: Engine, volume: Volume) -> Labels:
    mask = answer(task, engine, {Channel.CT: volume}).mask
    assert mask is not None
    return mask.labels
