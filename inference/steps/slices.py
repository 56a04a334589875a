"""Axial slices of a fixed field of view, centred on the head, and the way back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.errors import InputRefused
from inference.steps.bands import Band, Places, band, sigmas
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
    slices: range
    source_shape: tuple[int, int, int]

    def pick(self, voxels: Floats, k: int, fill: float) -> Floats:
        """Slice k as float32 [rows, columns]."""
        (picture,) = self.pick_all(voxels[k][None], fill)
        return np.asarray(picture)

    def pick_all(self, planes: Floats, fill: float) -> Floats:
        """Source slices [n, j, i] as float32 [n, rows, columns]; several at once cost less each."""
        sigma_j, sigma_i = map(float, sigmas((_step(self.j), _step(self.i))))
        rows = _band(self.j, planes.shape[1], sigma_j, planes.shape[2])
        columns = _band(self.i, planes.shape[2], sigma_i, len(self.j))
        across = np.empty((len(planes), rows.count, planes.shape[2]), dtype=np.float32)
        rows.rows(planes, across)
        pictures = np.empty((len(planes), rows.count, columns.count), dtype=np.float32)
        columns.columns(across[:, rows.inside], pictures[:, rows.inside])
        _fill(pictures, rows.inside, columns.inside, fill)
        return pictures

    def put_back(self, picture: Floats, fill: float) -> Floats:
        """A network picture as float32 [j, i] on the source's slice."""
        plane = np.empty((1, *self.source_shape[1:]), dtype=np.float32)
        self.put_back_all(picture[None], fill, plane)
        return np.asarray(plane[0])

    def put_back_all(self, pictures: Floats, fill: float, planes: Floats) -> None:
        """The network's pictures [n, rows, columns] into source slices, float32 [n, j, i]."""
        _, j, i = self.source_shape
        at_j, at_i = _inverse(self.j, j), _inverse(self.i, i)
        sigma_j, sigma_i = map(float, sigmas((_step(at_j), _step(at_i))))
        columns = _band(at_i, pictures.shape[2], sigma_i, pictures.shape[1])
        rows = _band(at_j, pictures.shape[1], sigma_j, i)
        across = np.empty((len(pictures), pictures.shape[1], i), dtype=np.float32)
        columns.columns(pictures, across)
        rows.rows(across[:, :, columns.inside], planes[:, :, columns.inside])
        _fill(planes, rows.inside, columns.inside, fill)

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
        slices=order,
        source_shape=volume.geometry.shape,
    )


def planes_of(voxels: Floats, ks: range) -> Floats:
    """Neighbouring slices [n, j, i] of a volume, in the order of `ks`; a view."""
    return voxels[min(ks) : max(ks) + 1][:: ks.step]


def require_axial(geometry: Geometry) -> None:
    """Raise InputRefused unless i runs left-right, j front-back and k feet-head (either way round)."""
    if not is_axial(geometry):
        raise InputRefused("The series was not acquired in axial slices.", "Choose an axial series for this task.")


def is_axial(geometry: Geometry) -> bool:
    """Whether i runs left-right, j front-back and k feet-head, within 35 degrees."""
    away = np.degrees(np.arccos(np.clip(np.abs(np.diag(geometry.direction)), 0.0, 1.0)))
    return bool(away.max() <= MOST_OBLIQUE_DEG)


def _fill(planes: Floats, rows: slice, columns: slice, fill: float) -> None:
    planes[:, : rows.start] = fill
    planes[:, rows.stop :] = fill
    planes[:, :, : columns.start] = fill
    planes[:, :, columns.stop :] = fill


def _band(at: NDArray[np.float64], size: int, sigma: float, width: int) -> Band:
    return band(Places(float(at[0]), _step(at), len(at)), size, sigma, width)


def _step(at: NDArray[np.float64]) -> float:
    return float(at[1] - at[0])


def _inverse(at: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    return np.asarray((np.arange(size) - at[0]) / (at[1] - at[0]))
