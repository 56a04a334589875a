"""Whether tissue fills an MR picture to its left and right edge, as a pelvis does in a small field of view."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inference.memo import remembered
from inference.steps.head import mr_foreground
from inference.volume import Floats, Volume

EDGE_MM = (3.0, 9.0)
PARTS = 10
FILLED_PARTS = 9
NO_HEAD_MM, FILLED_OF_WIDE = 200.0, 5
"""In a picture as wide as this no head reaches both edges: half of them is proof, and a pelvis is round in front."""
TISSUE_SHARE = 0.1
LAG_MM = 3.0
ALIKE = 0.3
EVEN = 0.3
"""Standard deviation by mean; that of noise in air is 0.52 (Rayleigh)."""


@remembered
def fills_sides(volume: Volume) -> bool:
    """Whether tissue lies along the whole left and the whole right edge of the median axial slice of an MR image.

    A strip from 3 to 9 mm inside each edge (what lies further out is often padding) is cut into ten parts from front
    to back, and nine of them must hold tissue on both sides, five where the picture is wider than a head. A head
    leaves air in the corners however tight it was cropped. Noise is no tissue: a strip must be even, or places 3 mm
    apart must resemble each other.
    """
    x_mm, y_mm, _ = volume.geometry.spacing_mm
    if volume.geometry.shape[1] < PARTS or volume.geometry.shape[2] * x_mm < 4 * EDGE_MM[1]:
        return False
    near, far = (max(at, round(mm / x_mm)) for at, mm in enumerate(EDGE_MM))
    strips = [side[:, :, near:far] for side in (volume.voxels, volume.voxels[:, :, ::-1])]
    tissue = mr_foreground(volume.voxels)
    edges = [side[:, :, near:far] for side in (tissue, tissue[:, :, ::-1])]
    filled = np.minimum.reduce([_shares(edge) for edge in edges]) > TISSUE_SHARE
    lag = max(1, round(LAG_MM / y_mm))
    needed = FILLED_OF_WIDE if volume.geometry.shape[2] * x_mm >= NO_HEAD_MM else FILLED_PARTS
    return float(np.median(filled.sum(axis=1))) >= needed and all(_is_tissue(strip, lag) for strip in strips)


def is_noise(volume: Volume) -> bool:
    """Whether the middle slice holds no picture: places 3 mm apart have nothing in common."""
    lag = max(1, round(LAG_MM / volume.geometry.spacing_mm[1]))
    middle = volume.geometry.shape[0] // 2
    return not _is_tissue(volume.voxels[middle : middle + 1], lag)


def _shares(tissue: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Share of tissue [k, part] in each part of a strip [k, j, i]."""
    rows = tissue.mean(axis=2)
    return np.stack([part.mean(axis=1) for part in np.array_split(rows, PARTS, axis=1)], axis=1)


def _is_tissue(strip: Floats, lag: int) -> bool:
    """Whether a strip [k, j, i] is even, or its rows resemble those `lag` behind them."""
    one, other = strip[:, lag:].ravel(), strip[:, :-lag].ravel()
    if not one.size or one.std() <= EVEN * one.mean():
        return bool(one.size)
    return other.std() > 0 and float(np.corrcoef(one, other)[0, 1]) > ALIKE
