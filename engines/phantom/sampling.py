"""From the head's own grid to any grid of voxels, averaging over each voxel's extent."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import affine_transform

from inference.volume import Floats, Geometry, Points


def sample(
    grid: Floats,
    head_from_index: Points,
    geometry: Geometry,
    *,
    outside: float = 0.0,
    partial_volume: bool = True,
    thickness_mm: float | None = None,
) -> Floats:
    """Average `grid` over the voxels of `geometry`.

    Args:
        grid: Values on the head's grid ``[k, j, i]``.
        head_from_index: (4, 4): (i, j, k, 1) of `grid` -> LPS mm of the patient (pose included).
        geometry: Wanted voxels; the affine may be sheared (gantry tilt).
        outside: Value beyond the grid.
        partial_volume: False takes the centre of each voxel only.
        thickness_mm: Slice thickness where it is not the distance of the slices.
    """
    index = np.linalg.inv(head_from_index) @ geometry.affine
    counts = _counts(index, thickness_mm, geometry) if partial_volume else (1, 1, 1)
    extent = 1.0 if thickness_mm is None else thickness_mm / _slice_gap(geometry)
    total = np.zeros(geometry.shape, dtype=np.float32)
    for offset in _offsets(counts, extent):
        moved = index[:3, :3] @ offset + index[:3, 3]
        total += _pull(grid, index[:3, :3], moved, geometry.shape, outside)
    return total / np.float32(np.prod(counts))


def _slice_gap(geometry: Geometry) -> float:
    normal = np.cross(geometry.affine[:3, 0], geometry.affine[:3, 1])
    return float(abs(normal @ geometry.affine[:3, 2]) / np.linalg.norm(normal))


def _counts(index: Points, thickness_mm: float | None, geometry: Geometry) -> tuple[int, int, int]:
    lengths = np.linalg.norm(index[:3, :3], axis=0)
    if thickness_mm is not None:
        lengths[2] *= thickness_mm / _slice_gap(geometry)
    i, j, k = (int(np.clip(np.ceil(length - 0.35), 1, 7)) for length in lengths)
    return i, j, k


def _offsets(counts: tuple[int, int, int], extent: float) -> Iterator[Points]:
    reach = (1.0, 1.0, extent)
    steps = [((np.arange(n) + 0.5) / n - 0.5) * r for n, r in zip(counts, reach, strict=True)]
    for k in steps[2]:
        for j in steps[1]:
            for i in steps[0]:
                yield np.array([i, j, k])


def _pull(grid: Floats, linear: Points, shift: Points, shape: tuple[int, int, int], outside: float) -> Floats:
    flip: NDArray[np.float64] = linear[::-1, ::-1]
    return np.asarray(
        affine_transform(grid, flip, shift[::-1], shape, order=1, mode="constant", cval=outside, output=np.float32)
    )
