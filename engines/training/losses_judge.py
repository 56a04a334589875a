"""Pix2Pix's two losses, which paper p0 trains with (section V-A; Isola et al. 2017, section 3)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

FIDELITY = 100.0
"""Lambda: weight of the distance against the judge's verdict."""


def generator_loss(verdict: Tensor, made: Tensor, target: Tensor, fidelity: float = FIDELITY) -> Tensor:
    """Binary cross-entropy of the verdict against "real" + fidelity * mean |made - target|.

    Args:
        verdict: The judge's logits on the made pictures.
    """
    return cross_entropy_against(verdict, real=True) + fidelity * (made - target).abs().mean()


def judge_loss(on_real: Tensor, on_made: Tensor) -> Tensor:
    """Mean of both binary cross-entropies: halved, so that the judge learns no faster than the generator."""
    return (cross_entropy_against(on_real, real=True) + cross_entropy_against(on_made, real=False)) / 2


def cross_entropy_against(logits: Tensor, real: bool) -> Tensor:
    """Binary cross-entropy of logits that should all say real, or all made."""
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, float(real)))
