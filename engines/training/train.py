"""Makes a bundle from a recipe: data, learning, export. `train` is what `insula engines train` calls."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from engines.training import card
from engines.training.device import Arithmetic, make_repeatable, require_device
from engines.training.export import export_bundle
from engines.training.loop import Run, train_loop
from engines.training.order import Order, Prepared
from engines.training.prepare import prepare
from engines.training.recipe import Recipe, read_recipe
from inference.errors import InputRefused
from inference.result import CancelledFn, ProgressFn

THREADS = 1
"""One thread, so that the order of every sum, and with it every weight, depends on the seed alone."""


class CheckpointThere(InputRefused):
    """A run would begin anew where one lies already."""

    code = "checkpoint_there"


@dataclass(frozen=True, slots=True)
class Files:
    """Where a recipe's run leaves what it makes."""

    folder: Path
    name: str

    @property
    def bundle(self) -> Path:
        return self.folder / self.name

    @property
    def checkpoint(self) -> Path:
        return self.folder / f"{self.name}.checkpoint.pt"

    @property
    def curves(self) -> Path:
        return self.folder / f"{self.name}.curves.csv"

    @property
    def picture(self) -> Path:
        return self.folder / f"{self.name}.curves.png"


def files_of(recipe: str, out: Path) -> Files:
    """Where a run of a recipe, a name or a file, leaves what it makes."""
    return Files(out, read_recipe(recipe).name)


def train(
    recipe: str,
    data: Path | None,
    out: Path,
    *,
    seed: int = 0,
    steps: int | None = None,
    device: str = "cpu",
    resume: bool = False,
    progress: ProgressFn = lambda _: None,
    cancelled: CancelledFn = lambda: False,
) -> Path:
    """Train a recipe and write its bundle to `out/<task>`.

    The same recipe, seed and steps give the same weights on the same machine, also when the run was stopped and taken
    up again from `out/<task>.checkpoint.pt`. `out/<task>.curves.csv` holds the loss of every step.

    Args:
        recipe: Name of a recipe that ships, or a .toml file.
        data: For a recipe that names a set: the folder that holds it. For one that does not: the user's own set.
        steps: Instead of the recipe's.
        device: "cpu" or "cuda".
        resume: Go on from the checkpoint, which must be there; without it none may be.

    Returns:
        The bundle's folder.

    Raises:
        InputRefused: The recipe, the data or the checkpoint cannot be used.
        JobCancelled: `cancelled()` became true; the checkpoint is kept.
        EngineError: The export did not come out right.
    """
    chosen = read_recipe(recipe)
    files = Files(out, chosen.name)
    _require_order(files, resume)
    arithmetic = Arithmetic(require_device(device), chosen.course.format)
    with repeatable():
        ready = prepare(Order(chosen, data, out, seed, arithmetic, progress, cancelled))
        _require_looks(chosen, ready)
        total = steps or chosen.steps or chosen.epochs * ready.epoch
        mean = train_loop(ready.trainee, _run(chosen, ready, files, seed, total), progress, cancelled)
    text = card.write(chosen, seed, total, ready.data)
    return export_bundle(mean.cpu(), chosen.manifest, ready.example, text, files.bundle)


@contextmanager
def repeatable() -> Iterator[None]:
    """One thread while it lasts, and only algorithms that repeat themselves."""
    threads = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    make_repeatable()
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _run(recipe: Recipe, ready: Prepared, files: Files, seed: int, steps: int) -> Run:
    course = recipe.course
    return Run(
        steps=steps,
        seed=seed,
        checkpoint=files.checkpoint,
        curves=files.curves,
        memory=course.memory,
        rate=course.rate,
        recipe=recipe.fingerprint,
        look=ready.look,
        look_every=course.look_every,
        patience=course.patience,
    )


def _require_looks(recipe: Recipe, ready: Prepared) -> None:
    if recipe.course.look_every and ready.look is None:
        raise InputRefused(
            f"A recipe of kind {recipe.kind.value} has no looks at held-out cases.",
            "Leave look_every and patience out of its course.",
        )


def _require_order(files: Files, resume: bool) -> None:
    """Hours of work are never begun anew by mistake, and a mistyped folder never begins them."""
    there = files.checkpoint.exists()
    if there and not resume:
        raise CheckpointThere(
            f"{files.folder} holds a checkpoint of {files.name} already.",
            "Go on from it with --resume, or train into another --out.",
        )
    if resume and not there:
        raise InputRefused(
            f"{files.folder} holds no checkpoint of {files.name}.", "Check --out, or begin without --resume."
        )
