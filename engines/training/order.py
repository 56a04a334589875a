"""One training order, and what it has become once its data are read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engines.training import heads
from engines.training.device import Arithmetic
from engines.training.loop import LookFn, Trainee
from engines.training.recipe import Recipe
from inference.result import CancelledFn, ProgressFn
from inference.volume import Floats


@dataclass(frozen=True, slots=True)
class Order:
    """The recipe, where its data come from and go to, and where it computes."""

    recipe: Recipe
    data: Path | None
    out: Path
    seed: int
    arithmetic: Arithmetic
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

    def labels(self) -> tuple[str, ...]:
        """Names of the answers, in the manifest's order."""
        return tuple(str(name) for name in self.recipe.manifest["output"]["labels"])


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A trainee that is ready to learn.

    Attributes:
        example: Real inputs for the test vector, the first axis counting them.
        epoch: Steps in which each case is seen once, on average.
        look: Measures held-out cases.
        data: A sentence on the real cases, for the card.
    """

    trainee: Trainee
    example: Floats
    epoch: int = 1
    look: LookFn | None = None
    data: str = ""
