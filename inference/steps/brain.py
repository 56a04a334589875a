"""Where the brain is on a diffusion image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from inference.steps.ball import deeper, within
from inference.steps.box import box_round
from inference.steps.head import mr_foreground
from inference.volume import Floats

Bools = NDArray[np.bool_]
BRIGHT_PERCENTILE = 75.0
BRIGHT_SHARE = 0.4
NECK_MM = 4.5
RIM_MM = 3.0
IN_PLANE = ndimage.generate_binary_structure(3, 1) & np.array([False, True, False])[:, None, None]


def brain_mask(dwi: Floats, spacing_mm: tuple[float, float, float]) -> Bools:
    """Brain of a diffusion-weighted image [k, j, i], bright there and dark in scalp, fat and fluid.

    What is brighter than 40 % of the head's upper quartile, cut free of eyes, jaw and scalp by opening with a ball of
    4.5 mm; the largest piece, with a rim of 3 mm and its holes filled. Meant for spacings of about 2 mm.

    Args:
        spacing_mm: (x, y, z).

    Returns:
        bool [k, j, i]; all False where nothing is bright.
    """
    head = dwi[mr_foreground(dwi)]
    if not head.size:
        return np.zeros(dwi.shape, dtype=bool)
    bright = dwi > BRIGHT_SHARE * np.percentile(head, BRIGHT_PERCENTILE)
    inner = _core(bright, spacing_mm)
    brain = np.zeros(dwi.shape, dtype=bool)
    near = box_round(inner, _margin(NECK_MM + RIM_MM, spacing_mm))
    if near is not None:
        brain[near] = without_holes(within(inner[near], NECK_MM + RIM_MM, spacing_mm))
    return brain


def _core(bright: Bools, spacing_mm: tuple[float, float, float]) -> Bools:
    """The largest piece of what lies deeper than the neck's radius; nothing where no place is so deep."""
    core = np.zeros(bright.shape, dtype=bool)
    box = box_round(bright, (1, 1, 1))
    if box is not None:
        pieces, count = ndimage.label(deeper(bright[box], NECK_MM, spacing_mm))
        if count:
            core[box] = pieces == 1 + int(np.argmax(np.bincount(pieces.ravel())[1:]))
    return core


def _margin(reach_mm: float, spacing_mm: tuple[float, float, float]) -> tuple[int, int, int]:
    x, y, z = (int(np.ceil(reach_mm / mm)) + 1 for mm in spacing_mm)
    return z, y, x


def without_holes(planes: Bools) -> Bools:
    """Each plane with its holes: what cannot reach the plane's border through edges of pixels outside the mask."""
    pieces, count = ndimage.label(~planes, IN_PLANE)
    outside = np.zeros(count + 1, dtype=bool)
    for border in (pieces[:, 0], pieces[:, -1], pieces[:, :, 0], pieces[:, :, -1]):
        outside[border] = True
    outside[0] = False
    return np.asarray(~outside[pieces])
