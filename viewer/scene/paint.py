"""Marks on a canvas ``(h, w, 4)`` uint8, always opaque; everything is cut off at its edges."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from viewer.scene import text
from viewer.state.display import Colour

Canvas = NDArray[np.uint8]


def new_canvas(size: tuple[int, int], colour: Colour) -> Canvas:
    """A canvas of (width, height) pixels in one colour."""
    canvas = np.empty((size[1], size[0], 4), dtype=np.uint8)
    canvas.view(np.uint32)[...] = np.array([*colour, 255], dtype=np.uint8).view(np.uint32)
    return canvas


def fill(canvas: Canvas, x0: float, y0: float, x1: float, y1: float, colour: Colour, opacity: float = 1.0) -> None:
    """Paint the pixels of a rectangle, edges rounded to pixels, right and lower edge not included."""
    part = canvas[_span(y0, y1, canvas.shape[0]), _span(x0, x1, canvas.shape[1]), :3]
    if opacity >= 1.0:
        part[...] = colour
    else:
        _mix(part, np.full(part.shape[:2], round(opacity * 255), dtype=np.uint8), colour)


def frame(canvas: Canvas, x0: float, y0: float, x1: float, y1: float, width: int, colour: Colour) -> None:
    """Outline of a rectangle, drawn inside its edges."""
    x0, y0, x1, y1 = (round(edge) for edge in (x0, y0, x1, y1))
    fill(canvas, x0, y0, x1, min(y0 + width, y1), colour)
    fill(canvas, x0, max(y1 - width, y0), x1, y1, colour)
    fill(canvas, x0, y0, min(x0 + width, x1), y1, colour)
    fill(canvas, max(x1 - width, x0), y0, x1, y1, colour)


def stamp(canvas: Canvas, alpha: NDArray[np.uint8], x: int, y: int, colour: Colour) -> None:
    """Blend a coverage map with its top left corner at (x, y)."""
    height, width = canvas.shape[:2]
    left, top = max(x, 0), max(y, 0)
    right, bottom = min(x + alpha.shape[1], width), min(y + alpha.shape[0], height)
    if right > left and bottom > top:
        _mix(canvas[top:bottom, left:right, :3], alpha[top - y : bottom - y, left - x : right - x], colour)


def write(
    canvas: Canvas,
    words: str,
    x: float,
    y: float,
    pixels: float,
    colour: Colour,
    align: float = 0.0,
    bold: bool = False,
    rim: bool = True,
) -> None:
    """One line of text; `align` 0 puts its left edge at x, 0.5 its middle, 1 its right edge; y is the line's top."""
    glyphs = text.ink(words, pixels, bold)
    left, top = round(x - align * glyphs.shape[1]), round(y)
    if rim:
        radius = text.halo_radius(pixels)
        stamp(canvas, text.halo(words, pixels, bold), left - radius, top - radius, (0, 0, 0))
    stamp(canvas, glyphs, left, top, colour)


def tint(part: NDArray[np.uint8], where: NDArray[np.bool_], colour: Colour, opacity: float) -> None:
    """Blend one colour into the pixels of `part` (h, w, 3 or more) where the mask is True."""
    old = part[where][:, :3].astype(np.float32)
    part[where, :3] = (old + (np.array(colour, dtype=np.float32) - old) * opacity + 0.5).astype(np.uint8)


def _mix(part: NDArray[np.uint8], alpha: NDArray[np.uint8], colour: Colour) -> None:
    share = alpha.astype(np.int32)[..., None]
    old = part.astype(np.int32)
    part[...] = old + ((np.array(colour, dtype=np.int32) - old) * share + 127) // 255


def _span(first: float, last: float, limit: int) -> slice:
    return slice(max(round(first), 0), max(min(round(last), limit), 0))
