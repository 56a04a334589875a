"""Colours of the screen, from resources/theme.toml; the same for scene and widgets."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from viewer.state.display import Colour
from viewer.state.palette import Palette, colour, palette, read_resource


@dataclass(frozen=True, slots=True)
class Theme:
    """One ground: sRGB 0..255 for every role, and the palette of labels."""

    ground: Colour
    picture: Colour
    panel: Colour
    card: Colour
    line: Colour
    text: Colour
    quiet: Colour
    accent: Colour
    crosshair: Colour
    letters: Colour
    synthetic: Colour
    warning: Colour
    warning_ground: Colour
    surface_top: Colour
    surface_bottom: Colour
    bone: Colour
    labels: Palette


@lru_cache(maxsize=2)
def theme(name: str = "dark") -> Theme:
    """The theme "dark" or "light"."""
    table = read_resource("theme.toml")[name]
    return Theme(labels=palette(), **{role: colour(text) for role, text in table.items()})


def css(value: Colour) -> str:
    """A colour as "#rrggbb"."""
    return "#{:02x}{:02x}{:02x}".format(*value)
