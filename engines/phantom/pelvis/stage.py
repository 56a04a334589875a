"""The fine grid on which one pelvis is painted, in the scanner's axes: brightness coat over coat."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engines.phantom.noise import Rng, band_noise, slow
from inference.volume import Floats, Geometry

Window = tuple[slice, slice, slice]
Corner = tuple[float, float, float]
MARGIN_MM = 7.0
WAVES_MM = ((120.0, 3.0), (38.0, 0.9))
WARP_SKIP = 6


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Where the grid points of a window lie in the atlas, mm; `left` is signed, `x` is |left|."""

    left: Floats
    x: Floats
    y: Floats
    z: Floats


class Stage:
    """Atlas coordinates of every grid point, and the image so far.

    The atlas has LPS axes and its origin at the middle of the prostate.

    Args:
        geometry: The grid, in LPS mm of the atlas.
        ground: Brightness everywhere at first.
        rng: Of the bends that make one body unlike another.
        bend: Factor on the size of these bends.
    """

    def __init__(self, geometry: Geometry, ground: float, rng: Rng, bend: float = 1.0) -> None:
        self.geometry = geometry
        self.step_mm = geometry.spacing_mm[0]
        self.image = np.full(geometry.shape, ground, dtype=np.float32)
        straight = [_along(geometry, axis) for axis in range(3)]
        self._atlas = [a + b for a, b in zip(straight, _bends(straight, rng, bend), strict=True)]

    @property
    def all(self) -> Window:
        """The whole grid."""
        return slice(None), slice(None), slice(None)

    def window(self, low: Corner, high: Corner) -> Window:
        """The part of the grid that can hold the atlas box low..high; x is taken on both sides."""
        reach = max(abs(low[0]), abs(high[0]))
        return self.box((-reach, low[1], low[2]), (reach, high[1], high[2]))

    def box(self, low: Corner, high: Corner) -> Window:
        """The part of the grid that can hold that atlas box, x signed."""
        sides = [(a - MARGIN_MM, b + MARGIN_MM) for a, b in zip(low, high, strict=True)]
        corners = np.stack(np.meshgrid(*sides, indexing="ij"), axis=-1).reshape(-1, 3)
        index = self.geometry.index_from_world(corners)
        spans = []
        for axis in range(3):
            size = self.geometry.shape[2 - axis]
            first, last = int(np.floor(index[:, axis].min())), int(np.ceil(index[:, axis].max()))
            spans.append(slice(min(max(first, 0), size), max(min(last + 1, size), 0)))
        return spans[2], spans[1], spans[0]

    def points(self, window: Window) -> Points:
        """Atlas coordinates there."""
        left, y, z = (a[window] for a in self._atlas)
        return Points(left, np.abs(left), y, z)

    def cover(self, inside_mm: Floats, soft_mm: float = 0.0) -> Floats:
        """Fraction 0..1 of a signed distance: a ramp one grid step wide, or `soft_mm` if that is more."""
        width = max(self.step_mm, soft_mm)
        return np.asarray(np.clip(inside_mm * np.float32(1 / width) + np.float32(0.5), 0, 1), dtype=np.float32)

    def paint(self, window: Window, fraction: Floats, value: Floats | float) -> None:
        """Lay a coat of 0..1 over what is there."""
        part = self.image[window]
        part += fraction * (np.asarray(value, dtype=np.float32) - part)

    def solid(
        self, low: Corner, high: Corner, shape: Callable[[Points], Floats], value: float, soft_mm: float = 0.0
    ) -> None:
        """Paint what `shape` says is inside, within an atlas box on both sides."""
        window = self.window(low, high)
        if all(s.stop > s.start for s in window):
            self.paint(window, self.cover(shape(self.points(window)), soft_mm), value)


def _along(geometry: Geometry, axis: int) -> Floats:
    k, j, i = (np.arange(n, dtype=np.float32) for n in geometry.shape)
    x, y, z = (np.float32(v) for v in geometry.affine[axis, :3])
    return np.asarray(
        np.float32(geometry.affine[axis, 3]) + z * k[:, None, None] + y * j[None, :, None] + x * i[None, None, :]
    )


def _bends(straight: list[Floats], rng: Rng, factor: float) -> list[Floats]:
    x, y, z = straight
    moved = [np.zeros(x.shape, dtype=np.float32) for _ in range(3)]
    for wave, size in WAVES_MM:
        for axis in range(3):
            moved[axis] += np.float32(size * factor) * slow(band_noise(rng, wave), x, y, z, WARP_SKIP)
    return moved
