"""Digital patients as outlined cases, from the recipe to the bundle."""

from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest

from engines.phantom.outlined import OutlinedPatient
from engines.training import drawn as room
from engines.training.drawn import WATCHED, Drawn, drawn
from engines.training.heads import HELD_OUT, first_seed
from engines.training.mask_tiles import kept, tiled
from engines.training.recipe import read_recipe
from engines.training.train import train
from inference.errors import InputRefused
from inference.task import read_task
from inference.volume import Channel, Geometry, Mask, Volume

SHAPE = (6, 40, 36)
RECIPE = """
kind = "outline"
steps = 3
phantom = "ball"
phantom_cases = 3
[course]
look_every = 2
format = "fp32"
[settings]
network = "organ-unet"
widths = [4, 8]
loss = "cross-entropy-and-dice"
batch = 2
[manifest]
schema = 1
name = "balls"
title = "Balls"
version = "1"
kind = "mask"
intended_use = "A test."
notice = "A test"
licence = "none"
[manifest.model]
file = "model.onnx"
sha256 = ""
input = "input"
outputs = ["logits"]
[[manifest.channels]]
name = "T2"
normalise = "zscore"
[manifest.sampling]
kind = "tiles"
spacing_mm = [4.0, 4.0, 8.0]
size = [1, 32, 32]
[manifest.output]
labels = ["ball"]
[manifest.test_vector]
file = "test_vector.npz"
"""


def ball(seed: int) -> OutlinedPatient:
    """A bright ball somewhere in a block of tissue."""
    rng = np.random.default_rng(seed)
    k, j, i = np.ogrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    inside = (k - 3) ** 2 * 4 + (j - rng.integers(14, 26)) ** 2 + (i - rng.integers(14, 22)) ** 2 < 60
    geometry = Geometry.from_axes(SHAPE, (4.0, 4.0, 8.0))
    values = (100 + 80 * inside + rng.normal(0, 5, SHAPE)).astype(np.float32)
    truth = Mask(inside.astype(np.uint8), geometry, {1: "ball"})
    return OutlinedPatient((Volume(values, geometry, Channel.T2),), truth)


@pytest.fixture
def balls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "PATIENTS", MappingProxyType({"ball": ball}))


@pytest.fixture
def recipe(tmp_path: Path) -> str:
    file = tmp_path / "balls.toml"
    file.write_text(RECIPE)
    return str(file)


def test_patients_learned_from_are_never_those_of_the_looks_or_of_the_figures(recipe: str) -> None:
    split = drawn(read_recipe(recipe), seed=1)
    learned, watched = {c.seed for c in split.train}, {c.seed for c in split.held_out}
    assert learned == set(range(first_seed(1), first_seed(1) + 3))
    assert watched == {WATCHED}
    assert max(learned) < HELD_OUT < WATCHED


def test_a_recipe_learns_from_drawn_patients(balls: None, recipe: str, tmp_path: Path) -> None:
    first, second = (train(recipe, None, tmp_path / name) for name in ("a", "b"))
    assert (first / "model.onnx").read_bytes() == (second / "model.onnx").read_bytes()
    assert "3 digital patients" in (first / "card.md").read_text()
    assert read_task(first).output.labels == ("ball",)


def test_a_kept_case_is_the_drawn_one_on_the_networks_grid(balls: None, recipe: str, tmp_path: Path) -> None:
    task = read_task(train(recipe, None, tmp_path / "out", steps=1))
    case = Drawn("ball", 5)
    stored, fresh = kept(case, task, tmp_path / "cases"), tiled(case, task)
    assert np.array_equal(stored.labels, fresh.labels)
    assert np.array_equal(stored.channels, fresh.channels)
    assert np.array_equal(stored.labels, ball(5).mask.labels)
    bright = stored.channels[0][stored.labels == 1].mean() - stored.channels[0][stored.labels == 0].mean()
    assert bright > 1.0


def test_cases_drawn_by_other_code_are_drawn_anew(balls: None, monkeypatch: pytest.MonkeyPatch) -> None:
    before = Drawn("ball", 5).identity()
    monkeypatch.setattr(room, "painted_by", lambda: "another phantom")
    assert Drawn("ball", 5).identity() != before


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('phantom = "ball"', 'phantom = "cube"', "phantom"),
        ('labels = ["ball"]', 'labels = ["cube"]', "labels"),
        ('name = "T2"', 'name = "T1"', "channels"),
        ("phantom_cases = 3", "phantom_cases = 0", "phantom_cases"),
        ("[course]", '[data]\nreader = "isles"\n[course]', "reader"),
    ],
)
def test_what_does_not_fit_is_refused_before_learning(
    balls: None, recipe: str, tmp_path: Path, old: str, new: str, said: str
) -> None:
    Path(recipe).write_text(RECIPE.replace(old, new))
    with pytest.raises(InputRefused, match=said):
        train(recipe, None, tmp_path / "out")
    assert not (tmp_path / "out" / "balls").exists()
