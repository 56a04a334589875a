"""Recipes that learn from cases of a reader: outlines of volumes, and classes of marked things."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from torch import nn

from engines.training.criteria import criterion_of
from engines.training.crops import CropBatches, as_input, crops_and_found, some_of_each
from engines.training.drawn import Drawn, drawn
from engines.training.learner import OPTIMISERS, Batches, Learner, LearnSettings
from engines.training.mask_tiles import Chances, MaskTiles, Tiled, kept, size_of
from engines.training.networks import CLASSIFIERS, OUTLINERS, Border, Make, network_of
from engines.training.order import Order, Prepared
from engines.training.readers import read_boxes, read_masks
from engines.training.readers.cases import MaskCase, Split
from engines.training.recipe import settings_of
from engines.training.sources import folder_of, sentence
from engines.training.toml_text import toml_text
from engines.training.words import named
from inference.errors import InputRefused, JobCancelled, ManifestInvalid
from inference.result import Progress
from inference.task import Task, read_task
from inference.volume import Floats

CASES = "cases"
"""Folder below --out that keeps cases as the network sees them; it may be deleted at any time."""

EXAMPLES = 8
"""Crops of each class in the test vector: int8 takes its ranges from them."""


def outline(order: Order) -> Prepared:
    """Tiles of outlined volumes, prepared as the road prepares them that will run the network."""
    task = _task(order)
    _require_known(order, OUTLINERS)
    found = _cases(order)
    _require_same_words(found.train[0], task)
    every = [*found.train, *found.held_out]
    ready = [_read(case, task, order, done, len(every)) for done, case in enumerate(every, start=1)]
    settings = settings_of(order.recipe, LearnSettings)
    chances = Chances(settings.drop, settings.mirror, settings.by_label, settings.alone)
    batches = MaskTiles(ready[: len(found.train)], ready[len(found.train) :], size_of(task), chances)
    border = Border(len(task.channels), len(task.output.labels) + 1, size_of(task))
    learner = _learner(order, OUTLINERS, border, batches)
    inputs, _ = next(iter(batches.held_out()))
    said = sentence(order.recipe.data, f"{len(found.train)} volumes") if order.recipe.data.reader else ""
    return _prepared(order, learner, inputs.numpy(), batches, said)


def _cases(order: Order) -> Split[Drawn] | Split[MaskCase]:
    """Digital patients, or those of a reader."""
    if order.recipe.phantom:
        return drawn(order.recipe, order.seed)
    return read_masks(folder_of(order.recipe.data, order.data), order.recipe.data)


def classification(order: Order) -> Prepared:
    """Cells cut out of pictures, and what is none; held out by picture."""
    spec, (rows, columns) = order.recipe.data, order.recipe.manifest["sampling"]["size"]
    _require_known(order, CLASSIFIERS)
    found = read_boxes(folder_of(spec, order.data), spec)
    require_classes(found.classes, order.labels())
    if rows != columns:
        raise InputRefused("Crops are square, the recipe's size is not.", "Write two equal numbers into sampling.size.")
    field, nothing = int(order.recipe.manifest["sampling"]["field"]), len(found.classes)
    parts = (found.split.train, found.split.held_out)
    train, held_out = (crops_and_found(part, int(rows), field, nothing) for part in parts)
    batches = CropBatches(train, held_out)
    learner = _learner(order, CLASSIFIERS, Border(3, nothing + 1, (rows, columns)), batches)
    example = as_input(some_of_each(held_out, EXAMPLES)).numpy()
    said = sentence(spec, f"{len(train)} crops of {len(found.split.train)} pictures")
    return _prepared(order, learner, example, batches, said)


def require_classes(found: tuple[str, ...], wanted: tuple[str, ...]) -> None:
    """Refuse a set that marks other classes than the recipe's manifest names."""
    if found != wanted:
        raise InputRefused(
            f"The set marks {', '.join(found)}; the recipe's labels are {', '.join(wanted)}.",
            "Write the set's classes into manifest.output.labels, in the same order.",
        )


def _require_known(order: Order, known: Mapping[str, Make]) -> None:
    """Refuse names that nobody knows before the cases are read, which may take long."""
    settings = settings_of(order.recipe, LearnSettings)
    named(known, settings.network, "network")
    named(OPTIMISERS, settings.optimiser, "optimiser")
    criterion_of(settings.loss)


def _learner(order: Order, known: Mapping[str, Make], border: Border, batches: Batches) -> Learner:
    settings = settings_of(order.recipe, LearnSettings)
    make: partial[nn.Module] = partial(network_of, known, settings.network, border, settings.widths)
    return Learner(make, batches, criterion_of(settings.loss), settings, order.arithmetic, order.seed)


def _prepared(order: Order, learner: Learner, example: Floats, batches: Batches, said: str) -> Prepared:
    epoch = max(1, -(-batches.count // settings_of(order.recipe, LearnSettings).batch))
    return Prepared(learner, example, epoch, learner.look, said)


def _task(order: Order) -> Task:
    """The task as the bundle's manifest will state it, checked before hours are spent on it."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "manifest.toml"
        file.write_text(toml_text(order.recipe.manifest), encoding="utf-8")
        try:
            return read_task(Path(folder))
        except ManifestInvalid as error:
            said = error.message.replace(str(file), f"The manifest of {order.recipe.name}")
            raise InputRefused(said, "Correct the recipe.") from error


def _require_same_words(case: MaskCase | Drawn, task: Task) -> None:
    channels, labels = case.words()
    wanted = tuple(c.name for c in task.channels)
    if channels != wanted:
        raise InputRefused(
            f"The set's channels are {', '.join(channels)}; the recipe's are {', '.join(wanted)}.",
            "Write the same names in the same order into both.",
        )
    if labels != task.output.labels:
        raise InputRefused(
            f"The set's labels are {', '.join(labels)}; the recipe's are {', '.join(task.output.labels)}.",
            "Write the set's labels into manifest.output.labels, in the same order.",
        )


def _read(case: MaskCase | Drawn, task: Task, order: Order, done: int, total: int) -> Tiled:
    if order.cancelled():
        raise JobCancelled
    ready = kept(case, task, order.out / CASES)
    order.progress(Progress("read cases", done, total))
    return ready
