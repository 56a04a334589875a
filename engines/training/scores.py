"""Figures of answers against the truth, from one table of counts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.int64]


class Confusion:
    """Counts how often each true label was answered by each label; works for pictures' classes and for voxels."""

    def __init__(self) -> None:
        self._counts: Whole = np.zeros((0, 0), dtype=np.int64)

    @property
    def counts(self) -> Whole:
        """[true label, answered label]."""
        return self._counts.copy()

    def add(self, answered: Whole, wanted: Whole, labels: int) -> None:
        """Count two arrays of one shape."""
        if not self._counts.size:
            self._counts = np.zeros((labels, labels), dtype=np.int64)
        pairs = np.bincount(wanted.ravel() * labels + answered.ravel(), minlength=labels * labels)
        self._counts += pairs.reshape(labels, labels)

    def recall(self) -> list[float | None]:
        """Of each true label, the share that was answered so; None where it never occurred."""
        return [_share(n, row) for n, row in zip(np.diag(self._counts), self._counts.sum(1), strict=True)]

    def precision(self) -> list[float | None]:
        """Of each answer, the share that was true; None where it was never given."""
        return [_share(n, column) for n, column in zip(np.diag(self._counts), self._counts.sum(0), strict=True)]

    def balanced_accuracy(self) -> float:
        """Mean recall of the labels that occurred: every class counts alike, however rare."""
        found = [share for share in self.recall() if share is not None]
        return float(np.mean(found)) if found else 0.0

    def mean_dice(self) -> float:
        """Mean Dice of the labels from 1 that occurred or were answered; 1 where there was nothing to find."""
        both = self._counts.sum(0) + self._counts.sum(1)
        found = [2.0 * n / total for n, total in zip(np.diag(self._counts)[1:], both[1:], strict=True) if total]
        return float(np.mean(found)) if found else 1.0


def _share(part: np.int64, whole: np.int64) -> float | None:
    return float(part / whole) if whole else None
