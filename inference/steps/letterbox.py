"""A whole slice in a picture of fixed size, as detector projects make it: one scale for both sides, grey round it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from inference.volume import Floats, Geometry

PAD_GREY = 114.0
"""Of 255: what YOLOX and its relatives pad with."""


class Place(Enum):
    """Where the slice lies in the picture."""

    CENTRE = "centre"
    CORNER = "corner"


@dataclass(frozen=True)
class Side:
    """One side of the picture: pixels `start` to `start + count - 1` show `size` voxels, from the other end if
    `reversed`."""

    length: int
    start: int
    count: int
    size: int
    reversed: bool = False

    def source(self, at: NDArray[np.float64]) -> NDArray[np.float64]:
        """Fractional voxel index of fractional pixels; both count centres.

        The scale is voxels through pixels, as the picture was drawn, not the letterbox's ratio before rounding.
        """
        place = (at - self.start + 0.5) * (self.size / self.count) - 0.5
        return np.asarray(self.size - 1 - place if self.reversed else place)

    @cached_property
    def matrix(self) -> Any:
        """Linear interpolation [length, size], sparse; rows of padding are empty."""
        pixels = np.arange(self.start, self.start + self.count)
        place = np.clip(self.source(pixels.astype(np.float64)), 0, self.size - 1)
        floor = np.floor(place).astype(np.intp)
        share = place - floor
        places = np.concatenate([floor, np.minimum(floor + 1, self.size - 1)])
        shares = np.concatenate([1 - share, share]).astype(np.float32)
        return sparse.csr_array((shares, (np.tile(pixels, 2), places)), shape=(self.length, self.size))

    @property
    def shown(self) -> slice:
        return slice(self.start, self.start + self.count)


@dataclass(frozen=True, slots=True, eq=False)
class Letterbox:
    """Where a picture's pixels lie on the source's slices.

    Rows run to the patient's posterior and columns to the left, whatever way the source stores them.

    Attributes:
        slices: Source index k of each axial slice, from feet to head.
    """

    rows: Side
    columns: Side
    slices: tuple[int, ...]

    @property
    def shown(self) -> tuple[int, int, int, int]:
        """x0, y0, x1, y1: the edges of what is no padding."""
        rows, columns = self.rows.shown, self.columns.shown
        return columns.start, rows.start, columns.stop, rows.stop

    def pick(self, plane: Floats) -> Floats:
        """A slice [j, i] of greys 0..255 as a picture of whole greys, float32 [rows, columns]."""
        half = np.ascontiguousarray((self.rows.matrix @ plane.astype(np.float32, copy=False)).T)
        drawn = np.ascontiguousarray((self.columns.matrix @ half).T)
        out = np.full(drawn.shape, PAD_GREY, dtype=np.float32)
        shown = self.rows.shown, self.columns.shown
        out[shown] = np.rint(drawn[shown])
        return out

    def source_ji(self, rows: NDArray[np.float64], columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n,) fractional rows and columns -> (n, 2) fractional source indices (j, i)."""
        return np.stack([self.rows.source(rows), self.columns.source(columns)], axis=-1)


def letterbox(geometry: Geometry, size: tuple[int, int], place: Place) -> Letterbox:
    """Lay a picture of `size` (rows, columns) over the axial slices of a grid."""
    count_k, count_j, count_i = geometry.shape
    axes = geometry.direction
    rows, columns = fit((count_j, count_i), size, place, (bool(axes[1, 1] < 0), bool(axes[0, 0] < 0)))
    order = range(count_k) if axes[2, 2] > 0 else range(count_k - 1, -1, -1)
    return Letterbox(rows, columns, tuple(order))


def greys(values: Floats, low: float, high: float) -> Floats:
    """Clip to [low, high] and map to whole greys 0..255, as the pictures were that detectors are trained on."""
    return np.asarray(np.rint((np.clip(values, low, high) - low) * (255.0 / (high - low))), dtype=np.float32)


def fit(
    shape: tuple[int, int], size: tuple[int, int], place: Place, reverse: tuple[bool, bool] = (False, False)
) -> tuple[Side, Side]:
    """Both sides of the picture for a slice of `shape` (j, i).

    In the centre, sides are rounded and an odd pixel of padding goes behind; in the corner, sides are cut off to
    whole pixels (YOLOX, `preproc`).
    """
    ratio = min(size[0] / shape[0], size[1] / shape[1])
    rows, columns = (_side(n, length, ratio, place, r) for n, length, r in zip(shape, size, reverse, strict=True))
    return rows, columns


def _side(voxels: int, length: int, ratio: float, place: Place, back: bool) -> Side:
    if place is Place.CORNER:
        return Side(length, 0, max(1, int(voxels * ratio)), voxels, back)
    count = max(1, round(voxels * ratio))
    return Side(length, round((length - count) / 2 - 0.1), count, voxels, back)
