"""Held-out figures of any outlining network on digital patients, and what measurements of outlines share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.phantom.outlined import MakePatient
from engines.training.heads import HELD_OUT
from inference.backends.base import Engine
from inference.result import Precision, PrecisionKind, Provenance, Result
from inference.run import run
from inference.task import Task
from inference.volume import Channel, Labels, Mask, Volume

Bools = NDArray[np.bool_]
LEAST_ML = 0.5
"""A structure smaller than this is not asked for: its overlap says little."""


def on_patients(task: Task, engine: Engine, make: MakePatient, count: int) -> dict[str, Any]:
    """Dice and volume error of each label over `count` digital patients that nothing was learned from."""
    pairs = []
    for seed in range(HELD_OUT, HELD_OUT + count):
        patient = make(seed)
        found = answer(task, engine, {v.channel: v for v in patient.volumes}).mask
        assert found is not None
        pairs.append((found.labels, patient.mask))
    figures: dict[str, Any] = {}
    for value, name in enumerate(task.output.labels, start=1):
        figures |= {f"phantom, {count} patients: {name}, {key}": x for key, x in _of_label(pairs, value).items()}
    return figures


def _of_label(pairs: list[tuple[Labels, Mask]], value: int) -> dict[str, Any]:
    overlaps, errors, invented = [], [], []
    for found, truth in pairs:
        here, wanted = found == value, truth.labels == value
        found_ml, true_ml = here.sum() * truth.geometry.voxel_ml, wanted.sum() * truth.geometry.voxel_ml
        if true_ml >= LEAST_ML:
            overlaps.append(dice(here, wanted))
            errors.append(abs(found_ml - true_ml) / true_ml)
        elif not wanted.any():
            invented.append(found_ml)
    figures: dict[str, Any] = {}
    if overlaps:
        figures |= {
            f"Dice of the {len(overlaps)} that have it, median": rounded(np.median(overlaps)),
            "Dice, lowest": rounded(np.min(overlaps)),
            "mL error without sign, median": f"{np.median(errors):.1%}",
        }
    if invented:
        figures[f"mL outlined in the {len(invented)} without it, median"] = rounded(np.median(invented))
    return figures


def dice(a: Bools, b: Bools) -> float:
    """2 |a and b| / (|a| + |b|); 1 when both are empty."""
    total = int(a.sum() + b.sum())
    return 2.0 * int((a & b).sum()) / total if total else 1.0


def answer(task: Task, engine: Engine, volumes: dict[Channel, Volume]) -> Result:
    """What the viewer would show: the whole road, fp32, ONNX Runtime."""
    provenance = Provenance(
        task.name, task.version, task.model.sha256, "onnxruntime", "", "CPU", Precision.FP32, PrecisionKind.NATIVE
    )
    return run(volumes, task, engine, provenance)


def rounded(value: Any) -> float:
    """Three digits behind the point."""
    return round(float(value), 3)
