"""From one grid to another, by physical position."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from inference.steps.bands import Places, band, sigmas
from inference.volume import Floats, Geometry, Points

SLACK = 1e-6
"""Voxels by which rounding may put a place beyond the source's border, or aside from its axis."""


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
    turned = _turned(matrix, target.shape)
    if turned is not None and np.isfinite(values.sum(dtype=np.float64)):
        return _axis_by_axis(values.transpose(turned), matrix[turned, (0, 1, 2)], offset[list(turned)], target, fill)
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


def upright(source: Geometry) -> Geometry:
    """The same voxels of an axial volume, counted so that i, j and k run to the patient's left, back and head.

    Networks know left from right by the order of the columns alone, and files keep them either way round.
    """
    affine = np.array(source.affine)
    for axis in range(3):
        if affine[axis, axis] < 0:
            affine[:3, 3] += affine[:3, axis] * (source.shape[2 - axis] - 1)
            affine[:3, axis] *= -1
    return Geometry(source.shape, affine, source.frame_of_reference)


def _turned(matrix: Points, target: tuple[int, int, int]) -> tuple[int, int, int] | None:
    """The source axis that runs along each target axis; None where grids stand askew to each other."""
    k, j, i = (int(axis) for axis in np.abs(matrix).argmax(axis=0))
    aside = matrix.copy()
    aside[(k, j, i), (0, 1, 2)] = 0.0
    drift = np.abs(aside).sum(axis=1) * max(target)
    return (k, j, i) if {k, j, i} == {0, 1, 2} and drift.max() < SLACK else None


def _axis_by_axis(values: Floats, step: Points, first: Points, target: Geometry, fill: float) -> Floats:
    """The same for parallel axes: three small operators, the one that leaves least first."""
    sigma = sigmas(step)
    inside = [slice(0)] * 3
    for axis in sorted(range(3), key=lambda a: target.shape[a] / values.shape[a]):
        width = values.shape[2] if axis < 2 else values.shape[1]
        places = Places(float(first[axis]), float(step[axis]), target.shape[axis])
        line = band(places, values.shape[axis], float(sigma[axis]), width, SLACK)
        values, inside[axis] = line.along(values, axis), line.inside
    out = np.full(target.shape, fill, dtype=np.float32)
    out[tuple(inside)] = values[tuple(inside)]
    return out


def _smoothed(values: Floats, matrix: np.ndarray) -> Floats:
    sigma = sigmas(np.abs(matrix).max(axis=1))
    return np.asarray(ndimage.gaussian_filter(values, sigma), dtype=np.float32) if sigma.any() else values


def _inside(
    matrix: np.ndarray, offset: np.ndarray, source: tuple[int, int, int], target: tuple[int, int, int]
) -> np.ndarray:
    """bool [k, j, i] of the target: within half a voxel of the source's outermost centres."""
    ones = np.ones(target, dtype=bool)
    k, j, i = (np.arange(n, dtype=np.float64) for n in target)
    for axis in range(3):
        row = matrix[axis]
        at = (row[0] * k)[:, None, None] + (row[1] * j)[None, :, None] + (row[2] * i)[None, None, :] + offset[axis]
        ones &= (at >= -0.5 - SLACK) & (at <= source[axis] - 0.5 + SLACK)
    return ones
