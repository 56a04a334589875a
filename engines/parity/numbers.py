"""How far one answer lies from another, in numbers that need no task."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.errors import EngineError

Answer = Mapping[str, NDArray[np.float32]]
P999 = 99.9


@dataclass(frozen=True, slots=True)
class Numbers:
    """The difference of two answers, over all their outputs.

    Attributes:
        max_abs: Largest absolute difference, in the output's own unit.
        max_rel, rms_rel, p999_rel: Largest difference, root of the mean square and 99.9th percentile, as shares of the
            reference's range; of several outputs the worst.
        rms: Root of the mean square, in the output's own unit.
        cosine: Of the two answers as vectors; 1 where both are zero.
        constant: An output is one value everywhere though the reference is not.
    """

    max_abs: float
    max_rel: float
    rms: float
    rms_rel: float
    p999_rel: float
    cosine: float
    constant: bool


def differ(answer: Answer, reference: Answer) -> Numbers:
    """Hold an answer against a reference, output by output.

    Raises:
        EngineError: They share no output, or one has another shape.
    """
    shared = [name for name in reference if name in answer]
    if not shared or any(answer[name].shape != reference[name].shape for name in shared):
        raise EngineError("The answers have other outputs than the reference.", "Compare graphs of one model.")
    return worst(_differ(answer[name], reference[name]) for name in shared)


def worst(every: Iterable[Numbers]) -> Numbers:
    """The worst of each figure."""
    found = tuple(every)
    return Numbers(
        max(n.max_abs for n in found),
        max(n.max_rel for n in found),
        max(n.rms for n in found),
        max(n.rms_rel for n in found),
        max(n.p999_rel for n in found),
        min(n.cosine for n in found),
        any(n.constant for n in found),
    )


def _differ(answer: NDArray[np.float32], reference: NDArray[np.float32]) -> Numbers:
    a, b = answer.astype(np.float64).ravel(), reference.astype(np.float64).ravel()
    gap = np.abs(a - b)
    extent = float(np.ptp(b)) or float(np.abs(b).max()) or 1.0
    largest, rms = float(gap.max()), float(np.sqrt(np.mean(gap**2)))
    tall = float(np.percentile(gap, P999))
    return Numbers(
        largest, largest / extent, rms, rms / extent, tall / extent, _cosine(a, b), bool(np.ptp(a) == 0 < np.ptp(b))
    )


def _cosine(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    # Sums, not products of vectors: a library that calls all cores for those waits longer for them than it computes.
    lengths = float(np.sqrt(np.sum(a * a) * np.sum(b * b)))
    if lengths == 0:
        return 1.0 if not a.any() and not b.any() else 0.0
    return min(1.0, float(np.sum(a * b)) / lengths)
