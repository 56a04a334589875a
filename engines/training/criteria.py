"""Losses by the names recipes use, all from logits [n, labels, ...] and labels [n, ...] to one number."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor
from torch.nn import functional as F

from engines.training.losses import cross_entropy_and_dice, weighted_focal_tversky
from engines.training.losses_deep import batch_dice_and_cross_entropy, dice_and_cross_entropy
from engines.training.words import named

Criterion = Callable[[Tensor, Tensor], Tensor]


def _of_shares(loss: Criterion) -> Criterion:
    """A loss that wants probabilities and ones where a label is."""

    def of_logits(logits: Tensor, labels: Tensor) -> Tensor:
        wanted = F.one_hot(labels, logits.shape[1]).movedim(-1, 1).to(logits.dtype)
        return loss(logits.softmax(1), wanted)

    return of_logits


CRITERIA: Mapping[str, Criterion] = {
    "cross-entropy": F.cross_entropy,
    "dice-and-cross-entropy": dice_and_cross_entropy,
    "batch-dice-and-cross-entropy": batch_dice_and_cross_entropy,
    "weighted-focal-tversky": _of_shares(weighted_focal_tversky),
    "cross-entropy-and-dice": _of_shares(cross_entropy_and_dice),
}


def criterion_of(name: str) -> Criterion:
    """The loss of that name.

    Raises:
        InputRefused: There is none.
    """
    return named(CRITERIA, name, "loss")
