"""The grid of one scan, on which HU and organ numbers are painted part over part.

Coordinates are the atlas' mm: x to the left, y to the back, z to the head, the disc below L4 at the origin. A body's
size and shape are a scale and a smooth warp between them and the patient's LPS mm.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engines.phantom.noise import Rng
from engines.phantom.trunk.waves import waves
from inference.volume import Floats, Geometry, Labels

Corner = tuple[float, float, float]
Window = tuple[slice, slice, slice]
AIR_HU = -1000.0
WARP_MM = 3.5
MARGIN_MM = 3.0 * WARP_MM
WAVE_MM = 32.0


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Atlas coordinates in mm of a window of the grid, and the window."""

    window: Window
    x: Floats
    y: Floats
    z: Floats

    @property
    def side(self) -> Floats:
        """Distance from the middle plane, for what both sides have."""
        return np.abs(self.x)


class Canvas:
    """HU and organ numbers of a scan that is being painted.

    Args:
        geometry: The scan's grid; its axes run to the patient's left, back and head.
        scale: Size of this body against the atlas along x, y, z.
        rng: Draws the warp.
    """

    def __init__(self, geometry: Geometry, scale: Corner, rng: Rng) -> None:
        self.geometry = geometry
        self.hu = np.full(geometry.shape, AIR_HU, dtype=np.float32)
        self.labels: Labels = np.zeros(geometry.shape, dtype=np.uint8)
        self._scale = scale
        self._lines = [_line(geometry, axis) / np.float32(scale[axis]) for axis in range(3)]
        self._soft = float(np.mean(geometry.spacing_mm[:2]))
        self._moved = [self._warp(rng, axis) for axis in range(3)]

    @property
    def z_line(self) -> Floats:
        """(k, 1, 1): every slice's height, for profiles along the body."""
        return self._lines[2][:, None, None]

    def everywhere(self) -> Places:
        """The whole grid."""
        return self._places((slice(None), slice(None), slice(None)))

    def box(self, low: Corner, high: Corner) -> Places | None:
        """The part of the grid that can hold an atlas box; None where the scan does not show it."""
        spans = []
        for axis in (2, 1, 0):
            line, margin = self._lines[axis], np.float32(MARGIN_MM / self._scale[axis])
            inside = np.flatnonzero((line > low[axis] - margin) & (line < high[axis] + margin))
            if inside.size == 0:
                return None
            spans.append(slice(int(inside[0]), int(inside[-1]) + 1))
        return self._places((spans[0], spans[1], spans[2]))

    def both_sides(self, low: Corner, high: Corner) -> Places | None:
        """The same for a box given on the left and its mirror image."""
        return self.box((-high[0], low[1], low[2]), high)

    def cover(self, inside_mm: Floats) -> Floats:
        """Soft fraction 0..1 of a signed distance: edges share their voxels as in a scan."""
        return np.asarray(np.clip(inside_mm * np.float32(1 / self._soft) + np.float32(0.5), 0, 1), dtype=np.float32)

    def paint(self, at: Places, inside_mm: Floats, hu: Floats | float, label: int | None = 0) -> None:
        """Lay HU over what is there, inside a signed distance.

        Args:
            hu: One number, or one per voxel of the window.
            label: The organ that this is; 0: none; None: whatever it was stays.
        """
        self.blend(at, self.cover(inside_mm), hu, label)

    def blend(self, at: Places, cover: Floats, hu: Floats | float, label: int | None = 0) -> None:
        """The same with a fraction 0..1."""
        part = self.hu[at.window]
        part += cover * (np.asarray(hu, dtype=np.float32) - part)
        if label is not None:
            self.labels[at.window][cover > 0.5] = label

    def _places(self, window: Window) -> Places:
        x, y, z = (
            self._moved[axis][window] + self._lines[axis][window[2 - axis]].reshape(_along(axis)) for axis in range(3)
        )
        return Places(window, x, y, z)

    def _warp(self, rng: Rng, axis: int) -> Floats:
        """Displacement on the grid, smooth over some centimetres, in atlas mm."""
        values = waves(rng, self.geometry, (WAVE_MM, WAVE_MM, WAVE_MM)) * np.float32(WARP_MM)
        limited = np.clip(values, -2.5 * WARP_MM, 2.5 * WARP_MM) / np.float32(self._scale[axis])
        return np.asarray(limited, dtype=np.float32)


def _line(geometry: Geometry, axis: int) -> Floats:
    count = geometry.shape[2 - axis]
    line = geometry.affine[axis, 3] + geometry.affine[axis, axis] * np.arange(count)
    return np.asarray(line, dtype=np.float32)


def _along(axis: int) -> tuple[int, int, int]:
    return ((1, 1, -1), (1, -1, 1), (-1, 1, 1))[axis]
