"""Pictures on disk, and small ones for lists."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inference.volume import Volume
from viewer.scene import furniture, paint
from viewer.scene.mapping import lay
from viewer.scene.slice2d import draw_slice
from viewer.scene.theme import theme
from viewer.state.planes import slice_count
from viewer.state.view import Plane, Window
from viewer.state.windows import default_window
from viewer.whole_file import write_whole

_PLANES = (Plane.SAGITTAL, Plane.CORONAL, Plane.AXIAL)


def save_png(path: Path, rgba: NDArray[np.uint8]) -> None:
    """Write a picture so that `path` holds either all of it or what it held before.

    Args:
        path: Where to.
        rgba: (h, w, 4) uint8.

    Raises:
        ExportFailed: The folder cannot be written or the disk is full; nothing is left behind.
    """

    def write(partial: Path) -> None:
        Image.fromarray(np.ascontiguousarray(rgba)).save(partial, format="PNG", compress_level=4)

    write_whole(path, write)


def thumbnail(volume: Volume, size: tuple[int, int], window: Window | None = None) -> NDArray[np.uint8]:
    """The middle slice, across the axis with the thickest slices, without words.

    Args:
        volume: Voxels; a synthetic one gets its violet frame here too.
        size: (width, height) in device pixels.
        window: None for the volume's default.

    Returns:
        (height, width, 4) uint8 RGBA.
    """
    look = theme()
    canvas = paint.new_canvas(size, look.picture)
    plane = _thickest(volume)
    view = lay(volume.geometry, plane, slice_count(volume.geometry, plane) // 2, size)
    draw_slice(canvas, volume, view, window or default_window(volume, None).window)
    if volume.synthetic:
        furniture.draw_synthetic(canvas, look, min(size) / 160.0)
    return canvas


def _thickest(volume: Volume) -> Plane:
    """The plane with the fewest slices per mm; axial among equals."""
    return max(_PLANES, key=lambda plane: (round(_spacing(volume, plane), 2), plane is Plane.AXIAL))


def _spacing(volume: Volume, plane: Plane) -> float:
    normal = lay(volume.geometry, plane, 0, (1, 1)).normal
    return volume.geometry.spacing_mm[normal]
