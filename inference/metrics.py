"""How two answers differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from inference.result import Box
from inference.steps.findings import overlap
from inference.volume import Floats

SAME_BOX_IOU = 0.5
SSIM_WINDOW = 7


@dataclass(frozen=True, slots=True)
class Likeness:
    """Two volumes compared: SSIM (Wang 2004, uniform 7x7 window, per slice), PSNR over the joint range, errors."""

    ssim: float
    psnr_db: float
    mse: float
    max_abs: float


@dataclass(frozen=True, slots=True)
class BoxMatch:
    """Boxes of two answers paired by slice, label and overlap of at least one half."""

    matched: int
    only_a: int
    only_b: int
    max_score_delta: float


def likeness(a: Floats, b: Floats) -> Likeness:
    """Compare two volumes [k, j, i] of one shape and one unit. PSNR of identical volumes is infinite."""
    difference = a.astype(np.float64) - b.astype(np.float64)
    mse = float((difference**2).mean())
    span = float(max(a.max(), b.max()) - min(a.min(), b.min()))
    psnr = 10.0 * np.log10(span**2 / mse) if mse > 0 and span > 0 else np.inf
    return Likeness(_ssim(a, b, span), float(psnr), mse, float(np.abs(difference).max()))


def match_boxes(a: Sequence[Box], b: Sequence[Box]) -> BoxMatch:
    """Pair each box of `a`, best score first, with the free box of `b` that overlaps it most."""
    free = list(b)
    deltas = []
    for box in sorted(a, key=lambda x: -x.score):
        rivals = [o for o in free if o.k == box.k and o.label == box.label and overlap(box, o) >= SAME_BOX_IOU]
        if rivals:
            best = max(rivals, key=lambda o: overlap(box, o))
            free.remove(best)
            deltas.append(abs(best.score - box.score))
    return BoxMatch(len(deltas), len(a) - len(deltas), len(free), max(deltas, default=0.0))


def _ssim(a: Floats, b: Floats, span: float) -> float:
    if span == 0:
        return 1.0
    c1, c2 = (0.01 * span) ** 2, (0.03 * span) ** 2
    means = [_slice_ssim(x.astype(np.float64), y.astype(np.float64), c1, c2) for x, y in zip(a, b, strict=True)]
    return float(np.mean(means))


def _slice_ssim(x: np.ndarray, y: np.ndarray, c1: float, c2: float) -> float:
    def mean(z: np.ndarray) -> np.ndarray:
        return np.asarray(ndimage.uniform_filter(z, SSIM_WINDOW))

    mx, my = mean(x), mean(y)
    vx, vy, cov = mean(x * x) - mx * mx, mean(y * y) - my * my, mean(x * y) - mx * my
    value = ((2 * mx * my + c1) * (2 * cov + c2)) / ((mx**2 + my**2 + c1) * (vx + vy + c2))
    return float(value.mean())
