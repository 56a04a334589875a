"""`train` end to end, three steps long: a bundle comes out, and the same seed makes the same bundle."""

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest

from engines.training import heads
from engines.training.recipe import RECIPES
from engines.training.train import train
from inference.errors import InputRefused, JobCancelled
from inference.result import Kind
from inference.task import read_task


def _recipe(tmp_path: Path, name: str, **changes: object) -> str:
    lines = (RECIPES / f"{name}.toml").read_text().splitlines()
    for key, value in changes.items():
        assert any(line.startswith(f"{key} =") for line in lines)
        lines = [f"{key} = {value}" if line.startswith(f"{key} =") else line for line in lines]
    path = tmp_path / f"{name}.toml"
    path.write_text("\n".join(lines))
    return str(path)


def _weights(folder: Path) -> str:
    return hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()


def _lend_head(source: Path, target: Path, seed: int) -> None:
    (target / "heads").mkdir(parents=True)
    (head,) = (source / "heads").iterdir()
    shutil.copy(head, target / "heads" / f"stroke_head-{heads.first_seed(seed)}.npz")


@pytest.mark.slow
def test_the_same_seed_makes_the_same_stroke_bundle_and_another_seed_does_not(tmp_path: Path) -> None:
    recipe = _recipe(tmp_path, "stroke-lesion", phantom_cases=1, widths="[4, 8, 8]", batch=1)
    first = train(recipe, None, tmp_path / "a", steps=3)
    _lend_head(tmp_path / "a", tmp_path / "b", 0)
    _lend_head(tmp_path / "a", tmp_path / "c", 1)  # the same head: only the chance of the steps differs
    again = train(recipe, None, tmp_path / "b", steps=3)
    assert _weights(first) == _weights(again)
    other = train(recipe, None, tmp_path / "c", seed=1, steps=3)
    assert _weights(first) != _weights(other)
    assert read_task(first).kind is Kind.MASK


@pytest.mark.slow
def test_a_generator_is_made_from_phantoms_alone(tmp_path: Path) -> None:
    recipe = _recipe(tmp_path, "ct-to-mri", phantom_cases=1, width=4)
    seen: list[str] = []
    folder = train(recipe, None, tmp_path / "out", steps=2, progress=lambda p: seen.append(p.stage.split()[0]))
    assert set(seen) == {"digital", "train"}
    assert read_task(folder).kind is Kind.VOLUME
    assert "Seed 0, 2 steps, 1 digital heads" in (folder / "card.md").read_text()


@pytest.mark.slow
def test_the_detector_learns_from_the_real_set(tmp_path: Path, shared_data) -> None:  # type: ignore[no-untyped-def]
    recipe = _recipe(tmp_path, "hemorrhage-detection", phantom_cases=0, batch=2)
    folder = train(recipe, shared_data("ct-hemorrhage-yolo").parent, tmp_path / "out", steps=2)
    assert read_task(folder).output.labels == ("EDH", "IPH", "IVH", "SAH", "SDH")


def test_the_detector_without_its_data_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="--data"):
        train("hemorrhage-detection", tmp_path, tmp_path / "out", steps=1)


def test_a_cancelled_order_leaves_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(JobCancelled):
        train("ct-to-mri", None, tmp_path / "out", steps=1, cancelled=lambda: True)
    assert not (tmp_path / "out" / "ct-to-mri").exists()


def test_training_and_held_out_seeds_never_meet() -> None:
    assert all(heads.first_seed(run) + heads.SEEDS_PER_RUN <= heads.HELD_OUT for run in (0, 1, 799, 800, 10**9))


def test_heads_are_made_once_and_read_again(tmp_path: Path) -> None:
    made: list[int] = []

    def counted(seed: int) -> dict[str, np.ndarray]:
        made.append(seed)
        return {"x": np.full(3, seed)}

    for _ in range(2):
        found = list(heads.heads(counted, range(2, 5), tmp_path, lambda _: None, lambda: False))
    assert made == [2, 3, 4]
    assert [int(f["x"][0]) for f in found] == [2, 3, 4]
    assert len(list(tmp_path.iterdir())) == 3
