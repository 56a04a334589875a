"""Masks and boxes that lie over the pictures."""

from __future__ import annotations

from inference.result import Box, Kind, Pieces
from inference.volume import Mask
from viewer.state.compare import AGREEMENT, ONLY_A, ONLY_B, agreement_mask
from viewer.state.display import Colour, MaskLayer
from viewer.state.palette import palette
from viewer.state.wanted import Wanted, compared_masks, compared_precisions

_K_AXIS = 2


def mask_layer(wanted: Wanted, wished: str | None = None) -> MaskLayer | None:
    """What was outlined, or what two precisions agree on; None where AI is hidden, the overlay is off or nothing is."""
    view = wanted.view
    if not view.overlay or view.ai_hidden:
        return None
    if view.disagreement and (pair := compared_masks(wanted, wished)) is not None:
        return _disagreement(wanted, pair)
    result = wanted.result(Kind.MASK, wished)
    if result is None or result.mask is None:
        return None
    return MaskLayer(result.mask, mask_colours(result.mask, result.pieces), view.overlay_opacity)


def mask_colours(mask: Mask, pieces: Pieces) -> tuple[tuple[int, Colour], ...]:
    """Label -> colour for every label the mask may hold."""
    return tuple((label, palette().label(label, pieces)) for label in sorted(mask.names))


def boxes_on(wanted: Wanted, wished: str | None, normal: int, index: int) -> tuple[Box, ...]:
    """Boxes of one slice; boxes are flat and lie across the k axis, so other planes have none."""
    result = wanted.result(Kind.BOXES, wished)
    if result is None or normal != _K_AXIS or not wanted.view.overlay or wanted.view.ai_hidden:
        return ()
    return tuple(box for box in result.boxes if box.k == index)


def _disagreement(wanted: Wanted, pair: tuple[Mask, Mask]) -> MaskLayer:
    a, b = compared_precisions(wanted.view)
    colours = (
        (AGREEMENT, palette().agreement),
        (ONLY_A, palette().precision(a)),
        (ONLY_B, palette().precision(b)),
    )
    return MaskLayer(agreement_mask(*pair), colours, wanted.view.overlay_opacity, hatched=(ONLY_A, ONLY_B))
