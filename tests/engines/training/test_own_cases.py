"""The user's own cases: from a folder to a bundle that runs, and what is refused before anything is learned."""

import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from engines.training.mask_tiles import MaskTiles, kept, on_grid, tiled
from engines.training.readers.nnunet_raw import read_nnunet_raw
from engines.training.readers.volume_file import header, voxels_of
from engines.training.train import CheckpointThere, train
from inference.backends.onnxruntime import OnnxRuntimeBackend
from inference.errors import InputRefused, JobCancelled
from inference.result import Kind, Precision, PrecisionKind, Provenance
from inference.run import run
from inference.steps import normalise
from inference.steps.head import mr_foreground
from inference.task import read_task
from inference.volume import Channel, Geometry, Volume

RECIPE = """
kind = "outline"
steps = 3

[course]
look_every = 2
patience = 5
format = "fp32"
rates = "steps"

[data]
reader = "nnunet-raw"
held_out = 0.34

[settings]
network = "unet3d"
widths = [4, 8]
loss = "dice-and-cross-entropy"
optimiser = "adamw"
batch = 2
rate = 0.01

[manifest]
schema = 1
name = "my-plaques"
title = "Plaques"
version = "0.1.0"
kind = "mask"
intended_use = "A test."
notice = "Not for diagnostic use"
licence = "mine"

[manifest.model]
file = "model.onnx"
sha256 = ""
input = "input"
outputs = ["logits"]

[[manifest.channels]]
name = "FLAIR"
normalise = "zscore"

[manifest.sampling]
kind = "tiles"
spacing_mm = [5.0, 5.0, 5.0]
size = [16, 16, 16]

[manifest.output]
labels = ["plaque"]
min_ml = 0.1

[manifest.test_vector]
file = "test_vector.npz"
"""
Write = Callable[..., str]


@pytest.fixture
def recipe(tmp_path: Path) -> Write:
    """The recipe with some words changed, as a file."""

    def write(*changes: tuple[str, str]) -> str:
        text = RECIPE
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        (tmp_path / "mine.toml").write_text(text)
        return str(tmp_path / "mine.toml")

    return write


def _answer(bundle: Path, own_set: Path):  # type: ignore[no-untyped-def]
    task, file = read_task(bundle), own_set / "imagesTr" / "head0_0000.nii.gz"
    engine = OnnxRuntimeBackend().load(task.model_path, Precision.FP32, "CPU")
    volume = Volume(voxels_of(file), header(file), Channel.FLAIR)
    made = Provenance(task.name, task.version, "", "onnxruntime", "", "CPU", Precision.FP32, PrecisionKind.NATIVE)
    with closing(engine):
        return run({Channel.FLAIR: volume}, task, engine, made)


def test_an_own_set_becomes_a_bundle_that_finds_what_it_was_shown(tmp_path: Path, own_set: Path, recipe: Write) -> None:
    bundle = train(
        recipe(("steps = 3", "steps = 40"), ("look_every = 2", "look_every = 20")), own_set, tmp_path / "out", seed=1
    )
    assert read_task(bundle).kind is Kind.MASK
    assert "user's own folder (layout: nnunet-raw)" in (bundle / "card.md").read_text()
    found = _answer(bundle, own_set).mask
    truth = voxels_of(own_set / "labelsTr" / "head0.nii.gz") > 0
    assert 2 * (found.labels[truth] > 0).sum() / ((found.labels > 0).sum() + truth.sum()) > 0.65


@pytest.mark.parametrize("network", ["prostate-vnet", "organ-unet"])
def test_a_flat_network_of_the_paper_becomes_a_bundle_of_one_slice_tiles(
    tmp_path: Path, own_set: Path, recipe: Write, network: str
) -> None:
    changes = (
        ('network = "unet3d"', f'network = "{network}"'),
        ("widths = [4, 8]", "widths = [4, 8, 8, 8, 8]"),
        ("dice-and-cross-entropy", "weighted-focal-tversky"),
        ("size = [16, 16, 16]", "size = [1, 32, 32]"),
    )
    bundle = train(recipe(*changes), own_set, tmp_path / "out")
    result = _answer(bundle, own_set)
    assert result.mask.geometry.shape == header(own_set / "labelsTr" / "head0.nii.gz").shape


def test_resuming_is_explicit_and_ends_in_the_same_weights(tmp_path: Path, own_set: Path, recipe: Write) -> None:
    path = recipe(("steps = 3", "epochs = 4"))  # two heads learn, two in a batch: one step an epoch
    whole = train(path, own_set, tmp_path / "a")
    steps: list[str] = []
    with pytest.raises(JobCancelled, match="--resume"):
        train(path, own_set, tmp_path / "b", progress=lambda p: steps.append(p.stage), cancelled=lambda: len(steps) > 4)
    with pytest.raises(CheckpointThere, match="Go on from it with --resume"):
        train(path, own_set, tmp_path / "b")
    resumed = train(path, own_set, tmp_path / "b", resume=True)
    assert (whole / "model.onnx").read_bytes() == (resumed / "model.onnx").read_bytes()
    curves = [(tmp_path / name / "my-plaques.curves.csv").read_text() for name in "ab"]
    assert curves[0] == curves[1]
    assert curves[0].count("\n") == 5
    with pytest.raises(InputRefused, match=r"holds no checkpoint.*begin without --resume"):
        train(path, own_set, tmp_path / "c", resume=True)
    with pytest.raises(InputRefused, match="other settings"):
        train(recipe(("steps = 3", "epochs = 4"), ("rate = 0.01", "rate = 0.02")), own_set, tmp_path / "b", resume=True)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('name = "FLAIR"', 'name = "T2"', "channels are FLAIR; the recipe's are T2"),
        ('labels = ["plaque"]', 'labels = ["lesion"]', "labels are plaque; the recipe's are lesion"),
        ("size = [16, 16, 16]", "size = [16, 16]", "need 3 numbers"),
        ('name = "FLAIR"', 'name = "CT"\nbias_field = true', "bias_field is for MR channels"),
        ("batch = 2", "batch = 2\nmagic = 1", "unknown: magic"),
        ('"adamw"', '"lion"', "no optimiser 'lion'"),
        ('"unet3d"', '"vgg"', "no network 'vgg'"),
        ('"nnunet-raw"', '"yolo"', "no reader 'yolo' for a recipe of this kind"),
    ],
)
def test_a_recipe_that_does_not_fit_its_set_is_refused_before_learning(
    tmp_path: Path, own_set: Path, recipe: Write, old: str, new: str, sentence: str
) -> None:
    with pytest.raises(InputRefused, match=sentence):
        train(recipe((old, new)), own_set, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_cases_are_prepared_by_the_functions_of_inference(tmp_path: Path, own_set: Path, recipe: Write) -> None:
    bundle = train(recipe(("steps = 3", "steps = 1")), own_set, tmp_path / "out")
    case = read_nnunet_raw(own_set, 0.34).train[0]
    ready = tiled(case, read_task(bundle))
    values = case.scans[0].volume().voxels
    np.testing.assert_array_equal(ready.channels[0], normalise.zscore(values, mr_foreground(values)))
    np.testing.assert_array_equal(ready.labels, case.mask().labels)
    tiles = MaskTiles([ready], [ready], (16, 16, 16))
    drawn = [tiles.draw(1, np.random.default_rng(n)) for n in range(24)]
    marked = [(x, y) for x, y in drawn if int(y.sum()) > 30]
    assert len(marked) > 8
    assert np.mean([float(x[0, 0][y[0] == 1].mean() > x[0, 0][y[0] == 0].mean()) for x, y in marked]) == 1.0
    whole = list(tiles.held_out())
    assert sum(int(y.sum()) for _, y in whole) >= int(ready.labels.sum())


def test_prepared_cases_are_kept_and_made_again_when_their_file_changes(
    tmp_path: Path, own_set: Path, recipe: Write
) -> None:
    task = read_task(train(recipe(("steps = 3", "steps = 1")), own_set, tmp_path / "out"))
    case = read_nnunet_raw(own_set, 0.34).train[0]
    first, again = (kept(case, task, tmp_path / "kept") for _ in range(2))
    np.testing.assert_array_equal(first.channels, tiled(case, task).channels)
    np.testing.assert_array_equal(first.labels, again.labels)
    assert len(list((tmp_path / "kept").iterdir())) == 1
    os.utime(case.outline)
    kept(case, task, tmp_path / "kept")
    assert len(list((tmp_path / "kept").iterdir())) == 2


def test_labels_go_to_another_grid_without_mixing() -> None:
    labels = np.zeros((6, 6, 6), np.uint8)
    labels[1:3], labels[3:5] = 1, 4
    source = Geometry.from_axes((6, 6, 6), (1.0, 1.0, 1.0))
    fine = Geometry.from_axes((12, 6, 6), (1.0, 1.0, 0.5), (0, 0, -0.25))
    moved = on_grid(labels, source, fine)
    assert np.unique(moved).tolist() == [0, 1, 4]
    assert abs(int((moved == 4).sum()) - 2 * int((labels == 4).sum())) <= 36
    assert on_grid(np.zeros_like(labels), source, fine).max() == 0
