"""How much a device slows down while others use the memory too: a measured table, or nothing.

File format, CSV with the header `device,own_gbps,other_gbps,slowdown` (or a JSON list of objects with these fields):
for each device a full grid of its own demand and of all others' together; slowdown 1.25 means 25 % longer. A device
written `gpu+gpu` is one that serves two models at a time (two streams): 2.0 means that each takes twice as long.
"""

from __future__ import annotations

import csv
import io
import json
import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from inference.errors import InputRefused

OWN, OTHER, SLOWDOWN = "own_gbps", "other_gbps", "slowdown"
COLUMNS = ("device", OWN, OTHER, SLOWDOWN)
FAIR = 2.0
"""Slowdown of two streams on one device where no table says otherwise: they take turns and gain nothing."""


class ContentionInvalid(InputRefused):
    """A contention table is not a full grid of numbers."""

    code: ClassVar[str] = "contention_invalid"


@dataclass(frozen=True, slots=True)
class Grid:
    """Slowdowns of one device: `slowdown[i][j]` at `own[i]` and `other[j]` GB/s, between them piecewise linear."""

    own: tuple[float, ...]
    other: tuple[float, ...]
    slowdown: tuple[tuple[float, ...], ...]

    def at(self, own: float, other: float) -> float:
        """The slowdown; beyond the grid that of its border."""
        i, a = _place(self.own, own)
        j, b = _place(self.other, other)
        upper = _between(self.slowdown[i][j], self.slowdown[i][min(j + 1, len(self.other) - 1)], b)
        below = self.slowdown[min(i + 1, len(self.own) - 1)]
        return _between(upper, _between(below[j], below[min(j + 1, len(self.other) - 1)], b), a)


@dataclass(frozen=True, slots=True)
class Contention:
    """A table per device; a device without one is never slowed down."""

    grids: Mapping[str, Grid] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.grids)

    def slowdown(self, device: str, own: float, other: float) -> float:
        """At least 1; exactly 1 while nothing else runs.

        Args:
            device: Where the layer runs.
            own: Its demand on memory, GB/s.
            other: Demand of all that runs on other devices meanwhile, GB/s.
        """
        grid = self.grids.get(device)
        return 1.0 if grid is None or other <= 0 else max(1.0, grid.at(own, other))

    def shared(self, device: str, own: float, other: float) -> float:
        """Slowdown of each of two models that one device serves at a time; `FAIR` without a measured table."""
        grid = self.grids.get(f"{device}+{device}")
        return FAIR if grid is None else max(1.0, grid.at(own, other))

    def knows_shared(self, device: str) -> bool:
        return f"{device}+{device}" in self.grids


NONE = Contention()


def read(path: Path) -> Contention:
    """Read a table.

    Raises:
        ContentionInvalid: It cannot be read, or is no full grid of numbers, slowdowns at least 1.
    """
    try:
        text = path.read_text(encoding="utf-8")
        rows = json.loads(text) if path.suffix.lower() == ".json" else list(csv.DictReader(io.StringIO(text)))
        entries = [(str(r["device"]), float(r[OWN]), float(r[OTHER]), float(r[SLOWDOWN])) for r in rows]
    except OSError as error:
        raise ContentionInvalid(f"{path.name} cannot be read.", "Check the path of the table.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise _invalid(path, "is no table of numbers") from error
    return Contention({device: _grid(path, device, entries) for device in dict.fromkeys(e[0] for e in entries)})


def _grid(path: Path, device: str, entries: Iterable[tuple[str, float, float, float]]) -> Grid:
    cells = {(own, other): slow for name, own, other, slow in entries if name == device}
    given = sum(1 for entry in entries if entry[0] == device)
    own, other = sorted({a for a, _ in cells}), sorted({b for _, b in cells})
    if len(cells) != len(own) * len(other) or given != len(cells):
        raise _invalid(path, f"has no full grid for {device}")
    if not all(math.isfinite(v) and v >= 0 for v in (*own, *other)):
        raise _invalid(path, f"has an impossible demand for {device}")
    if not all(math.isfinite(v) and v >= 1 for v in cells.values()):
        raise _invalid(path, f"has a slowdown below 1 for {device}")
    return Grid(tuple(own), tuple(other), tuple(tuple(cells[a, b] for b in other) for a in own))


def _invalid(path: Path, what: str) -> ContentionInvalid:
    return ContentionInvalid(f"{path.name} {what}.", f"Write it as CSV with the columns {', '.join(COLUMNS)}.")


def _place(knots: tuple[float, ...], value: float) -> tuple[int, float]:
    """Index of the knot at or below a value, and the share of the way to the next."""
    if value <= knots[0]:
        return 0, 0.0
    if value >= knots[-1]:
        return len(knots) - 1, 0.0
    i = bisect_right(knots, value) - 1
    return i, (value - knots[i]) / (knots[i + 1] - knots[i])


def _between(a: float, b: float, share: float) -> float:
    return a + (b - a) * share
