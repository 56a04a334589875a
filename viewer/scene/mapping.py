"""From device pixels of a pane to the patient and back: the one place where pictures are flipped and scaled.

Screen coordinates are continuous: pixel (0, 0) covers [0, 1) x [0, 1), x runs right, y runs down.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from inference.result import Point
from inference.volume import Geometry, Volume
from viewer.state.corners import number, point_text
from viewer.state.display import SlicePane
from viewer.state.planes import plane_axes
from viewer.state.view import Plane

Size = tuple[int, int]
Scalar = TypeVar("Scalar", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Probe:
    """What lies under the cursor.

    Attributes:
        value: Voxel value, or None outside the volume, where nothing was measured and in synthetic pictures.
        unit: Its unit.
        lps: Patient position in mm.
        text: "38 HU · R 21.4 A 12.0 S 42.0", ready for the screen.
    """

    value: float | None
    unit: str
    lps: Point
    text: str


@dataclass(frozen=True, slots=True)
class Axis:
    """One screen axis of a slice.

    Attributes:
        voxel_axis: 0 = i, 1 = j, 2 = k.
        count: Voxels along it.
        flipped: The index falls along the screen.
        pixels: Device pixels per voxel.
        start: Screen coordinate of the picture's first edge.
    """

    voxel_axis: int
    count: int
    flipped: bool
    pixels: float
    start: float

    @property
    def stop(self) -> float:
        """Screen coordinate of the picture's last edge."""
        return self.start + self.count * self.pixels

    def index(self, screen: float) -> float:
        """Fractional voxel index (centres are integers) at a screen coordinate."""
        along = (screen - self.start) / self.pixels - 0.5
        return self.count - 1 - along if self.flipped else along

    def screen(self, index: float) -> float:
        """Screen coordinate of a fractional voxel index."""
        along = self.count - 1 - index if self.flipped else index
        return self.start + (along + 0.5) * self.pixels


@dataclass(frozen=True, slots=True)
class View:
    """How a slice lies in a pane."""

    geometry: Geometry
    normal: int
    index: int
    column: Axis
    row: Axis
    pixels_per_mm: float

    def lps(self, x: float, y: float) -> Point:
        """Patient point of a screen point, on the slice."""
        at = np.zeros(3)
        at[self.column.voxel_axis] = self.column.index(x)
        at[self.row.voxel_axis] = self.row.index(y)
        at[self.normal] = self.index
        px, py, pz = (float(value) for value in self.geometry.world_from_index(at))
        return px, py, pz

    def screen(self, point_lps_mm: Point) -> tuple[float, float]:
        """Screen point of a patient point, moved along the slice normal's voxel axis onto the slice."""
        at = self.geometry.index_from_world(point_lps_mm)
        column, row = self.column, self.row
        return column.screen(float(at[column.voxel_axis])), row.screen(float(at[row.voxel_axis]))


def view_of(pane: SlicePane, size: Size) -> View | None:
    """Lay a pane's slice into `size` (width, height) device pixels; None where it has no picture."""
    if pane.volume is None:
        return None
    return lay(pane.volume.geometry, pane.plane, pane.index, size, pane.zoom, pane.pan_mm)


def lay(
    geometry: Geometry,
    plane: Plane,
    index: int,
    size: Size,
    zoom: float = 1.0,
    pan_mm: tuple[float, float] = (0.0, 0.0),
) -> View:
    """Lay a slice into `size` device pixels: at zoom 1 the whole slice just fits, in true proportions in mm."""
    axes = plane_axes(geometry, plane)
    spacing, counts = geometry.spacing_mm, geometry.shape[::-1]
    extent = tuple(spacing[axis] * counts[axis] for axis in (axes.column, axes.row))
    scale = zoom * min(size[0] / extent[0], size[1] / extent[1])
    starts = tuple(size[n] / 2.0 + (pan_mm[n] - extent[n] / 2.0) * scale for n in (0, 1))
    column = Axis(axes.column, counts[axes.column], axes.column_flipped, spacing[axes.column] * scale, starts[0])
    row = Axis(axes.row, counts[axes.row], axes.row_flipped, spacing[axes.row] * scale, starts[1])
    return View(geometry, axes.normal, index, column, row, scale)


def screen_to_lps(pane: SlicePane, size: Size, x: float, y: float) -> Point:
    """Patient point in mm under a screen point; the linked point itself where the pane has no picture.

    Args:
        pane: What is shown.
        size: (width, height) of the pane in device pixels.
        x, y: Device pixels from the pane's top left corner.
    """
    view = view_of(pane, size)
    return pane.position_lps_mm if view is None else view.lps(x, y)


def lps_to_screen(pane: SlicePane, size: Size, point_lps_mm: Point) -> tuple[float, float] | None:
    """Device pixel at which a patient point is drawn, or None where the pane has no picture."""
    view = view_of(pane, size)
    return None if view is None else view.screen(point_lps_mm)


def pixels_per_mm(pane: SlicePane, size: Size) -> float:
    """Device pixels per mm of the patient; 1 where the pane has no picture."""
    view = view_of(pane, size)
    return 1.0 if view is None else view.pixels_per_mm


def probe(pane: SlicePane, size: Size, x: float, y: float) -> Probe:
    """Value of the voxel under the cursor, never interpolated, and where it lies.

    Synthetic pictures have no measured value, so they give none.
    """
    lps = screen_to_lps(pane, size, x, y)
    if pane.volume is None:
        return Probe(None, "", lps, "")
    index = np.floor(pane.volume.geometry.index_from_world(lps) + 0.5).astype(int)
    inside = bool((index >= 0).all() and (index < np.array(pane.volume.geometry.shape[::-1])).all())
    if pane.synthetic:
        return Probe(None, "", lps, f"synthetic · {point_text(lps)}" if inside else "")
    i, j, k = (int(value) for value in index)
    if not pane.volume.geometry.in_mm:
        return Probe(None, "", lps, _pixel_text(pane.volume, i, j) if inside else "")
    if not inside or (pane.volume.valid is not None and not pane.volume.valid[k, j, i]):
        return Probe(None, pane.volume.unit, lps, point_text(lps))
    value = float(pane.volume.voxels[k, j, i])
    return Probe(value, pane.volume.unit, lps, f"{number(value)} {pane.volume.unit}".strip() + f" · {point_text(lps)}")


def _pixel_text(volume: Volume, i: int, j: int) -> str:
    """ "RGB 214 168 190 · pixel 120, 84": places in a picture without a scale are counted, not measured."""
    grey = f"{volume.voxels[0, j, i]:.0f}"
    seen = grey if volume.colour is None else "RGB {} {} {}".format(*volume.colour[0, j, i])
    return f"{seen} · pixel {i}, {j}"


def cut(view: View, voxels: NDArray[Scalar]) -> NDArray[Scalar]:
    """The slice of an array ``[k, j, i]`` as (row axis, column axis), still in voxels and not yet flipped."""
    flat: NDArray[Scalar] = np.take(voxels, view.index, axis=2 - view.normal)
    return flat if view.row.voxel_axis > view.column.voxel_axis else flat.T
