"""Figures of a tumour network on real patients, none of which trained it: two with an outline, one without."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from engines.training.measure_outlines import Bools, answer, dice, rounded
from engines.training.real_strokes import read_volume
from inference.backends.base import Engine
from inference.steps.head import mr_foreground
from inference.task import Task
from inference.volume import Channel, Floats, Labels, Volume

OUTLINED = {f"real, pyradiomics brain{n}": f"mr-brain-tumour-pyradiomics/brain{n}" for n in (1, 2)}
"""T1 after contrast alone, with an outline of what enhances and what it encloses."""

BRATS = "tumour-brats-gli-00001/segmentation/BraTS-GLI-00001-000/BraTS-GLI-00001-000"
FILES = {Channel.T1C: "t1c", Channel.FLAIR: "t2f", Channel.T1: "t1n", Channel.T2: "t2w"}
UNDER_SKIN_MM, RULE_SIGMAS = 22.0, 2.0
"""The best of sixteen pairs on the outline of brain1, so that the rule there does as well as such a rule can."""

RULE_FLAIR, RULE_GAIN = 1.6, 0.35
CORE = (1, 3)

Study = Mapping[Channel, Volume]


def on_real(task: Task, engine: Engine, data: Path) -> dict[str, Any]:
    """Figures by name, of the cases that are there."""
    figures: dict[str, Any] = {}
    for name, stem in OUTLINED.items():
        image, label = data / f"{stem}_image.nrrd", data / f"{stem}_label.nrrd"
        if image.is_file() and label.is_file():
            volume, truth = read_volume(image, Channel.T1C), read_volume(label, Channel.UNKNOWN).voxels > 0.5
            figures |= {f"{name}: {key}": value for key, value in _outlined(task, engine, volume, truth).items()}
    files = {channel: data / f"{BRATS}-{end}.nii.gz" for channel, end in FILES.items()}
    if all(file.is_file() for file in files.values()):
        study = {channel: read_volume(file, channel) for channel, file in files.items()}
        figures |= {f"real, BraTS-GLI-00001: {key}": value for key, value in _bare(task, engine, study).items()}
    return figures


def bright_rule(volume: Volume) -> Bools:
    """The largest piece, 22 mm or more under the skin, that is 2 robust standard deviations above the median there."""
    step = volume.geometry.spacing_mm[::-1]
    head = ndimage.binary_fill_holes(ndimage.binary_closing(mr_foreground(volume.voxels), iterations=2))
    deep = ndimage.distance_transform_edt(np.pad(head, 1), sampling=step)[1:-1, 1:-1, 1:-1] > UNDER_SKIN_MM
    inside = volume.voxels[deep]
    middle = float(np.median(inside))
    sigma = 1.4826 * float(np.median(np.abs(inside - middle)))
    return largest(np.asarray(deep & (volume.voxels > middle + RULE_SIGMAS * sigma)))


def flair_rule(study: Study) -> Bools:
    """The largest piece of FLAIR above 1.6 times its median in a brain without skull."""
    bright = _relative(study[Channel.FLAIR]) > RULE_FLAIR
    return largest(ndimage.binary_opening(bright))


def gain_rule(study: Study) -> Bools:
    """The largest piece where contrast adds more than 0.35 of the median, among what FLAIR's rule finds or encloses."""
    near = ndimage.binary_closing(flair_rule(study), iterations=6)
    gain = _relative(study[Channel.T1C]) - _relative(study[Channel.T1])
    return largest(np.asarray(near & (gain > RULE_GAIN)))


def largest(mask: Bools) -> Bools:
    """Its largest connected piece."""
    pieces, count = ndimage.label(mask)
    if count == 0:
        return mask
    return np.asarray(pieces == 1 + int(np.argmax(np.bincount(pieces.ravel())[1:])))


def _outlined(task: Task, engine: Engine, volume: Volume, truth: Bools) -> dict[str, Any]:
    labels, ml = _labels(task, engine, {Channel.T1C: volume}), volume.geometry.voxel_ml
    core, rule = np.isin(labels, CORE), bright_rule(volume)
    true_ml = float(truth.sum()) * ml
    return {
        "mL of the outline that came with it": rounded(true_ml),
        "mL, enhancing + necrotic": rounded(core.sum() * ml),
        "mL error": f"{(core.sum() * ml - true_ml) / true_ml:+.1%}",
        "Dice, enhancing + necrotic": rounded(dice(core, truth)),
        "Dice, its piece that overlaps most": rounded(dice(_best_piece(core, truth), truth)),
        "Dice, complete (with oedema, which the outline leaves out)": rounded(dice(labels > 0, truth)),
        "Dice of the plain rule (largest bright piece in the deep, tuned on brain1)": rounded(dice(rule, truth)),
    }


def _best_piece(mask: Bools, truth: Bools) -> Bools:
    pieces, _ = ndimage.label(mask)
    shared = np.bincount(pieces[truth], minlength=1)
    shared[0] = 0
    return np.asarray(pieces == int(shared.argmax())) & mask


def _bare(task: Task, engine: Engine, study: Study) -> dict[str, Any]:
    """No outline came with it, so these figures compare the answer with rules and with itself."""
    labels, ml = _labels(task, engine, study), study[Channel.T1C].geometry.voxel_ml
    alone = _labels(task, engine, {Channel.T1C: study[Channel.T1C]})
    mirrored = _labels(task, engine, {c: _mirrored(v) for c, v in study.items()})[:, :, ::-1]
    names = dict(enumerate(task.output.labels, start=1))
    core, enhancing = np.isin(labels, CORE), labels == 3
    return {
        **{f"mL, {name}": rounded((labels == n).sum() * ml) for n, name in names.items()},
        "agreement (Dice) of complete with the FLAIR rule": rounded(dice(labels > 0, flair_rule(study))),
        "agreement (Dice) of enhancing with the rule T1C - T1": rounded(dice(enhancing, gain_rule(study))),
        "share of the core inside the largest piece": rounded((core & largest(core)).sum() / max(core.sum(), 1)),
        "agreement (Dice) of complete with its mirror image": rounded(dice(labels > 0, mirrored > 0)),
        "agreement (Dice) of the core from T1C alone": rounded(dice(core, np.isin(alone, CORE))),
        "agreement (Dice) of complete from T1C alone": rounded(dice(labels > 0, alone > 0)),
    }


def _labels(task: Task, engine: Engine, study: Study) -> Labels:
    mask = answer(task, engine, dict(study)).mask
    assert mask is not None
    return mask.labels


def _mirrored(volume: Volume) -> Volume:
    """Left and right exchanged, in place."""
    return replace(volume, voxels=np.ascontiguousarray(volume.voxels[:, :, ::-1]))


def _relative(volume: Volume) -> Floats:
    """Over the median of what is not 0."""
    return np.asarray(volume.voxels / np.float32(np.median(volume.voxels[volume.voxels > 0])))
