"""Do steps differ over cases? Friedman's test over all of them, Wilcoxon's signed ranks for pairs (paper p1, 4.1)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

CASES_FOR_FRIEDMAN = 3
CASES_FOR_WILCOXON = 6
Table = NDArray[np.float64]


def friedman(table: Table) -> float | None:
    """p over a table [case, step]; None with fewer than three of either, 1 where all steps score alike."""
    cases, steps = table.shape
    if cases < CASES_FOR_FRIEDMAN or steps < 3:
        return None
    if bool((table == table[:, :1]).all()):
        return 1.0
    return float(stats.friedmanchisquare(*table.T).pvalue)


def wilcoxon(a: Table, b: Table) -> float | None:
    """Two-sided p over cases; None with fewer than six, 1 where no case differs."""
    if len(a) < CASES_FOR_WILCOXON:
        return None
    if bool((a == b).all()):
        return 1.0
    return float(stats.wilcoxon(a, b, zero_method="zsplit", method="approx").pvalue)
