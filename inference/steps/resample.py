"""From one grid to another, by physical position."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from inference.volume import Floats, Geometry


def to_grid(values: Floats, source: Geometry, target: Geometry, *, fill: float = 0.0) -> Floats:
    """Linear interpolation of `values` on `source` at the voxel centres of `target`.

    Where the target is coarser, a Gaussian first removes what it cannot hold. Positions outside the source
    take `fill`; the half voxel around the source's outermost centres still belongs to it.

    Args:
        values: float32 [k, j, i] on `source`.

    Returns:
        float32 [k, j, i] on `target`.
    """
    if source.same_grid(target):
        return np.asarray(values, dtype=np.float32)
    index_map = np.linalg.inv(source.affine) @ target.affine
    flip = slice(None, None, -1)
    matrix, offset = index_map[:3, :3][flip, flip], index_map[:3, 3][flip]
    smooth = _smoothed(values, matrix)
    padded = np.pad(smooth, 1, mode="edge")
    out = ndimage.affine_transform(
        padded, matrix, offset + 1.0, output_shape=target.shape, order=1, mode="constant", cval=np.nan
    )
    return np.where(_inside(matrix, offset, source.shape, target.shape) & np.isfinite(out), out, fill).astype(
        np.float32
    )


def isotropic_like(source: Geometry, spacing_mm: tuple[float, float, float]) -> Geometry:
    """A grid over the same box, with the given spacing (x, y, z) and the same axes.

    Size is round(old spacing / new spacing * old size), as nnU-Net; the outer edges of both grids coincide
    at the first voxel.
    """
    old = np.array(source.spacing_mm)
    new = np.array(spacing_mm, dtype=np.float64)
    size = np.maximum(1, np.rint(np.array(source.shape[::-1]) * old / new)).astype(int)
    first = source.world_from_index((new / old - 1.0) / 2.0)
    shape = (int(size[2]), int(size[1]), int(size[0]))
    return Geometry.from_axes(shape, new, first, source.direction, source.frame_of_reference)


def _smoothed(values: Floats, matrix: np.ndarray) -> Floats:
    step = np.abs(matrix).max(axis=1)
    sigma = 0.4 * np.sqrt(np.maximum(step**2 - 1.0, 0.0))
    return values if sigma.max() < 0.2 else np.asarray(ndimage.gaussian_filter(values, sigma), dtype=np.float32)


def _inside(
    matrix: np.ndarray, offset: np.ndarray, source: tuple[int, int, int], target: tuple[int, int, int]
) -> np.ndarray:
    """bool [k, j, i] of the target: within half a voxel of the source's outermost centres."""
    ones = np.ones(target, dtype=bool)
    k, j, i = (np.arange(n, dtype=np.float64) for n in target)
    for axis in range(3):
        row = matrix[axis]
        at = (row[0] * k)[:, None, None] + (row[1] * j)[None, :, None] + (row[2] * i)[None, None, :] + offset[axis]
        ones &= (at >= -0.5 - 1e-6) & (at <= source[axis] - 0.5 + 1e-6)
    return ones
