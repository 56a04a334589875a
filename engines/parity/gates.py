"""What a step must hold, or the ladder fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from engines.parity.judge import Judge, Scores
from engines.verify import GATES, GRAIN, RMS_GATES
from inference.result import Precision

if TYPE_CHECKING:
    from engines.parity.ladder import Reading

STRESS = 30.0
"""Allowed times more: a norm over a field that hardly varies divides the rounding of its sum by next to nothing."""


ALIKE: Mapping[Precision, float] = {Precision.FP32: 0.999, Precision.FP16: 0.995}
"""Least agreement with the first step, mean over pictures. Lower precisions are judged by what they lose alone."""
LOST: Mapping[Precision, float] = {Precision.FP32: 0.1, Precision.FP16: 0.5}
"""Points that these may lose at most, whatever the budget: paper p1 found none between fp32 and fp16."""
APART = 1e-3
"""Share of voxels that fp32 and fp16 may label otherwise."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What a lower precision may cost: hundredths of the task's main score that its mean over pictures may fall.

    Paper p2 lost 0.55 at most, over hundreds of pictures. On three heads one small lesion moves the mean by a point or
    two, so the default is wider; prove with more heads and a smaller budget.

    Attributes:
        asked: The user set it. Then pictures without a truth are judged too, by how much they say the same as the first
            step, which is a sterner measure.
    """

    points: float = 2.0
    asked: bool = False


@dataclass(frozen=True, slots=True)
class Gate:
    """One thing that had to hold.

    Attributes:
        what: In a few words.
        value, limit: The figure, and the most it may be (the least, where `least`).
    """

    what: str
    value: float
    limit: float
    least: bool = False

    @property
    def passed(self) -> bool:
        return self.value >= self.limit if self.least else self.value <= self.limit


def gates(
    precision: Precision,
    exact: bool,
    readings: Sequence[Reading],
    judge: Judge[Any],
    budget: Budget,
    first_truth: Mapping[str, Scores],
) -> tuple[Gate, ...]:
    """The gates of one step.

    Inputs under stress judge only steps that shall be exact: int8 ranges come from pictures, and noise leaves them.
    """
    pictures = [r for r in readings if r.origin.is_picture]
    found = _numbers(pictures, precision, "")
    if exact:
        found += _numbers([r for r in readings if not r.origin.is_picture], precision, " under stress", STRESS)
    found.append(Gate("constant answers", float(sum(r.first.constant for r in readings)), 0.0))
    if pictures and precision in ALIKE:
        alike = float(np.mean([r.alike[judge.alike] for r in pictures]))
        found.append(Gate(f"{judge.alike} with the first step", alike, ALIKE[precision], least=True))
        apart = [r.alike["voxels_apart"] for r in pictures if "voxels_apart" in r.alike]
        found += [Gate("voxels apart", float(np.mean(apart)), APART)] if apart else []
    lost = _lost(pictures, judge, first_truth, budget.asked)
    if lost is not None:
        most = min(budget.points, LOST.get(precision, np.inf))
        found.append(Gate(f"points of {judge.main} lost", lost, most))
    return tuple(found)


def _lost(
    pictures: Sequence[Reading], judge: Judge[Any], first_truth: Mapping[str, Scores], apart: bool
) -> float | None:
    """Points that the truth's main score fell; without a truth those that the agreement fell, if that is asked."""
    known = [r for r in pictures if judge.main in r.truth]
    if known:
        return float(100 * np.mean([first_truth[r.case][judge.main] - r.truth[judge.main] for r in known]))
    if pictures and apart:
        return float(100 * (1 - np.mean([r.alike[judge.alike] for r in pictures])))
    return None


def _numbers(held: Sequence[Reading], precision: Precision, where: str, slack: float = 1.0) -> list[Gate]:
    if not held:
        return []
    # The stored answer's grain, as a share of the range.
    grain = max(GRAIN * r.first.max_rel / r.first.max_abs if r.first.max_abs else 0.0 for r in held)
    return [
        Gate(f"largest difference{where}", max(r.first.max_rel for r in held), slack * GATES[precision] + grain),
        Gate(f"root of mean square{where}", max(r.first.rms_rel for r in held), slack * RMS_GATES[precision] + grain),
    ]
