"""`insula engines train`: a recipe becomes a bundle, with its curves as a table and as a picture beside it."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from inference.errors import InsulaError
from inference.result import Progress
from viewer.commands.base import Command, Words, WrongWords, path_of, print_answer, stop_on_interrupt
from viewer.commands.progress import Bar

DRAW_EVERY_S = 60.0


def _fill(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe", help="a recipe's name, or your own .toml file")
    parser.add_argument(
        "--data",
        type=path_of,
        metavar="DIR",
        help="folder that holds the set which the recipe names; for a recipe of your own: your set",
    )
    parser.add_argument(
        "--out", type=path_of, required=True, metavar="DIR", help="folder for bundle, curves, checkpoint"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="the same seed makes the same weights")
    parser.add_argument("--steps", type=int, metavar="N", help="training steps; default: the recipe's")
    parser.add_argument("--device", default="cpu", metavar="D", help="cpu (default) or cuda")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")


def _execute(words: Words) -> int:
    from engines.training.train import files_of, train

    if words.steps is not None and words.steps < 1:
        raise WrongWords("The number of steps must be positive.", "Correct --steps.")
    files = files_of(words.recipe, words.out)
    watch = _Watch(Bar(f"train {files.name}"), files.curves, files.picture)
    try:
        with stop_on_interrupt() as stopped:
            folder = train(
                words.recipe,
                words.data,
                words.out,
                seed=words.seed,
                steps=words.steps,
                device=words.device,
                resume=words.resume,
                progress=watch,
                cancelled=stopped,
            )
    finally:
        watch.finish()
    document = {"bundle": str(folder), "checkpoint": str(files.checkpoint), "curves": str(files.curves)}
    print_answer(words, document, f"bundle written to {folder}\ncurves in {files.curves} and {files.picture}")
    return 0


class _Watch:
    """Moves the bar at each step and draws the curves now and then."""

    def __init__(self, bar: Bar, curves: Path, picture: Path) -> None:
        self._bar, self._curves, self._picture = bar, curves, picture
        self._drawn, self._trained = time.monotonic(), False

    def __call__(self, progress: Progress) -> None:
        self._bar(progress)
        self._trained |= progress.stage.startswith("train")
        if self._trained and time.monotonic() - self._drawn > DRAW_EVERY_S:
            self._draw()

    def finish(self) -> None:
        """Draw them once more, also when the run was stopped, and leave the terminal's line clean."""
        self._bar.finish()
        if self._trained:
            self._draw()

    def _draw(self) -> None:
        from viewer.scene.curves import save_curves

        self._drawn = time.monotonic()
        try:
            save_curves(self._curves, self._picture)
        except (InsulaError, OSError):
            return  # a full disk must not end the training for the sake of a picture


TRAIN = Command(
    "train",
    "Train a recipe from a seed, a shipped one or your own (needs the [train] extra).",
    "insula engines train my-lesions.toml --data my-cases --out my-bundles",
    _fill,
    _execute,
)
