"""Putting slices onto the grid that the geometry gate chose, one by one, in any order.

Every slice knows which slices of the grid it takes part in and with what weight (linear along the normal), and by how
many pixels it is shifted in its plane (linear too). An even, upright stack passes through untouched.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.volume import Floats, Geometry, Points
from viewer.dicom.geometry import gaps, snapped

SNAP_SLICES = 0.02
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Placing:
    """Where one slice goes.

    Attributes:
        shift: (i, j) place of its first pixel on the grid.
        shares: (k, weight) of every grid slice that it takes part in.
    """

    shift: tuple[float, float]
    shares: tuple[tuple[int, float], ...]


def placings(origins: Points, grid: Geometry, as_acquired: bool) -> tuple[Placing, ...]:
    """Place each slice of a stack ordered by position.

    Args:
        origins: (n, 3) LPS mm of the first pixels.
        grid: The grid chosen for them.
        as_acquired: The grid is the stack itself: slice n is grid slice n.
    """
    if as_acquired:
        return tuple(Placing((0.0, 0.0), ((k, 1.0),)) for k in range(len(origins)))
    index = grid.index_from_world(origins)
    shifts = snapped(index[:, :2])
    return tuple(
        Placing((float(i), float(j)), shares)
        for (i, j), shares in zip(shifts, _shares(index[:, 2], grid.shape[0]), strict=True)
    )


class Canvas:
    """The growing volume: float32 voxels on the grid, and what of them has been measured."""

    def __init__(self, grid: Geometry, placed: tuple[Placing, ...], fill: float) -> None:
        self.grid = grid
        self.voxels: Floats = np.full(grid.shape, fill, dtype=np.float32)
        self._placed = placed
        self._fill = np.float32(fill)
        self._waiting = np.zeros(grid.shape[0], dtype=np.intp)
        for placing in placed:
            for k, _ in placing.shares:
                self._waiting[k] += 1
        self._ready = np.zeros(grid.shape[0], dtype=bool)
        self._measured: Mask | None = None
        self._pending: dict[int, Mask] = {}

    def put(self, number: int, plane: Floats, measured: Mask | None) -> None:
        """Add slice `number` of the stack; `measured` is False on its padding, None where it has none."""
        placing = self._placed[number]
        i, j = placing.shift
        plane = _moved(_moved(plane, i - round(i), 1), j - round(j), 0)
        rows, columns = plane.shape
        inside = (slice(round(j), round(j) + rows), slice(round(i), round(i) + columns))
        here = self._covered(inside, measured)
        for k, weight in placing.shares:
            target = self.voxels[k][inside]
            if weight == 1.0:
                target[...] = plane
            else:
                target += np.float32(weight) * (plane - self._fill)
            self._note(k, here)

    def valid(self) -> Mask | None:
        """bool [k, j, i], read-only, or None where everything is measured; False on slices still to come."""
        if self._measured is not None:
            view = self._measured.view()
            view.setflags(write=False)
            return view
        return None if self._ready.all() else np.broadcast_to(self._ready[:, None, None], self.grid.shape)

    def _covered(self, inside: tuple[slice, slice], measured: Mask | None) -> Mask | None:
        """What of a grid slice this image measures; None for all of it."""
        if measured is None and (inside[0].stop - inside[0].start, inside[1].stop - inside[1].start) == self._size:
            return None
        here = np.zeros(self._size, dtype=bool)
        here[inside] = True if measured is None else measured
        return here

    @property
    def _size(self) -> tuple[int, int]:
        return self.grid.shape[1:]

    def _note(self, k: int, here: Mask | None) -> None:
        """A voxel counts as measured where every image that takes part in it measured it."""
        if here is not None:
            self._pending[k] = here & self._pending[k] if k in self._pending else here
        self._waiting[k] -= 1
        if self._waiting[k]:
            return
        self._ready[k] = True
        pending = self._pending.pop(k, None)
        if pending is not None and self._measured is None:
            self._measured = np.zeros(self.grid.shape, dtype=bool)
            self._measured[self._ready] = True
        if self._measured is not None:
            self._measured[k] = True if pending is None else pending


def _moved(plane: Floats, part: float, axis: int) -> Floats:
    """Shift by a part of a pixel (-0.5 .. 0.5) by linear interpolation; the edge pixel is drawn out."""
    if part == 0.0:
        return plane
    ahead, behind = (slice(1, None), slice(None, -1)) if part > 0 else (slice(None, -1), slice(1, None))
    edge = slice(0, 1) if part > 0 else slice(-1, None)
    before = (slice(None),) * axis
    share = np.float32(abs(part))
    moved = plane * (1 - share)
    moved[(*before, ahead)] += share * plane[(*before, behind)]
    moved[(*before, edge)] += share * plane[(*before, edge)]
    return moved


def _shares(places: Points, count: int) -> list[tuple[tuple[int, float], ...]]:
    """For each slice at fractional grid index `places`: the grid slices it takes part in."""
    missing = gaps(places)
    shares: list[list[tuple[int, float]]] = [[] for _ in places]
    for k in range(count):
        for number, weight in _neighbours(places, missing, k):
            shares[number].append((k, weight))
    return [tuple(share) for share in shares]


def _neighbours(places: Points, missing: Mask, k: int) -> tuple[tuple[int, float], ...]:
    nearest = int(np.argmin(np.abs(places - k)))
    off = k - float(places[nearest])
    if abs(off) < SNAP_SLICES or k <= places[0] or k >= places[-1]:
        return ((nearest, 1.0),)
    low = int(np.searchsorted(places, k)) - 1
    if missing[low]:
        return ((nearest, 1.0),) if abs(off) <= 0.5 else ()
    part = (k - float(places[low])) / float(places[low + 1] - places[low])
    return (low, 1.0 - part), (low + 1, part)
