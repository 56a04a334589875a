"""A manifest of kind nnunet runs like any other task, and its mask lies on the source's grid."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from inference import sidecar
from inference.backends.base import Arrays, TensorSpec
from inference.errors import GeometryMismatch, ManifestInvalid
from inference.nnunet.plan import (
    ChannelPlan,
    Function,
    LabelPlan,
    Plan,
    Reader,
    Resampling,
    Scheme,
)
from inference.result import Precision, PrecisionKind, Progress, Provenance
from inference.run import run
from inference.task import Task, read_task
from inference.volume import Channel, Geometry, Volume

MANIFEST = """
schema = 1
name = "spots"
title = "Spots"
version = "1"
kind = "mask"
intended_use = "Tests."
notice = "Demonstration model, not for diagnostic use"
licence = "Apache-2.0"
[model]
file = "model.onnx"
sha256 = "00"
input = "input"
outputs = ["logits"]
[[channels]]
name = "DWI"
normalise = "nnunet"
[[channels]]
name = "ADC"
normalise = "nnunet"
[sampling]
kind = "nnunet"
plan = "nnunet.json"
[output]
labels = ["spot"]
[test_vector]
file = "vector.npz"
"""
RULE = Resampling(Function.DEFAULT, 1, 0)
PLAN = Plan(
    dataset_name="Dataset001_Spots",
    plans_name="nnUNetPlans",
    configuration="3d_fullres",
    trainer_name="nnUNetTrainer",
    folds=("0",),
    network_class_name="net",
    image_reader_writer=Reader.SIMPLEITK,
    file_ending=".nii.gz",
    num_training=2,
    preprocessor_name="DefaultPreprocessor",
    label_manager="LabelManager",
    transpose_forward=(0, 1, 2),
    transpose_backward=(0, 1, 2),
    spacing=(2.0, 2.0, 2.0),
    patch_size=(8, 8, 8),
    batch_size=2,
    channels=tuple(ChannelPlan(name, Scheme.ZSCORE, True) for name in ("DWI", "ADC")),
    resampling_data=RULE,
    resampling_seg=RULE,
    resampling_probabilities=RULE,
    labels=(LabelPlan("spot", (1,)),),
)
WHO = Provenance("spots", "1", "00", "test", "1", "CPU", Precision.FP32, PrecisionKind.NATIVE)


class Bright:
    """An engine that says spot where the first channel stands out."""

    inputs = (TensorSpec("input", (1, 2, 8, 8, 8)),)
    outputs = (TensorSpec("logits", (1, 2, 8, 8, 8)),)

    def infer(self, feed: Arrays) -> dict[str, np.ndarray]:
        first = feed["input"][0, 0]
        return {"logits": np.stack([np.full_like(first, 0.0), first - 2.0])[None].astype(np.float32)}

    def cancel(self) -> None: ...

    def close(self) -> None: ...


@pytest.fixture
def task(tmp_path: Path) -> Task:
    return bundle(tmp_path)


def bundle(folder: Path, manifest: str = MANIFEST, plan: Plan = PLAN) -> Task:
    (folder / "manifest.toml").write_text(manifest)
    (folder / "nnunet.json").write_text(sidecar.text(plan))
    return read_task(folder)


def volume(channel: Channel, shift: float = 0.0) -> Volume:
    values = np.random.default_rng(2).uniform(10, 12, (14, 20, 18)).astype(np.float32)
    values[4:7, 5:9, 11:15] += 30
    axes = np.array([[1.0, 0, 0], [0, -1.0, 0], [0, 0, 1.0]])
    geometry = Geometry.from_axes(values.shape, (1.5, 1.5, 2.0), (shift, 0, 0), axes, "frame")
    return Volume(values, geometry, channel)


@pytest.mark.parametrize("reader", [Reader.SIMPLEITK, Reader.NIBABEL_RAS])
def test_the_mask_lies_on_the_source(tmp_path: Path, reader: Reader) -> None:
    """An abdomen would run too: what an imported model is of, only its user knows."""
    task = bundle(tmp_path, plan=replace(PLAN, image_reader_writer=reader))
    seen: list[Progress] = []
    volumes = {channel: volume(channel) for channel in (Channel.DWI, Channel.ADC)}
    result = run(volumes, task, Bright(), WHO, progress=seen.append)
    assert result.mask is not None
    assert result.mask.geometry is volumes[Channel.DWI].geometry
    core = np.zeros(result.mask.labels.shape, bool)
    core[5, 6:8, 12:14] = True
    assert result.mask.labels[core].all()
    assert not result.mask.labels[:2].any()
    (finding,) = result.findings
    assert finding.label == "spot"
    assert finding.side == ""
    assert 0.5 < finding.score <= 1
    assert finding.volume_ml is not None
    assert 0.2 < finding.volume_ml < 0.4  # 3 x 4 x 4 voxels of 4.5 mm3, and a rim where it fades
    tiles = [p for p in seen if p.stage == "tiles"]
    assert tiles[-1].done == tiles[-1].total > 1
    assert "nnU-Net 3d_fullres" in result.notes[-1]


def test_a_channel_on_another_grid_is_brought_over_or_refused(task: Task) -> None:
    near = run({Channel.DWI: volume(Channel.DWI), Channel.ADC: volume(Channel.ADC, 1.0)}, task, Bright(), WHO)
    assert "ADC was resampled" in near.notes[0]
    with pytest.raises(GeometryMismatch):
        run({Channel.DWI: volume(Channel.DWI), Channel.ADC: volume(Channel.ADC, 900.0)}, task, Bright(), WHO)


def test_what_was_not_measured_is_not_labelled(task: Task) -> None:
    source = volume(Channel.DWI)
    valid = np.ones(source.voxels.shape, bool)
    valid[5] = False
    result = run({Channel.DWI: replace(source, valid=valid), Channel.ADC: volume(Channel.ADC)}, task, Bright(), WHO)
    assert result.mask is not None
    assert not result.mask.labels[5].any()
    assert result.mask.labels[4].any()


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ('plan = "nnunet.json"', "", "needs plan"),
        ('plan = "nnunet.json"', 'plan = "../nnunet.json"', "own folder"),
        ('plan = "nnunet.json"', 'plan = "none.json"', "cannot be read"),
        ('labels = ["spot"]', 'labels = ["spots"]', "plan's labels"),
        ('[[channels]]\nname = "ADC"\nnormalise = "nnunet"\n', "", "channels must be 2"),
        ('name = "ADC"\nnormalise = "nnunet"', 'name = "ADC"\nnormalise = "zscore"', "nnunet"),
        ('kind = "mask"', 'kind = "volume"', "kind must be mask"),
        ('kind = "nnunet"', 'kind = "nnunet"\nsize = [8, 8, 8]', "no spacing_mm or size"),
    ],
)
def test_a_manifest_that_does_not_fit_its_plan_is_refused(tmp_path: Path, old: str, new: str, word: str) -> None:
    assert old in MANIFEST
    with pytest.raises(ManifestInvalid, match=word):
        bundle(tmp_path, MANIFEST.replace(old, new))
