"""Where the brain is on a diffusion image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from inference.steps.head import mr_foreground
from inference.volume import Floats

Bools = NDArray[np.bool_]
BRIGHT_PERCENTILE = 75.0
BRIGHT_SHARE = 0.4
NECK_MM = 4.5
RIM_MM = 3.0


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
    if inner.any():
        near = _box(inner, NECK_MM + RIM_MM, spacing_mm)
        grown = _depth_mm(~inner[near], spacing_mm) <= NECK_MM + RIM_MM
        brain[near] = np.stack([ndimage.binary_fill_holes(plane) for plane in grown])
    return brain


def _core(bright: Bools, spacing_mm: tuple[float, float, float]) -> Bools:
    """The largest piece of what lies deeper than the neck's radius; nothing where no place is so deep."""
    core = np.zeros(bright.shape, dtype=bool)
    box = _box(bright, 0.0, spacing_mm)
    pieces, count = ndimage.label(_depth_mm(bright[box], spacing_mm) > NECK_MM)
    if count:
        core[box] = pieces == 1 + int(np.argmax(np.bincount(pieces.ravel())[1:]))
    return core


def _box(mask: Bools, reach_mm: float, spacing_mm: tuple[float, float, float]) -> tuple[slice, ...]:
    """Bounding box of a mask that is not empty, wider by the reach and a voxel: distances need not look further."""
    box = []
    for axis, mm in enumerate(spacing_mm[::-1]):
        at = np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != axis)))
        margin = int(np.ceil(reach_mm / mm)) + 1
        box.append(slice(max(0, int(at[0]) - margin), int(at[-1]) + 1 + margin))
    return tuple(box)


def _depth_mm(mask: Bools, spacing_mm: tuple[float, float, float]) -> NDArray[np.float64]:
    """Distance of each voxel of the mask to the nearest one outside it."""
    return np.asarray(ndimage.distance_transform_edt(mask, sampling=spacing_mm[::-1]))
