"""The exact picture of a slice pane at device pixels, in numpy: the same on the screen, in a capture and in a test."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inference.volume import Colours, Floats, Volume
from viewer.scene import furniture, marks, paint
from viewer.scene.mapping import View, cut, view_of
from viewer.scene.sampling import Span, bilinear, nearest, span
from viewer.scene.theme import Theme, theme
from viewer.state.display import SlicePane
from viewer.state.view import Window

_GREYS = np.stack([np.arange(256, dtype=np.uint8)] * 3 + [np.full(256, 255, dtype=np.uint8)], axis=1)
_GREY_PIXELS = np.ascontiguousarray(_GREYS).view(np.uint32).reshape(-1)


def compose(pane: SlicePane, size: tuple[int, int], scale: float = 1.0) -> NDArray[np.uint8]:
    """Draw a pane.

    Args:
        pane: What is true.
        size: (width, height) in device pixels.
        scale: Device pixels per logical pixel; text and lines grow with it.

    Returns:
        (height, width, 4) uint8 RGBA, opaque.
    """
    look = theme()
    canvas = paint.new_canvas(size, look.picture)
    view = view_of(pane, size)
    if view is None:
        furniture.draw_message(canvas, pane.message, look, scale)
    else:
        _draw_picture(canvas, pane, view)
        _draw_over(canvas, pane, view, look, scale)
    furniture.draw_foot(canvas, look, scale)
    _draw_frames(canvas, pane, look, scale)
    return canvas


def grey(values: Floats, window: Window, inverted: bool = False) -> NDArray[np.uint8]:
    """Window values to 0..255 (DICOM PS3.3 C.11.2.1.3.2, LINEAR_EXACT), rounded to the nearest grey.

    Values that are not numbers become 0.
    """
    factor = np.float32(255.0 / window.width)
    offset = np.float32(127.5 + 0.5 - window.level * 255.0 / window.width)
    scaled = values * factor
    scaled += offset
    np.clip(scaled, 0.0, 255.0, out=scaled)
    with np.errstate(invalid="ignore"):
        greys = scaled.astype(np.uint8)
    return np.subtract(255, greys, out=greys) if inverted else greys


def _draw_picture(canvas: paint.Canvas, pane: SlicePane, view: View) -> None:
    if pane.volume is not None:
        draw_slice(canvas, pane.volume, view, pane.window, pane.inverted)


def draw_slice(canvas: paint.Canvas, volume: Volume, view: View, window: Window, inverted: bool = False) -> None:
    """The slice alone; what was not measured or is no number stays plain ground."""
    rows, columns = span(view.row, canvas.shape[0]), span(view.column, canvas.shape[1])
    if rows.empty or columns.empty:
        return
    if volume.colour is not None:
        _draw_colour(canvas[rows.first : rows.last, columns.first : columns.last], volume.colour, view, rows, columns)
        return
    values = bilinear(cut(view, volume.voxels), rows, columns)
    part = canvas.view(np.uint32)[rows.first : rows.last, columns.first : columns.last, 0]
    measured = np.isfinite(values) if not np.isfinite(values.sum(dtype=np.float64)) else None
    if volume.valid is not None and not (valid := cut(view, volume.valid)).all():
        shown = nearest(valid, rows, columns)
        measured = shown if measured is None else measured & shown
    pixels = _GREY_PIXELS[grey(values, window, inverted)]
    if measured is None:
        part[...] = pixels
    else:
        np.copyto(part, pixels, where=measured)


def _draw_colour(part: paint.Canvas, colour: Colours, view: View, rows: Span, columns: Span) -> None:
    """Colours as they are: they have no window."""
    for number in range(3):
        shown = bilinear(cut(view, colour[..., number]).astype(np.float32), rows, columns)
        part[..., number] = np.rint(shown).astype(np.uint8)


def _draw_over(canvas: paint.Canvas, pane: SlicePane, view: View, look: Theme, scale: float) -> None:
    for layer in pane.layers:
        marks.draw_mask(canvas, layer, view, scale)
    if pane.crosshair:
        furniture.draw_crosshair(canvas, *view.screen(pane.position_lps_mm), look, scale)
    lift = 0.0
    if view.geometry.in_mm:
        furniture.draw_letters(canvas, view, look, scale)
        lift = furniture.draw_scale_bar(canvas, view.pixels_per_mm, look, scale)
    furniture.draw_corners(canvas, pane.corners, lift, look, scale)
    marks.draw_boxes(canvas, pane.boxes, view, scale, pane.kinds)


def _draw_frames(canvas: paint.Canvas, pane: SlicePane, look: Theme, scale: float) -> None:
    if pane.synthetic and pane.volume is not None:
        furniture.draw_synthetic(canvas, look, scale)
    if pane.active:
        inset = max(2, round(3 * scale)) if pane.synthetic and pane.volume is not None else 0
        furniture.draw_active(canvas, look, scale, inset)
