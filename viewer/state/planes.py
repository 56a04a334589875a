"""Which voxel axis stands for which patient axis: the one place that decides flips."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations

import numpy as np

from inference.result import Point
from inference.volume import Geometry
from viewer.state.view import Plane

# Radiological display (DICOM PS3.3 C.7.6.2.1.1 gives LPS): screen right is the patient's left or back,
# screen down is the patient's back or feet; sagittal slices have the nose to the left.
_LAYOUT = {
    Plane.AXIAL: (2, (0, 1.0), (1, 1.0)),
    Plane.CORONAL: (1, (0, 1.0), (2, -1.0)),
    Plane.SAGITTAL: (0, (1, 1.0), (2, -1.0)),
}


@dataclass(frozen=True, slots=True)
class PlaneAxes:
    """How a plane lies on a grid; voxel axes are numbered 0 = i, 1 = j, 2 = k.

    Attributes:
        normal: Axis along which one scrolls.
        column, row: Axes along screen right and screen down.
        column_flipped, row_flipped: Screen right (down) is the falling index.
    """

    normal: int
    column: int
    row: int
    column_flipped: bool
    row_flipped: bool


@lru_cache(maxsize=256)
def plane_axes(geometry: Geometry, plane: Plane) -> PlaneAxes:
    """Match voxel axes with patient axes, each taken once, so that oblique grids keep three distinct planes."""
    direction = geometry.direction
    voxel_axis = max(
        permutations(range(3)), key=lambda order: float(sum(abs(direction[a, order[a]]) for a in range(3)))
    )
    normal, (right, right_sign), (down, down_sign) = _LAYOUT[plane]
    column, row = voxel_axis[right], voxel_axis[down]
    return PlaneAxes(
        normal=voxel_axis[normal],
        column=column,
        row=row,
        column_flipped=bool(direction[right, column] * right_sign < 0),
        row_flipped=bool(direction[down, row] * down_sign < 0),
    )


def slice_count(geometry: Geometry, plane: Plane) -> int:
    """Number of slices of a plane."""
    return geometry.shape[2 - plane_axes(geometry, plane).normal]


def slice_index(geometry: Geometry, plane: Plane, point_lps_mm: Point) -> int:
    """Index of the slice nearest to a point, kept inside the grid."""
    axes = plane_axes(geometry, plane)
    index = geometry.index_from_world(point_lps_mm)[axes.normal]
    return int(np.clip(np.floor(index + 0.5), 0, geometry.shape[2 - axes.normal] - 1))


def holds(geometry: Geometry, point_lps_mm: Point) -> bool:
    """Whether a point lies inside the grid, edges of the outer voxels included."""
    index = geometry.index_from_world(point_lps_mm)
    size = np.array(geometry.shape[::-1], dtype=np.float64)
    return bool((index >= -0.5).all() and (index <= size - 0.5).all())


def centre(geometry: Geometry) -> Point:
    """The point in the middle of a grid, on a voxel's centre."""
    middle = (np.array(geometry.shape[::-1]) - 1) // 2
    x, y, z = geometry.world_from_index(middle)
    return float(x), float(y), float(z)
