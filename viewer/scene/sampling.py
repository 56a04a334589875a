"""Voxels of a slice at device pixels."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from inference.volume import Floats, Labels
from viewer.scene.mapping import Axis

Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Span:
    """Device pixels [first, last) of one screen axis whose centres lie on the picture."""

    axis: Axis
    first: int
    last: int

    @property
    def empty(self) -> bool:
        return self.last <= self.first

    def positions(self, per_pixel: int = 1) -> NDArray[np.float64]:
        """Fractional voxel index at pixel centres, or at `per_pixel` even places in each pixel."""
        places = np.arange(self.first * per_pixel, self.last * per_pixel) + 0.5
        along = (places / per_pixel - self.axis.start) / self.axis.pixels - 0.5
        return self.axis.count - 1 - along if self.axis.flipped else along

    def nearest(self) -> Indices:
        """Voxel under each pixel's centre."""
        found = np.floor(self.positions() + 0.5).astype(np.intp)
        return np.clip(found, 0, self.axis.count - 1)


def span(axis: Axis, size: int) -> Span:
    """Pixels of a pane `size` pixels long that the picture covers."""
    first = max(0, ceil(axis.start - 0.5))
    return Span(axis, first, max(first, min(size, ceil(axis.stop - 0.5))))


def bilinear(source: Floats, rows: Span, columns: Span) -> Floats:
    """(rows, columns) values, linear between voxel centres.

    Where a pixel covers several voxels they are averaged, so that nothing between pixels is lost.

    Args:
        source: (row voxels, column voxels).
        rows, columns: Pixels wanted.
    """
    return _along_rows(_along_rows(source, rows).T, columns).T


def strongest(labels: Labels, rows: Span, columns: Span) -> Labels:
    """(rows, columns) labels of the voxel under each pixel; where a pixel covers several voxels, the highest label.

    So a lesion of one voxel never falls between pixels.
    """
    return _strongest_rows(_strongest_rows(labels, rows).T, columns).T


def nearest(flags: NDArray[np.bool_], rows: Span, columns: Span) -> NDArray[np.bool_]:
    """(rows, columns) values of the voxel under each pixel's centre."""
    return flags[rows.nearest()[:, None], columns.nearest()[None, :]]


def _along_rows(source: Floats, wanted: Span) -> Floats:
    per_pixel = max(1, round(1.0 / wanted.axis.pixels))
    positions = wanted.positions(per_pixel)
    low = np.floor(positions)
    share = (positions - low).astype(np.float32)[:, None]
    last = wanted.axis.count - 1
    values = np.take(source, np.clip(low, 0, last).astype(np.intp), axis=0)
    step = np.take(source, np.clip(low + 1, 0, last).astype(np.intp), axis=0)
    step -= values
    step *= share
    values += step
    if per_pixel == 1:
        return values
    mean: Floats = values.reshape(-1, per_pixel, values.shape[1]).mean(axis=1, dtype=np.float32)
    return mean


def _strongest_rows(labels: Labels, wanted: Span) -> Labels:
    if wanted.axis.pixels >= 1.0:
        return np.take(labels, wanted.nearest(), axis=0)
    bounds = _bounds(wanted)
    upward = labels[::-1] if wanted.axis.flipped else labels
    found: Labels = np.maximum.reduceat(upward[: max(bounds[-1], bounds[-2] + 1)], bounds[:-1], axis=0)
    return found


def _bounds(wanted: Span) -> Indices:
    """First voxel (along the screen) of each pixel, and the end of the last pixel's voxels.

    At the picture's own edges the outer pixel takes the voxels that half a pixel would leave out; at the pane's edges
    it does not take those that lie beyond.
    """
    axis = wanted.axis
    edges = (np.arange(wanted.first, wanted.last + 1) - axis.start) / axis.pixels
    bounds: Indices = np.clip(np.floor(edges).astype(np.intp), 0, axis.count - 1)
    bounds[-1] = min(int(np.floor(edges[-1])), axis.count)
    if wanted.first - 0.5 < axis.start:
        bounds[0] = 0
    if wanted.last + 0.5 >= axis.stop:
        bounds[-1] = axis.count
    return bounds
