"""Figures over time and how they move: the first tenth against the last, and the slope between."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

import numpy as np

TENTH = 0.1
SLOPE_POINTS = 400


@dataclass(frozen=True, slots=True)
class Sample:
    """One figure at a moment, in seconds since any fixed one."""

    at_s: float
    value: float


@dataclass(frozen=True, slots=True)
class Log:
    """Samples of one figure in 16 bytes each, so that a long log is no drift of memory itself."""

    at_s: array[float] = field(default_factory=lambda: array("d"))
    value: array[float] = field(default_factory=lambda: array("d"))

    def add(self, at_s: float, value: float) -> None:
        self.at_s.append(at_s)
        self.value.append(value)

    def samples(self) -> tuple[Sample, ...]:
        """In the order of time."""
        return tuple(map(Sample, self.at_s, self.value))


@dataclass(frozen=True, slots=True)
class Drift:
    """How a figure moved.

    Attributes:
        first, last: Medians of the first and the last tenth of the time.
        middle: Median of all.
        percent: (last / first - 1) * 100; None where the first is 0.
    """

    first: float
    last: float
    middle: float
    percent: float | None


def drift(samples: Sequence[Sample]) -> Drift | None:
    """First against last tenth of the time that the samples span; None without samples."""
    if not samples:
        return None
    begin, end = samples[0].at_s, samples[-1].at_s
    tenth = (end - begin) * TENTH
    first = median(one.value for one in samples if one.at_s <= begin + tenth)
    last = median(one.value for one in samples if one.at_s >= end - tenth)
    percent = 100.0 * (last / first - 1.0) if first else None
    return Drift(first, last, median(one.value for one in samples), percent)


def slope_per_s(samples: Sequence[Sample]) -> float | None:
    """Median of the slopes between all pairs of samples (Theil and Sen): a single jump does not tilt it.

    At most `SLOPE_POINTS` samples, evenly chosen, are looked at. None where no two samples differ in time.
    """
    chosen = samples[:: max(1, -(-len(samples) // SLOPE_POINTS))]
    at = np.array([one.at_s for one in chosen], dtype=np.float64)
    value = np.array([one.value for one in chosen], dtype=np.float64)
    earlier, later = np.triu_indices(len(chosen), 1)
    apart = at[later] - at[earlier]
    told = apart > 0
    if not told.any():
        return None
    return float(np.median((value[later] - value[earlier])[told] / apart[told]))


def settled(samples: Sequence[Sample]) -> tuple[Sample, ...]:
    """What came after the first tenth of the time, in which caches fill."""
    if not samples:
        return ()
    begin, end = samples[0].at_s, samples[-1].at_s
    return tuple(one for one in samples if one.at_s > begin + TENTH * (end - begin))
