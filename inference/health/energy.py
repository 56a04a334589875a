"""Energy over a stretch of time, integrated from readings. Efficiency is work per joule: FPS per watt."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from dataclasses import dataclass

from inference.health.reading import Part, Reading, Scope

POINTS = 20_000
_FEW = "The power was not read often enough during this time."
_BROKEN = "A power sensor fell silent during this time."


@dataclass(frozen=True, slots=True)
class Energy:
    """What the covered parts of the machine drew, their idle power included.

    Attributes:
        seconds: How long.
        joules: None where it is not known, for the reason in `absent`.
        covers: Sources in the sum: "ina3221" or "tegrastats" (the whole board), "rapl" (processor), "nvml" (GPUs).
    """

    seconds: float
    joules: float | None
    covers: tuple[str, ...] = ()
    absent: str = ""

    @property
    def mean_watts(self) -> float | None:
        return self.joules / self.seconds if self.joules is not None and self.seconds > 0 else None

    def joules_per(self, count: int) -> float | None:
        """Energy of one of `count` pieces of work: a volume, a slice."""
        return self.joules / count if self.joules is not None and count > 0 else None

    def per_watt(self, count: int) -> float | None:
        """Rate per watt of `count` pieces of work: for slices the FPS per watt, which is slices per joule."""
        return count / self.joules if self.joules else None


@dataclass(frozen=True, slots=True)
class _Point:
    """Joules since the first reading; `known` says whether the stretch that ends here could be measured."""

    at_s: float
    joules: float
    known: bool


class Trace:
    """Readings in the order of time, kept as a growing sum of energy."""

    def __init__(self) -> None:
        self._points: deque[_Point] = deque(maxlen=POINTS)
        self._last: Reading | None = None

    def add(self, reading: Reading) -> None:
        """Take a reading that is later than the one before."""
        before, self._last = self._last, reading
        if before is None:
            self._points.append(_Point(reading.at_s, 0.0, True))
            return
        grown = _between(before, reading)
        self._points.append(_Point(reading.at_s, self._points[-1].joules + (grown or 0.0), grown is not None))

    def energy(self, start_s: float, end_s: float) -> Energy:
        """Energy from one moment to another, both of `time.perf_counter` and between the first and last reading."""
        seconds = max(0.0, end_s - start_s)
        if self._last is None or len(self._points) < 2:
            return Energy(seconds, None, absent=_FEW)
        points = tuple(self._points)
        times = [point.at_s for point in points]
        if start_s < times[0] or end_s > times[-1]:
            return Energy(seconds, None, absent=_FEW)
        first, last = max(1, bisect_left(times, start_s)), max(1, bisect_left(times, end_s))
        if not all(point.known for point in points[first : last + 1]):
            return Energy(seconds, None, absent=self._last.watts_absent or _BROKEN)
        joules = _at(points[last - 1], points[last], end_s) - _at(points[first - 1], points[first], start_s)
        return Energy(seconds, joules, tuple(part.source for part in tellers(self._last)))


def tellers(reading: Reading) -> tuple[Part, ...]:
    """Parts whose energy makes the total: a whole board alone, or processors and GPUs together."""
    telling = [part for part in reading.parts if part.watts is not None or part.joules is not None]
    boards = [part for part in telling if part.scope is Scope.BOARD]
    return tuple(boards[:1] or telling)


def _between(before: Reading, now: Reading) -> float | None:
    """Joules from one reading to the next; None where they do not tell of the same parts."""
    earlier, later = tellers(before), tellers(now)
    if not later or [part.source for part in earlier] != [part.source for part in later]:
        return None
    seconds = now.at_s - before.at_s
    grown = [_grown(a, b, seconds) for a, b in zip(earlier, later, strict=True)]
    known = [joules for joules in grown if joules is not None]
    return sum(known) if len(known) == len(grown) else None


def _grown(before: Part, now: Part, seconds: float) -> float | None:
    if before.joules is not None and now.joules is not None:
        return now.joules - before.joules if now.joules >= before.joules else None
    if before.watts is not None and now.watts is not None:
        return seconds * (before.watts + now.watts) / 2
    return None


def _at(before: _Point, after: _Point, at_s: float) -> float:
    """Joules at a moment between two points."""
    span = after.at_s - before.at_s
    share = (at_s - before.at_s) / span if span > 0 else 1.0
    return before.joules + share * (after.joules - before.joules)
