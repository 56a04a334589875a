"""Axial slices of a fixed field of view, centred on the head, and the way back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse

from inference.errors import InputRefused
from inference.steps.head import head_centre
from inference.volume import Floats, Geometry, Volume

MOST_OBLIQUE_DEG = 35.0


@dataclass(frozen=True, slots=True, eq=False)
class SliceGrid:
    """Where the network's pixels lie on the source's slices.

    Row r and column c of the network's picture run to the patient's posterior and left. In-plane axes are
    the source's own, so rows and columns map apart from each other.

    Attributes:
        j, i: Fractional source index of each row and column.
        slices: Source index k of each axial slice, from feet to head.
        source_shape: (k, j, i).
    """

    j: NDArray[np.float64]
    i: NDArray[np.float64]
    slices: tuple[int, ...]
    source_shape: tuple[int, int, int]

    def pick(self, voxels: Floats, k: int, fill: float) -> Floats:
        """Slice k as float32 [rows, columns]."""
        return _separable(voxels[k], self.j, self.i, fill)

    def put_back(self, picture: Floats, fill: float) -> Floats:
        """A network picture as float32 [j, i] on the source's slice."""
        rows = _inverse(self.j, self.source_shape[1])
        columns = _inverse(self.i, self.source_shape[2])
        return _separable(picture, rows, columns, fill)

    def source_ji(self, rows: NDArray[np.float64], columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n,) fractional rows and columns -> (n, 2) fractional source indices (j, i)."""
        step_j, step_i = self.j[1] - self.j[0], self.i[1] - self.i[0]
        return np.stack([self.j[0] + rows * step_j, self.i[0] + columns * step_i], axis=-1)


def slice_grid(volume: Volume, size: tuple[int, int], spacing_mm: tuple[float, float]) -> SliceGrid:
    """Lay the network's field of view on a volume.

    Args:
        size: (rows, columns). spacing_mm: (row step, column step).

    Raises:
        InputRefused: No head is in sight.
    """
    _, j_middle, i_middle = head_centre(volume)
    axes = volume.geometry.direction
    x_mm, y_mm, _ = volume.geometry.spacing_mm
    to_left, to_back, up = np.sign(axes[0, 0]), np.sign(axes[1, 1]), axes[2, 2] > 0
    rows = np.arange(size[0]) - (size[0] - 1) / 2.0
    columns = np.arange(size[1]) - (size[1] - 1) / 2.0
    order = range(volume.geometry.shape[0]) if up else range(volume.geometry.shape[0] - 1, -1, -1)
    return SliceGrid(
        j=j_middle + rows * (spacing_mm[0] / y_mm * to_back),
        i=i_middle + columns * (spacing_mm[1] / x_mm * to_left),
        slices=tuple(order),
        source_shape=volume.geometry.shape,
    )


def require_axial(geometry: Geometry) -> None:
    """Raise InputRefused unless i runs left-right, j front-back and k feet-head (either way round)."""
    if np.degrees(np.arccos(np.clip(np.abs(np.diag(geometry.direction)), 0.0, 1.0))).max() > MOST_OBLIQUE_DEG:
        raise InputRefused("The series was not acquired in axial slices.", "Choose an axial series for this task.")


def _separable(plane: Floats, j: NDArray[np.float64], i: NDArray[np.float64], fill: float) -> Floats:
    """Bilinear picture [len(j), len(i)] of a plane [j, i]; smoothed first where the steps are coarser."""
    step = np.array([abs(j[1] - j[0]), abs(i[1] - i[0])])
    sigma = 0.4 * np.sqrt(np.maximum(step**2 - 1.0, 0.0))
    sigma_j, sigma_i = (0.0, 0.0) if sigma.max() < 0.2 else (float(sigma[0]), float(sigma[1]))
    rows, in_j = _along(float(j[0]), float(j[1]), len(j), plane.shape[0], sigma_j)
    columns, in_i = _along(float(i[0]), float(i[1]), len(i), plane.shape[1], sigma_i)
    half = np.ascontiguousarray((rows @ plane.astype(np.float32, copy=False)).T)
    out = np.ascontiguousarray((columns @ half).T)
    out[~in_j] = fill
    out[:, ~in_i] = fill
    return out


@lru_cache(maxsize=16)
def _along(first: float, second: float, count: int, size: int, sigma: float) -> tuple[Any, NDArray[np.bool_]]:
    """Smoothing and linear interpolation of one axis as a sparse matrix [count, size]; and which places lie inside.

    All slices of a volume share it, so that a slice costs two products of a few numbers a row.
    """
    at = first + (second - first) * np.arange(count)
    inside = (at >= -0.5) & (at <= size - 0.5)
    limited = np.clip(at, 0, size - 1)
    floor = np.floor(limited).astype(np.intp)
    share = limited - floor
    places = np.concatenate([floor, np.minimum(floor + 1, size - 1)])
    lines = np.tile(np.arange(count), 2)
    matrix = sparse.csr_array((np.concatenate([1 - share, share]), (lines, places)), shape=(count, size))
    if sigma > 0:
        matrix = matrix @ sparse.csr_array(ndimage.gaussian_filter1d(np.eye(size), sigma, axis=0))
    return matrix.astype(np.float32), inside


def _inverse(at: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    return np.asarray((np.arange(size) - at[0]) / (at[1] - at[0]))
