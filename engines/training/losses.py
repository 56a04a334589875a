"""Losses of papers p2 and p3: overlap and cross-entropy, on probabilities.

Every function takes probabilities [n, classes, ...] and, unless said otherwise, a target of the same shape with ones
where a class is; it gives one number.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

MISSED, EXTRA, GAMMA = 0.7, 0.3, 4 / 3
"""As Abraham and Khan (2019, section 2.2) chose them; paper p2 names none."""

_SMOOTH = 1e-6
_LEAST = 1e-7


def tversky_index(
    probabilities: Tensor, target: Tensor, missed: float = MISSED, extra: float = EXTRA, smooth: float = _SMOOTH
) -> Tensor:
    """TP / (TP + missed FN + extra FP) of each class over the whole batch (Salehi et al. 2017, equation 3): [classes].

    With 0.5 and 0.5 it is the Dice coefficient.
    """
    hit, left, found = (_sums(part) for part in (probabilities * target, target, probabilities))
    return (hit + smooth) / (hit + missed * (left - hit) + extra * (found - hit) + smooth)


def weighted_focal_tversky(
    probabilities: Tensor,
    target: Tensor,
    weights: Tensor | None = None,
    *,
    missed: float = MISSED,
    extra: float = EXTRA,
    gamma: float = GAMMA,
) -> Tensor:
    """sum over classes of w (1 - TI) ** (1 / gamma), the weights summing to one (paper p2, section III-B).

    The focal exponent is that of Abraham and Khan (2019, equation 4); with gamma 1 it is the weighted Tversky loss.

    Args:
        weights: One for each class; None weighs all alike.
    """
    lost = (1.0 - tversky_index(probabilities, target, missed, extra)).clamp_min(_LEAST)  # its root has no slope at 0
    share = torch.ones_like(lost) if weights is None else weights.to(lost)
    return (share * lost ** (1.0 / gamma)).sum() / share.sum()


def dice_loss(probabilities: Tensor, target: Tensor, smooth: float = _SMOOTH) -> Tensor:
    """1 - 2 sum(y p) / sum(y + p), all classes and pixels together (paper p3, equation 6)."""
    return 1.0 - (2.0 * (probabilities * target).sum() + smooth) / ((probabilities + target).sum() + smooth)


def cross_entropy_and_dice(probabilities: Tensor, target: Tensor) -> Tensor:
    """Binary cross-entropy + Dice loss (paper p3, equations 5 to 7)."""
    return F.binary_cross_entropy(probabilities, target) + dice_loss(probabilities, target)


def _sums(values: Tensor) -> Tensor:
    return values.transpose(0, 1).flatten(1).sum(1)
