"""What can be said of prostate zones on a real study that comes without outlines: consistency, not accuracy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from engines.training.measure_outlines import answer, dice, rounded
from inference.backends.base import Engine
from inference.steps.resample import to_grid
from inference.task import Task
from inference.volume import Channel, Geometry, Labels, Mask, Volume

Bools = NDArray[np.bool_]
STUDY = "prostate-prostatex/ProstateX/ProstateX-0000/07-07-2011"
T2_SERIES, ADC_SERIES = "4.*", "7.*"
NAME = "real, ProstateX-0000"
FINDING_LPS_MM = (25.7457, 31.8707, -38.511)
"""Finding 1 of this patient in the list of findings of the PROSTATEx challenge: in the peripheral zone."""

RAMP = 0.15
NAMES = {0: "outside", 1: "peripheral zone", 2: "transition zone"}


def on_real(task: Task, engine: Engine, data: Path) -> dict[str, Any]:
    """Figures on the axial T2 series of ProstateX-0000; none where the study is not there.

    Every one of them could be good and the outline wrong: nobody outlined this patient.
    """
    folder = next((data / STUDY).glob(T2_SERIES), None)
    if folder is None:
        return {}
    volume = read_series(folder, Channel.T2)
    mask = _outlined(task, engine, volume)
    figures = of_mask(mask) | {"published finding 1, in the peripheral zone, lies in": zone_at(mask, FINDING_LPS_MM)}
    figures |= _under_changes(task, engine, volume, mask.labels)
    other = next((data / STUDY).glob(ADC_SERIES), None)
    if other is not None:
        figures["mean ADC of the peripheral zone over that of the transition zone"] = _ratio(
            to_grid(*_voxels(read_series(other, Channel.ADC)), mask.geometry), mask.labels
        )
    return {f"{NAME}: {key}": value for key, value in figures.items()}


def of_mask(mask: Mask) -> dict[str, Any]:
    """Size, place and shape of the two zones (1 peripheral, 2 transition)."""
    labels, ml = mask.labels, mask.geometry.voxel_ml
    gland = labels > 0
    return {
        "mL of the whole gland": rounded(gland.sum() * ml),
        "mL of the peripheral zone": rounded((labels == 1).sum() * ml),
        "mL of the transition zone": rounded((labels == 2).sum() * ml),
        "width x depth x height, mm": _extent(gland, mask.geometry),
        "share of the gland in its largest piece": rounded(largest_share(gland)),
        "mm by which the peripheral zone lies behind the transition zone": rounded(behind_mm(mask)),
    }


def largest_share(marked: Bools) -> float:
    """Share of the marked voxels in the largest piece (26 neighbours); 0 where nothing is marked."""
    pieces, count = ndimage.label(marked, np.ones((3, 3, 3)))
    sizes = np.bincount(pieces.ravel(), minlength=count + 1)[1:]
    return float(sizes.max() / sizes.sum()) if count else 0.0


def behind_mm(mask: Mask) -> float:
    """LPS y of the middle of label 1 minus that of label 2; NaN where one is empty."""
    middles = [_middle_y(mask.labels == label, mask.geometry) for label in (1, 2)]
    return middles[0] - middles[1]


def zone_at(mask: Mask, lps_mm: tuple[float, float, float]) -> str:
    """Which zone a place in the patient lies in, by the nearest voxel."""
    i, j, k = np.rint(mask.geometry.index_from_world(lps_mm)).astype(int)
    inside = all(0 <= at < size for at, size in zip((k, j, i), mask.labels.shape, strict=True))
    return NAMES[int(mask.labels[k, j, i]) if inside else 0]


def read_series(folder: Path, channel: Channel) -> Volume:
    """The images of one DICOM series as a volume in LPS mm."""
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    image = sitk.Cast(reader.Execute(), sitk.sitkFloat32)
    direction = np.array(image.GetDirection()).reshape(3, 3)
    voxels = sitk.GetArrayFromImage(image)
    geometry = Geometry.from_axes(voxels.shape, image.GetSpacing(), image.GetOrigin(), direction)
    return Volume(voxels, geometry, channel)


def _outlined(task: Task, engine: Engine, volume: Volume) -> Mask:
    mask = answer(task, engine, {Channel.T2: volume}).mask
    assert mask is not None
    return mask


def _under_changes(task: Task, engine: Engine, volume: Volume, labels: Labels) -> dict[str, Any]:
    """How much of the answer stays when nothing that matters has changed."""
    across = np.linspace(1 - RAMP, 1 + RAMP, volume.voxels.shape[2], dtype=np.float32)
    mirrored = replace(volume, voxels=np.ascontiguousarray(volume.voxels[:, :, ::-1]))
    shaded = replace(volume, voxels=volume.voxels * across)
    answers = {
        "the mirrored picture, mirrored back": _outlined(task, engine, mirrored).labels[:, :, ::-1],
        "the picture shaded by 15 % either way from side to side": _outlined(task, engine, shaded).labels,
    }
    return {
        f"Dice with the answer to {what}, {NAMES[label]}": rounded(dice(labels == label, other == label))
        for what, other in answers.items()
        for label in (1, 2)
    }


def _voxels(volume: Volume) -> tuple[NDArray[np.float32], Geometry]:
    return volume.voxels, volume.geometry


def _ratio(values: NDArray[np.float32], labels: Labels) -> float:
    if not all((labels == label).any() for label in (1, 2)):
        return float("nan")
    return rounded(values[labels == 1].mean() / values[labels == 2].mean())


def _middle_y(marked: Bools, geometry: Geometry) -> float:
    index = np.argwhere(marked)[:, ::-1]
    return float(geometry.world_from_index(index.mean(axis=0))[1]) if index.size else float("nan")


def _extent(marked: Bools, geometry: Geometry) -> str:
    if not marked.any():
        return "none"
    spans = [np.flatnonzero(marked.any(axis=tuple(a for a in range(3) if a != axis))) for axis in (2, 1, 0)]
    return " x ".join(f"{(s[-1] - s[0] + 1) * mm:.0f}" for s, mm in zip(spans, geometry.spacing_mm, strict=True))
