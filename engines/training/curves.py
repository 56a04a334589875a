"""What a run went through, one line a step in a CSV file; it may be stopped at any moment and goes on in it."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from inference.whole import whole_file

HEADER = ("step", "loss", "rate", "held_out_loss", "held_out_score")


@dataclass(frozen=True, slots=True)
class Look:
    """How a network does on cases it does not learn from.

    Attributes:
        loss: Lower is better; early stopping goes by it.
        score: 0..1, higher is better (Dice, balanced accuracy), or None where the loss is all there is.
    """

    loss: float
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """One step: its number from 1, its loss, its learning rate's share, and a look where there was one."""

    step: int
    loss: float
    rate: float
    look: Look | None = None


class Curves:
    """Appends points to a file.

    Args:
        file: The CSV file.
        after: Lines beyond this step are dropped: they were written after the checkpoint that the run goes on from.
    """

    def __init__(self, file: Path, after: int = 0) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        kept = [p for p in read_curves(file) if p.step <= after] if file.exists() else []
        with whole_file(file) as partial, partial.open("w", encoding="ascii", newline="") as stream:
            csv.writer(stream, lineterminator="\n").writerows([HEADER, *(_row(p) for p in kept)])
        self._stream: TextIO = file.open("a", encoding="ascii", newline="")

    def add(self, point: Point) -> None:
        """Append one line; it may wait in memory until `flush`."""
        csv.writer(self._stream, lineterminator="\n").writerow(_row(point))

    def flush(self) -> None:
        """Bring every line to the disk."""
        self._stream.flush()

    def close(self) -> None:
        """Flush and let go of the file."""
        self._stream.close()


def read_curves(file: Path) -> list[Point]:
    """The points of a file up to its first broken line; a line that a crash cut off counts as broken."""
    text = file.read_text(encoding="ascii", errors="replace")
    points: list[Point] = []
    for row in csv.reader(text[: text.rfind("\n") + 1].splitlines()[1:]):
        try:
            points.append(_point(row))
        except (ValueError, IndexError):
            break
    return points


def _row(point: Point) -> tuple[str, ...]:
    look = (None, None) if point.look is None else (point.look.loss, point.look.score)
    return (str(point.step), repr(point.loss), repr(point.rate), *("" if n is None else repr(n) for n in look))


def _point(row: list[str]) -> Point:
    look = Look(float(row[3]), float(row[4]) if row[4] else None) if row[3] else None
    return Point(int(row[0]), float(row[1]), float(row[2]), look)
