"""The changes in the order in which they are tried."""

from __future__ import annotations

from engines.surgery.rewrites import (
    arithmetic,
    averages,
    batch_norm,
    border,
    constants,
    deconvolution,
    explicit_pads,
    focus,
    idle,
    ranges,
    resize,
    slices,
    splits,
)
from engines.surgery.rewrites.base import Crop, Exactness, Rewrite, Wish


def catalogue(wish: Wish) -> tuple[Rewrite, ...]:
    """The changes that a wish allows, in order: what tidies first, what changes the border last."""
    every = (
        constants.FOLD,
        idle.IDLE,
        idle.UNDONE,
        idle.JOINED,
        explicit_pads.EXPLICIT,
        explicit_pads.PAD,
        batch_norm.FOLD_NORM,
        focus.FOCUS,
        deconvolution.PLAIN,
        deconvolution.QUARTERS if wish.crop is Crop.DEPTH_TO_SPACE else deconvolution.CROP,
        splits.SPLIT,
        slices.PICKED,
        slices.REARRANGED,
        resize.BY_SCALES,
        resize.FORM,
        resize.SPREAD,
        arithmetic.LEAKY,
        arithmetic.DIVIDE,
        averages.MEANS,
        averages.MAXIMA,
        explicit_pads.AVERAGE,
        resize.HALF_PIXEL,
        ranges.UNIFY,
        border.STRIP,
        border.CUT,
    )
    return tuple(rewrite for rewrite in every if _allowed(rewrite, wish))


def _allowed(rewrite: Rewrite, wish: Wish) -> bool:
    exact = rewrite.exactness is not Exactness.APPROXIMATE
    return (exact or wish.approximate) and (wish.border or not rewrite.needs_border)
