"""What only the numbers of a detector's answer tell: whether scores are probabilities and what its boxes count."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from engines.importers.detector_contract import Contract
from inference.errors import InputRefused
from inference.steps.heads import Head, cells

SAME_CELLS = 0.95
"""Correlation with the middles of their cells from which boxes are written in pixels."""


def seen(contract: Contract, answer: NDArray[np.float64]) -> Contract:
    """The contract after the model has answered: what only its numbers tell.

    Args:
        answer: float64 [picture, cell or box, number].

    Raises:
        InputRefused: Its scores are no probabilities, or its boxes are of a kind that says nothing of its pictures.
    """
    scores = answer[..., 4:5] if contract.head is Head.END_TO_END else answer[..., 4:]
    if not (np.isfinite(answer).all() and scores.min() >= -1e-3 and scores.max() <= 1 + 1e-3):
        raise InputRefused(
            f"The model's scores run from {scores.min():.3g} to {scores.max():.3g} and are no probabilities.",
            "Export it with its sigmoid.",
        )
    beside, assumed = contract.beside, contract.assumed
    if contract.head is Head.YOLOX and beside.decoded is None and _follow_cells(contract, answer[0, :, :2]):
        return replace(contract, strides=(), assumed=(*assumed, "its boxes are in pixels already"))
    if contract.head is Head.YOLOV8 and beside.style is None and _are_corners(contract, answer[0]):
        rest = tuple(one for one in assumed if not one.startswith("style "))
        contract = replace(contract, head=Head.CORNERS, assumed=("style corners, by the numbers of its answer", *rest))
    if contract.head is Head.CORNERS and beside.place is None:
        raise InputRefused(
            "The model writes its boxes as corners, and nobody says where the slice lies in its pictures.",
            'Write {"style": "corners", "place": "centre"} or "corner" into a JSON file beside it, with its name.',
        )
    return contract


def _follow_cells(contract: Contract, places: NDArray[np.float64]) -> bool:
    """Whether pixels (x, y) run along with the cells, in the finest map: coarser ones have boxes of other sizes."""
    grid = cells(contract.size, contract.strides[:1])
    places = places[: len(grid)]
    if min(np.ptp(places[:, n]) for n in range(2)) == 0:
        return False
    middles = (grid[:, :2] + 0.5) * grid[:, 2:]
    return min(float(np.corrcoef(places[:, n], middles[:, n])[0, 1]) for n in range(2)) > SAME_CELLS


def _are_corners(contract: Contract, answer: NDArray[np.float64]) -> bool:
    """Whether the second pair of numbers runs along with the cells too, and never falls below the first."""
    behind = bool((answer[:, 2:4] >= answer[:, :2]).all())
    return behind and _follow_cells(contract, answer[:, :2]) and _follow_cells(contract, answer[:, 2:4])
