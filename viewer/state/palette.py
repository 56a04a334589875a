"""Colours that carry a meaning: which label, which precision."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from inference.result import Pieces, Precision
from viewer.state.display import Colour

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of labels; `lesions` and `structures` are repeated when a mask has more labels than colours."""

    agreement: Colour
    fp32: Colour
    fp16: Colour
    bf16: Colour
    int8: Colour
    box: Colour
    lesions: tuple[Colour, ...]
    structures: tuple[Colour, ...]

    def precision(self, precision: Precision) -> Colour:
        """Colour of what only this precision says."""
        colour: Colour = getattr(self, precision.value)
        return colour

    def label(self, label: int, pieces: Pieces) -> Colour:
        """Colour of a mask's label, counted from 1."""
        colours = self.lesions if pieces is Pieces.LESIONS else self.structures
        return colours[(label - 1) % len(colours)]

    def kind(self, label: str, kinds: tuple[str, ...]) -> Colour:
        """Colour of a box: its own where there are several kinds of boxes, else the one of all boxes."""
        return self.structures[kinds.index(label) % len(self.structures)] if label in kinds else self.box


def read_resource(name: str) -> dict[str, Any]:
    """Parse a TOML file of the package `resources`."""
    return tomllib.loads(files("resources").joinpath(name).read_text(encoding="utf-8"))


def colour(text: str) -> Colour:
    """Read "#rrggbb"."""
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


@lru_cache(maxsize=1)
def palette() -> Palette:
    """The palette of resources/theme.toml, read once."""
    table = read_resource("theme.toml")["labels"]
    lesions, structures = (tuple(colour(text) for text in table.pop(name)) for name in ("lesions", "structures"))
    return Palette(lesions=lesions, structures=structures, **{name: colour(text) for name, text in table.items()})
