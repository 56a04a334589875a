"""nnU-Net's loss, which paper p1 trains with (section 3.2): Dice + cross-entropy at several resolutions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

_SMOOTH = 1e-5

Loss = Callable[[Tensor, Tensor], Tensor]
"""From logits [n, classes, ...] and labels [n, ...] to one number."""


def deep_supervision_weights(resolutions: int) -> tuple[float, ...]:
    """1, 1/2, 1/4, ... from the finest; the coarsest counts nothing; all together one.

    Args:
        resolutions: Those that the decoder has, two or more. One alone has the whole weight.
    """
    raw = [0.5**n for n in range(resolutions)]
    if resolutions > 1:
        raw[-1] = 0.0
    return tuple(weight / sum(raw) for weight in raw)


def dice_and_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """1 - mean soft Dice of every class but background, case by case, + mean cross-entropy.

    nnU-Net leaves the 1 away; the slope is the same.
    """
    target = F.one_hot(labels, logits.shape[1]).movedim(-1, 1)[:, 1:].to(logits.dtype)
    share = logits.softmax(1)[:, 1:]
    axes = tuple(range(2, logits.ndim))
    hit, either = (share * target).sum(axes), share.sum(axes) + target.sum(axes)
    return 1.0 - ((2.0 * hit + _SMOOTH) / (either + _SMOOTH)).mean() + F.cross_entropy(logits, labels)


def batch_dice_and_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """The same with each class's Dice over the whole batch, as nnU-Net does for slices, many of which lack a class."""
    target = F.one_hot(labels, logits.shape[1]).movedim(-1, 1)[:, 1:].to(logits.dtype)
    share = logits.softmax(1)[:, 1:]
    axes = (0, *range(2, logits.ndim))
    hit, either = (share * target).sum(axes), share.sum(axes) + target.sum(axes)
    return 1.0 - ((2.0 * hit + 1.0) / (either + 1.0)).mean() + F.cross_entropy(logits, labels)


def deeply_supervised(levels: Sequence[Tensor], labels: Tensor, loss: Loss = dice_and_cross_entropy) -> Tensor:
    """Weighted sum of a loss over resolutions.

    Args:
        levels: Logits of every resolution of the decoder, finest first, each half as wide as the one before.
        labels: Of the finest; coarser ones take the nearest voxel.
    """
    total = torch.zeros((), device=labels.device)
    for logits, weight in zip(levels, deep_supervision_weights(len(levels)), strict=True):
        if weight > 0:
            total = total + weight * loss(logits, _nearest(labels, logits.shape[2:]))
    return total


def _nearest(labels: Tensor, size: Sequence[int]) -> Tensor:
    return F.interpolate(labels[:, None].double(), tuple(size), mode="nearest-exact")[:, 0].to(labels.dtype)
