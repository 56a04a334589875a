"""What every row of a table of times says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timed:
    """Who was timed, and against whom.

    Attributes:
        median_ms, best_ms: Wall time.
        runs: How many turns the median is taken of.
        baseline: "backend precision" of what it is held against.
        ratio: The baseline's median over this one's: 2.0 is twice as fast. None when the baseline is not there.
    """

    model: str
    backend: str
    version: str
    device: str
    precision: str
    precision_kind: str
    median_ms: float
    best_ms: float
    runs: int
    baseline: str
    ratio: float | None
