"""Trained-model folders made by nnU-Net's own code: small, and some trained for a second."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import ndimage

from engines import child
from engines.importers import monai, monai_convert, monai_order, nnunet, nnunet_convert, onnx_door
from engines.importers import nnunet_reference as reference
from engines.importers.nnunet_recipe import Recipe
from engines.importers.wish import Wish
from engines.library import Bundle, find
from inference.errors import EngineError
from inference.volume import Floats

sys.path.insert(0, str(Path(__file__).parent))


def _picture(shape: tuple[int, ...], channels: int, seed: int) -> tuple[Floats, np.ndarray]:
    """A head of zeros outside, with blobs that differ in every channel, and where the blobs are."""
    random = np.random.default_rng(seed)
    axes = np.meshgrid(*[np.linspace(-1, 1, n) for n in shape], indexing="ij")
    head = sum(axis**2 for axis in axes) < 0.8
    field = ndimage.gaussian_filter(random.standard_normal(shape), [max(0.6, n / 14) for n in shape])
    blobs = (field > np.quantile(field[head], 0.9)) & head
    grain = [ndimage.gaussian_filter(random.standard_normal(shape), 0.7) for _ in range(channels)]
    stack = [head * (100 + 20 * n + 60 * (-1) ** n * blobs + 10 * grain[n]) for n in range(channels)]
    return np.stack(stack).astype(np.float32), blobs


@dataclass(frozen=True)
class Made:
    """One model in nnU-Net's folder and as our bundle."""

    recipe: Recipe
    folder: Path
    bundle: Bundle
    folds: tuple[str, ...]


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Two busy cores make several threads slower than one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def _network(recipe: Recipe, seed: int, steps: int) -> torch.nn.Module:
    """Random weights, or trained for some steps to find the blobs."""
    made = reference.network(recipe, seed)
    heads = len(recipe.labels) if recipe.regions_class_order else 1
    samples = []
    for n in range(4 if steps else 0):
        values, blobs = _picture(recipe.patch_size, len(recipe.channels), 50 + n)
        inside = values[0] != 0 if recipe.use_mask[0] else np.ones(values[0].shape, bool)
        values = np.stack([np.where(inside, (v - v[inside].mean()) / v[inside].std(), 0) for v in values])
        target = np.stack([blobs] * heads) if recipe.regions_class_order else blobs
        samples.append((values.astype(np.float32), target.astype(np.uint8)))
    if steps:
        reference.train_briefly(made, samples, steps, bool(recipe.regions_class_order))
    return made


def _make(recipe: Recipe, folder: Path, steps: int = 0, folds: tuple[str, ...] = ("0",)) -> Made:
    """The model and its bundle; the converter runs in this process, which saves seconds and is the same code."""
    nets = {fold: _network(recipe, seed + 1, steps) for seed, fold in enumerate(folds)}
    reference.write_model(folder / "model", recipe, nets)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nnunet, "_converted", lambda order, _cancelled: nnunet_convert.convert(order))
        shown = ("DWI", "ADC", "T1", "T2")[: len(recipe.channels)]
        nnunet.import_model(folder / "model", folder / "bundle", Wish(channels=shown))
    return Made(recipe, folder / "model", find(str(folder / "bundle")), folds)


@pytest.fixture(scope="session")
def picture() -> Callable[[tuple[int, ...], int, int], tuple[Floats, np.ndarray]]:
    """A function from shape, channels and seed to an image and where its blobs are."""
    return _picture


@pytest.fixture(scope="session")
def make() -> Callable[..., Made]:
    """A function from recipe, folder, steps and folds to a model and its bundle."""
    return _make


@pytest.fixture
def monai_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Convert MONAI bundles in this process: the same code without the seconds of a new one, and without its walls."""

    def converted(order: monai_order.Order, _watch: object) -> None:
        try:
            monai_convert.convert(order)
        except ValueError as error:
            raise EngineError(f"The model could not be converted: {error}.", "") from error

    monkeypatch.setattr(monai, "_converted", converted)


@pytest.fixture
def door_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judge ONNX files in this process: the same code without the seconds of a new one, and without its walls."""

    def run(_module: str, _words: object, _cancelled: object, given: str) -> str:
        try:
            return json.dumps(onnx_door.work(onnx_door.Order(**json.loads(given))))
        except ValueError as error:
            raise EngineError(f"onnx_door failed: {error}.", "") from error

    monkeypatch.setattr(child, "run", run)
