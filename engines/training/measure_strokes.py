"""Held-out figures of the stroke network: overlap, volume and lesions found, on phantoms and on real cases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from engines.training import heads as digital
from engines.training.measure_outlines import answer, dice, rounded
from engines.training.real_strokes import REAL_CASES, read_case, read_volume
from inference.backends.base import Engine
from inference.steps.brain import brain_mask
from inference.steps.head import mr_foreground
from inference.steps.normalise import adc_scale, relative, zscore
from inference.task import Task
from inference.volume import Channel, Floats, Geometry, Volume

Bools = NDArray[np.bool_]
RULE_DWI, RULE_ADC = 1.5, 0.9


def measure_strokes(task: Task, engine: Engine, data: Path | None, heads: Path, phantom_cases: int) -> dict[str, Any]:
    """Figures on phantom heads and on three real patients, none of which may train."""
    figures = _on_phantoms(task, engine, heads, phantom_cases)
    if data is None:
        return figures
    for case in REAL_CASES:
        if all((data / name).is_file() for name in case.files()):
            volumes = read_case(case, data)
            truth = read_volume(data / case.mask, Channel.UNKNOWN).voxels > 0.5 if case.mask else None
            figures |= {f"{case.name}: {key}": value for key, value in _on_real(task, engine, volumes, truth).items()}
    return figures


def lesion_recall(found: Bools, truth: Bools, voxel_ml: float, least_ml: float = 0.1) -> tuple[int, int]:
    """Connected lesions of `truth` of at least `least_ml` that `found` touches, and how many there are."""
    pieces, count = ndimage.label(truth, np.ones((3, 3, 3)))
    sizes = np.bincount(pieces.ravel(), minlength=count + 1)[1:] * voxel_ml
    touched = np.bincount(pieces[found], minlength=count + 1)[1:] > 0
    large = sizes >= least_ml
    return int((touched & large).sum()), int(large.sum())


def plain_rule(volumes: dict[Channel, Volume]) -> Bools:
    """DWI z-score > 2 and ADC < 0.6e-3 mm2/s: what any reader could do with a calculator."""
    dwi, adc = volumes[Channel.DWI].voxels, volumes[Channel.ADC].voxels
    foreground = mr_foreground(dwi)
    factor, _ = adc_scale(adc, foreground, "")
    return (zscore(dwi, foreground) > 2.0) & (adc * np.float32(factor) < 0.6) & (adc > 0) & foreground


def relative_rule(volumes: dict[Channel, Volume]) -> Bools:
    """DWI 1.5 times healthy brain and ADC below 0.9 times: the plain rule in the network's own terms."""
    dwi, adc = volumes[Channel.DWI], volumes[Channel.ADC].voxels
    brain = brain_mask(dwi.voxels, dwi.geometry.spacing_mm)
    bright = relative(dwi.voxels, brain) > RULE_DWI - 1.0
    return np.asarray(brain & bright & (relative(adc, brain) < RULE_ADC - 1.0) & (adc > 0))


def _on_phantoms(task: Task, engine: Engine, heads: Path, cases: int) -> dict[str, Any]:
    overlaps, errors, wanted, given = [], [], np.zeros(2, int), np.zeros(2, int)
    seeds = range(digital.HELD_OUT, digital.HELD_OUT + cases)
    for head in digital.heads(digital.stroke_head, seeds, heads, lambda _: None, lambda: False):
        geometry = Geometry.from_axes(head["dwi"].shape, (2.0, 2.0, 2.0))
        truth = head["lesion"]
        found = answer(task, engine, _pair(head["dwi"], head["adc"], geometry)).mask
        assert found is not None
        mask = found.labels > 0
        wanted += lesion_recall(mask, truth, geometry.voxel_ml)
        given += lesion_recall(truth, mask, geometry.voxel_ml)
        true_ml, found_ml = truth.sum() * geometry.voxel_ml, mask.sum() * geometry.voxel_ml
        if true_ml >= 1.0:
            overlaps.append(dice(mask, truth))
            errors.append((found_ml - true_ml) / true_ml)
    name = f"phantom, {cases} heads"
    return {
        f"{name}: Dice of the {len(overlaps)} with at least 1 mL, median": rounded(np.median(overlaps)),
        f"{name}: Dice, lowest": rounded(np.min(overlaps)),
        f"{name}: mL error, median": f"{np.median(errors):+.1%}",
        f"{name}: mL error without sign, median": f"{np.median(np.abs(errors)):.1%}",
        f"{name}: lesions of at least 0.1 mL found": f"{wanted[0]}/{wanted[1]}",
        f"{name}: outlined lesions of at least 0.1 mL that are true": f"{given[0]}/{given[1]}",
    }


def _pair(dwi: Floats, adc: Floats, geometry: Geometry) -> dict[Channel, Volume]:
    return {
        Channel.DWI: Volume(dwi, geometry, Channel.DWI),
        Channel.ADC: Volume(adc, geometry, Channel.ADC, unit="1e-3 mm2/s"),
    }


def _on_real(task: Task, engine: Engine, volumes: dict[Channel, Volume], truth: Bools | None) -> dict[str, Any]:
    result = answer(task, engine, volumes)
    assert result.mask is not None
    mask, rule, other = result.mask.labels > 0, plain_rule(volumes), relative_rule(volumes)
    voxel_ml = result.mask.geometry.voxel_ml
    figures: dict[str, Any] = {
        "mL outlined": rounded(mask.sum() * voxel_ml),
        "lesions outlined": len(result.findings),
        "mL of the plain rule (DWI z > 2 and ADC < 0.6)": rounded(rule.sum() * voxel_ml),
        "Dice against the plain rule": rounded(dice(mask, rule)),
    }
    if truth is not None:
        figures |= {
            "mL of the published mask (itself a network's answer)": rounded(truth.sum() * voxel_ml),
            "Dice against that mask": rounded(dice(mask, truth)),
            "Dice of the plain rule against that mask": rounded(dice(rule, truth)),
            "Dice of the relative rule (DWI > 1.5 and ADC < 0.9 of healthy brain) against that mask": rounded(
                dice(other, truth)
            ),
        }
    return figures
