"""Digital patients as outlined cases: drawn from seeds, so that no set of others is needed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import engines.phantom
from engines.phantom.patients import PATIENTS
from engines.training.heads import HELD_OUT, first_seed
from engines.training.readers.cases import Split
from engines.training.recipe import Recipe
from engines.training.words import named
from inference.volume import Mask, Volume

WATCHED = HELD_OUT + 500
"""First seed of the patients that early stopping looks at; those of the card's figures begin at HELD_OUT."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """One digital patient, drawn when asked for."""

    phantom: str
    seed: int

    @property
    def patient(self) -> str:
        return f"{self.phantom} {self.seed}"

    def words(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names of channels and labels."""
        volumes, mask = self.read()
        return tuple(v.channel.value for v in volumes), tuple(mask.names.values())

    def identity(self) -> str:
        """Changes with whatever decides what is drawn."""
        return f"{self.patient} {painted_by()}"

    def read(self) -> tuple[tuple[Volume, ...], Mask]:
        """Images and truth."""
        made = named(PATIENTS, self.phantom, "phantom")(self.seed)
        return made.volumes, made.mask


def drawn(recipe: Recipe, seed: int) -> Split[Drawn]:
    """A recipe's patients: those to learn from, and other ones to look at."""
    count = recipe.phantom_cases
    watched = max(1, round(recipe.data.held_out * count))
    first = first_seed(seed)
    return Split(
        tuple(Drawn(recipe.phantom, n) for n in range(first, first + count)),
        tuple(Drawn(recipe.phantom, n) for n in range(WATCHED, WATCHED + watched)),
    )


def painted_by() -> str:
    """Checksum of the code that draws: cases kept from an earlier phantom are not taken for today's."""
    files = sorted(Path(str(engines.phantom.__file__)).parent.rglob("*.py"))
    return hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest()[:16]
