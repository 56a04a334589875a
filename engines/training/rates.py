"""How the learning rate changes over a run: shares of the recipe's rate."""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import Enum
from functools import partial

RateFn = Callable[[int, int], float]
"""A step, counted from 0, and the steps of the run -> share of the learning rate."""

WARM_UP_STEPS = 100
FADE_SHARE = 0.35
POWER = 0.9


class RateKind(Enum):
    """Which schedule."""

    FADE = "fade"
    STEPS = "steps"
    POLY = "poly"


def fade(step: int, steps: int) -> float:
    """Share of the learning rate: a fixed warm-up, a plateau, and a cosine fade over the last third.

    The plateau does not depend on `steps`, so a run may be shortened or prolonged from any checkpoint in it.
    """
    fade_from = steps * (1.0 - FADE_SHARE)
    share = 1.0 if step < fade_from else 0.5 + 0.5 * math.cos(math.pi * (step - fade_from) / (steps - fade_from))
    return min(1.0, (step + 1) / WARM_UP_STEPS) * max(share, 0.01)


def step_decay(step: int, steps: int, last_share: float = 1e-3, stages: int = 4) -> float:
    """1 at first, `last_share` at last, by equal factors in `stages` stages of equal length.

    Paper p2, section III-B: from 1e-3 to 1e-6, a share of 1e-3; it states no number of stages, and 4 make each a tenth
    of the one before.
    """
    stage = min(step * stages // max(steps, 1), stages - 1)
    return float(last_share ** (stage / max(stages - 1, 1)))


def poly(step: int, steps: int) -> float:
    """1 at first, nearly 0 at last: nnU-Net's schedule, and paper p1's (section 3.2)."""
    return float((1.0 - step / steps) ** POWER)


def rate_of(kind: RateKind, last_share: float, stages: int) -> RateFn:
    """The schedule of a recipe."""
    steps = partial(step_decay, last_share=last_share, stages=stages)
    schedules: dict[RateKind, RateFn] = {RateKind.FADE: fade, RateKind.STEPS: steps, RateKind.POLY: poly}
    return schedules[kind]
