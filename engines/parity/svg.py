"""Plots as SVG, drawn by hand: no script, no font file, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

WIDTH = 860
LEFT, RIGHT, TOP = 74, 16, 14
INK, PALE, GRID = "#24303c", "#66727e", "#e3e7eb"


@dataclass(frozen=True, slots=True)
class Scale:
    """Values from `low` to `high` onto pixels from `begin` to `end`."""

    low: float
    high: float
    begin: float
    end: float

    def at(self, value: float) -> float:
        inside = min(max(value, self.low), self.high)
        return self.begin + (inside - self.low) / ((self.high - self.low) or 1.0) * (self.end - self.begin)


class Plot:
    """A canvas that things are put on; `text` gives it whole.

    Args:
        height: Pixels. The plot's own area ends `bottom` above the lower edge.
    """

    def __init__(self, height: int, bottom: int = 34, label: str = "") -> None:
        self.height, self.floor = height, height - bottom
        self._label = label
        self._parts: list[str] = []

    def line(self, x0: float, y0: float, x1: float, y1: float, colour: str = GRID, width: float = 1.0) -> None:
        self._parts.append(
            f'<line x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}" stroke="{colour}" stroke-width="{width}"/>'
        )

    def dot(self, x: float, y: float, colour: str, radius: float = 3.5, hollow: bool = False, hint: str = "") -> None:
        fill = "#ffffff" if hollow else colour
        title = f"<title>{escape(hint)}</title>" if hint else ""
        self._parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{fill}" stroke="{colour}" stroke-width="1.4">'
            f"{title}</circle>"
        )

    def path(self, points: Sequence[tuple[float, float]], colour: str, fill: str = "none", width: float = 1.6) -> None:
        steps = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        kind = "polyline" if fill == "none" else "polygon"
        self._parts.append(
            f'<{kind} points="{steps}" fill="{fill}" fill-opacity="0.25" stroke="{colour}" stroke-width="{width}"/>'
        )

    def write(
        self, x: float, y: float, text: str, anchor: str = "middle", size: int = 11, colour: str = PALE, turn: float = 0
    ) -> None:
        turned = f' transform="rotate({turn} {x:.1f} {y:.1f})"' if turn else ""
        self._parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{colour}"{turned}>'
            f"{escape(text)}</text>"
        )

    @property
    def text(self) -> str:
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.height}" width="{WIDTH}" '
            f'height="{self.height}" role="img" aria-label="{escape(self._label)}" font-family="sans-serif">'
            f"{''.join(self._parts)}</svg>"
        )

    def powers(self, scale: Scale, low: int, high: int) -> None:
        """Grid lines at powers of ten with their names."""
        for power in range(low, high + 1):
            y = scale.at(power)
            self.line(LEFT, y, WIDTH - RIGHT, y)
            self.write(LEFT - 8, y + 4, f"1e{power}" if power else "1", "end")

    def marks(self, scale: Scale, values: Iterable[float], form: str = "{:.2f}") -> None:
        """Grid lines at values."""
        for value in values:
            y = scale.at(value)
            self.line(LEFT, y, WIDTH - RIGHT, y)
            self.write(LEFT - 8, y + 4, form.format(value), "end")

    def columns(self, names: Sequence[str], colours: Sequence[str]) -> list[float]:
        """Names of columns under the plot; returns the middle of each."""
        wide = (WIDTH - RIGHT - LEFT) / max(1, len(names))
        middles = [LEFT + wide * (place + 0.5) for place in range(len(names))]
        for x, name, colour in zip(middles, names, colours, strict=True):
            for row, word in enumerate(_folded(name)):
                self.write(x, self.floor + 16 + 12 * row, word, size=10, colour=colour)
        return middles


def _folded(name: str) -> list[str]:
    """A step's name over at most three lines."""
    words = name.split()
    return [" ".join(words[:1]), " ".join(words[1:-1]), words[-1]] if len(words) > 2 else words
