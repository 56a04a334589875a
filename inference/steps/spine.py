"""The middle of a trunk on CT, from its bones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from inference.memo import remembered
from inference.steps.head import WORKING_MM
from inference.volume import Volume

BONE_HU = 180.0
BLUR_CELLS = 2.0
MIDDLE_SHARES = (0.3, 0.7)
SPINE_MM = 40.0
NEAR_MM = 60.0
AGREE_MM = 15.0
LEAST_MIRRORED = 0.4
Plane = NDArray[np.float64]


@remembered
def middle_of_trunk_x_mm(volume: Volume) -> float | None:
    """LPS x of the plane in which a trunk's bones mirror each other; None where the spine does not lie on it.

    The outline of the body will not do: arms, the table and what is cut off move its box by centimetres. Bone is seen
    from above (its voxels counted along k), and the plane sought that maps it best onto itself; the densest 40 mm
    near it, which are the spine, must lie within 15 mm of it.
    """
    x_mm, y_mm, z_mm = volume.geometry.spacing_mm
    k, j, i = (max(1, round(WORKING_MM / mm)) for mm in (z_mm, y_mm, x_mm))
    seen = (volume.voxels[::k, ::j, ::i] > BONE_HU).sum(axis=0, dtype=np.float64)
    above = ndimage.gaussian_filter(seen, BLUR_CELLS)
    axis, share = _mirror(above)
    cell_mm = i * x_mm
    if share < LEAST_MIRRORED or abs(axis - _spine(above, axis, cell_mm)) * cell_mm > AGREE_MM:
        return None
    middle = volume.geometry.shape[1] / 2.0, volume.geometry.shape[0] / 2.0
    return float(volume.geometry.world_from_index((axis * i, *middle))[0])


def _mirror(above: Plane) -> tuple[float, float]:
    """Column in the middle part about which [j, i] mirrors best, and how well: 1 is perfect, 0 is nothing there."""
    columns = above.shape[1]
    turned = np.fft.rfft(above, 2 * columns, axis=1)
    likeness = np.fft.irfft((turned * turned).sum(axis=0), 2 * columns)[: 2 * columns - 1]
    at = np.arange(2 * columns - 1) / 2.0
    low, high = (share * columns for share in MIDDLE_SHARES)
    likeness = np.where((at > low) & (at < high), likeness, 0.0)
    best, total = int(likeness.argmax()), float((above**2).sum())
    return float(at[best]), float(likeness[best]) / total if total > 0 else 0.0


def _spine(above: Plane, axis: float, cell_mm: float) -> float:
    """Centre of gravity of the densest 40 mm of columns that lie within 60 mm of the axis."""
    line, columns = above.sum(axis=0), np.arange(above.shape[1])
    cells = max(1, round(SPINE_MM / cell_mm))
    sums = ndimage.uniform_filter1d(line, cells, mode="constant")
    best = int(np.where(np.abs(columns - axis) * cell_mm <= NEAR_MM, sums, -1.0).argmax())
    near = slice(max(0, best - cells // 2), best + cells // 2 + 1)
    weight = float(line[near].sum())
    return float((columns[near] * line[near]).sum()) / weight if weight > 0 else float("inf")
