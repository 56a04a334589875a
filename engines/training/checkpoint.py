"""All that a stopped run needs to go on, in one file that is either whole or the one before."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from inference.errors import InputRefused
from inference.whole import whole_file


@dataclass(frozen=True, slots=True)
class Kept:
    """A checkpoint.

    Attributes:
        seed: Of the run.
        step: Steps done.
        recipe: Fingerprint of what decides the run, "" where nobody noted it.
        trainee: The trainee's own state.
        mean: Running mean of the weights.
        best: Weights of the best look so far, or None.
        best_loss: Held-out loss of those.
        waited: Looks since then.
    """

    seed: int
    step: int
    recipe: str
    trainee: dict[str, Any]
    mean: dict[str, Any]
    best: dict[str, Any] | None = None
    best_loss: float = float("inf")
    waited: int = 0


def write(kept: Kept, file: Path) -> None:
    """Write the checkpoint under another name first."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(file) as partial, partial.open("wb") as stream:  # torch writes a path's name into the file
        torch.save({name: getattr(kept, name) for name in Kept.__slots__}, stream)


def read(file: Path, device: str = "cpu") -> Kept:
    """Read a checkpoint.

    Raises:
        InputRefused: It is damaged or none of ours.
    """
    try:
        stored = torch.load(file, weights_only=True, map_location=device)
        return Kept(**{"recipe": "", **stored})
    except Exception as error:  # torch raises half a dozen kinds for a damaged file
        raise InputRefused(
            f"The checkpoint {file.name} cannot be read.", "Restore it from a copy, or train into another --out."
        ) from error


def require_fit(kept: Kept, *, seed: int, steps: int, recipe: str) -> None:
    """Refuse to go on with another seed, another recipe, or fewer steps than were done.

    Raises:
        InputRefused: It does not fit, with what to change.
    """
    if kept.seed != seed:
        raise InputRefused(f"The checkpoint was trained with seed {kept.seed}.", f"Give --seed {kept.seed}.")
    if kept.recipe and recipe and kept.recipe != recipe:
        raise InputRefused(
            "The checkpoint was trained with other settings or another recipe.",
            "Give that recipe again, or train into another --out.",
        )
    if kept.step > steps:
        raise InputRefused(
            f"The checkpoint has {kept.step} steps behind it, more than {steps}.", f"Give --steps {kept.step} or more."
        )
