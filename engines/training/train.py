"""Makes a bundle from a recipe: data, learning, export. `train` is what `insula engines train` calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from engines.training import card, heads
from engines.training.boxed_slices import BoxedSlices, read_yolo
from engines.training.detection import DetectionSettings, DetectionTrainee
from engines.training.export import export_bundle
from engines.training.loop import Run, Trainee, train_loop
from engines.training.paired_slices import joined
from engines.training.recipe import Recipe, RecipeKind, read_recipe, settings_of
from engines.training.segmentation import SegmentationSettings, SegmentationTrainee
from engines.training.sources import training_folder
from engines.training.translation import TranslationSettings, TranslationTrainee
from inference.result import CancelledFn, ProgressFn
from inference.steps.tiles import cut, pad_to
from inference.volume import Floats

REAL_SET = "ct-hemorrhage-yolo"
THREADS = 1
"""One thread, so that the order of every sum, and with it every weight, depends on the seed alone."""


@dataclass(frozen=True, slots=True)
class Order:
    """One training order: the recipe and where its data come from and go to."""

    recipe: Recipe
    data: Path | None
    out: Path
    seed: int
    progress: ProgressFn
    cancelled: CancelledFn

    def heads(self, make: heads.MakeHead) -> Iterator[heads.Arrays]:
        """The recipe's digital heads of this seed."""
        first = heads.first_seed(self.seed)
        seeds = range(first, first + self.recipe.phantom_cases)
        return heads.heads(make, seeds, self.out / "heads", self.progress, self.cancelled)

    def window(self) -> tuple[float, float]:
        """The first channel's window."""
        channel = self.recipe.manifest["channels"][0]
        return float(channel["low"]), float(channel["high"])


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A trainee and one real input for the test vector."""

    trainee: Trainee
    example: Floats


def train(
    recipe: str,
    data: Path | None,
    out: Path,
    *,
    seed: int = 0,
    steps: int | None = None,
    progress: ProgressFn = lambda _: None,
    cancelled: CancelledFn = lambda: False,
) -> Path:
    """Train a recipe and write its bundle to `out/<task>`.

    A stopped run goes on from `out/<task>.checkpoint.pt`. The same recipe, seed and steps give the same weights on the
    same machine.

    Args:
        recipe: Name of a recipe that ships, or a .toml file.
        data: Folder that holds the data sets; only those that may train are opened.
        steps: Instead of the recipe's.

    Returns:
        The bundle's folder.

    Raises:
        InputRefused: The recipe or the data cannot be used.
        JobCancelled: `cancelled()` became true; the checkpoint is kept.
        EngineError: The export did not come out right.
    """
    order = Order(read_recipe(recipe), data, out, seed, progress, cancelled)
    threads = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    try:
        prepared = PREPARE[order.recipe.kind](order)
        total = steps or order.recipe.steps
        run = Run(total, seed, out / f"{order.recipe.name}.checkpoint.pt")
        mean = train_loop(prepared.trainee, run, progress, cancelled)
    finally:
        torch.set_num_threads(threads)
    text = card.write(order.recipe, seed, total)
    return export_bundle(mean, order.recipe.manifest, prepared.example, text, out / order.recipe.name)


def _detection(order: Order) -> Prepared:
    low, high = order.window()
    side = int(order.recipe.manifest["sampling"]["size"][0])
    real = read_yolo(training_folder(order.data, REAL_SET) / "train", side)
    digital = [heads.as_boxed(h, low, high) for h in order.heads(heads.bleeding_head)]
    phantom = _all_boxed(digital) if digital else None
    classes = len(order.recipe.manifest["output"]["labels"])
    settings = settings_of(order.recipe, DetectionSettings)
    example = digital[0].pixels[len(digital[0]) // 2] if digital else real.pixels[0]
    picture = example.astype(np.float32)[None, None] / 127.5 - 1.0
    return Prepared(DetectionTrainee(real, phantom, classes, settings, order.seed), picture)


def _all_boxed(parts: list[BoxedSlices]) -> BoxedSlices:
    return BoxedSlices(
        np.concatenate([p.pixels for p in parts]),
        tuple(b for p in parts for b in p.boxes),
        tuple(c for p in parts for c in p.labels),
        tuple(n for p in parts for n in p.names),
    )


def _translation(order: Order) -> Prepared:
    low, high = order.window()
    pairs = joined([heads.as_pairs(h, low, high) for h in order.heads(heads.paired_head)])
    example = pairs.source[len(pairs) // 2].astype(np.float32)[None, None]
    return Prepared(TranslationTrainee(pairs, settings_of(order.recipe, TranslationSettings), order.seed), example)


def _segmentation(order: Order) -> Prepared:
    cases = [heads.as_lesion_case(h) for h in order.heads(heads.stroke_head)]
    settings = settings_of(order.recipe, SegmentationSettings)
    padded, _ = pad_to(cases[0].channels, (settings.size,) * 3)
    first = [(n - settings.size) // 2 for n in padded.shape[1:]]
    ((_, tile),) = cut(padded, [(first[0], first[1], first[2])], (settings.size,) * 3)
    example = np.ascontiguousarray(tile[None])
    return Prepared(SegmentationTrainee(cases, settings, order.seed), example)


PREPARE: dict[RecipeKind, Callable[[Order], Prepared]] = {
    RecipeKind.DETECTION: _detection,
    RecipeKind.TRANSLATION: _translation,
    RecipeKind.SEGMENTATION: _segmentation,
}
