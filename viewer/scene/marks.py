"""What AI says, drawn over a slice: masks with their true voxel outline, boxes with their label."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inference.result import Box
from inference.volume import Labels
from viewer.scene import paint, text
from viewer.scene.mapping import View, cut
from viewer.scene.sampling import Span, span, strongest
from viewer.state.display import Colour, MaskLayer
from viewer.state.palette import palette

_HATCH_PERIOD = 7
_HATCH_OPACITY = 0.9
_CHIP_TEXT: Colour = (26, 18, 2)


def draw_mask(canvas: paint.Canvas, layer: MaskLayer, view: View, scale: float) -> None:
    """Fill, hatch and outline of one mask. The outline follows voxel edges, unsmoothed."""
    flat = cut(view, layer.mask.labels)
    rows = _used(np.any(flat, axis=1), span(view.row, canvas.shape[0]))
    columns = _used(np.any(flat, axis=0), span(view.column, canvas.shape[1]))
    if rows.empty or columns.empty:
        return
    labels = strongest(flat, rows, columns)
    part = canvas[rows.first : rows.last, columns.first : columns.last]
    edge = _inner_edge(labels, max(1, round(scale)))
    for label, colour in layer.colours:
        where = labels == label
        paint.tint(part, where & ~edge, colour, layer.opacity)
        if label in layer.hatched:
            stripes = _stripes(rows, columns, layer.hatched.index(label) % 2 == 1, scale)
            paint.tint(part, where & stripes, colour, _HATCH_OPACITY)
        paint.tint(part, where & edge, colour, 1.0)


def draw_boxes(
    canvas: paint.Canvas, boxes: tuple[Box, ...], view: View, scale: float, kinds: tuple[str, ...] = ()
) -> None:
    """Frames whose outer edge is the box's edge, each with a chip such as "IPH 0.81"."""
    for box in boxes:
        colour = palette().kind(box.label, kinds)
        ends = ((box.i0, box.i1), (box.j0, box.j1))
        x0, x1 = sorted(view.column.screen(end) for end in ends[view.column.voxel_axis])
        y0, y1 = sorted(view.row.screen(end) for end in ends[view.row.voxel_axis])
        paint.frame(canvas, x0, y0, x1, y1, max(1, round(1.6 * scale)), colour)
        _chip(canvas, f"{box.label} {box.score:.2f}", (x0, y0, y1), scale, colour)


def _chip(canvas: paint.Canvas, words: str, place: tuple[float, float, float], scale: float, colour: Colour) -> None:
    """Above the box; below it where there is no room above; never outside the pane."""
    (x, top, bottom), pixels = place, 11.0 * scale
    glyphs = text.ink(words, pixels, True)
    height, width = glyphs.shape[0] + round(2 * scale), glyphs.shape[1] + round(10 * scale)
    left = min(max(round(x), 0), max(canvas.shape[1] - width, 0))
    y = round(top) - height if round(top) >= height else min(round(bottom), canvas.shape[0] - height)
    paint.fill(canvas, left, y, left + width, y + height, colour)
    paint.write(canvas, words, left + 5 * scale, y + scale, pixels, _CHIP_TEXT, bold=True, rim=False)


def _used(occupied: NDArray[np.bool_], whole: Span) -> Span:
    """The part of a span that holds anything, a pixel wider on both sides so that edges are seen."""
    found = np.flatnonzero(occupied)
    if not found.size:
        return Span(whole.axis, 0, 0)
    ends = sorted(whole.axis.screen(edge) for edge in (found[0] - 0.5, found[-1] + 0.5))
    first = max(whole.first, int(np.floor(ends[0])) - 1)
    return Span(whole.axis, first, max(first, min(whole.last, int(np.ceil(ends[-1])) + 1)))


def _inner_edge(labels: Labels, width: int) -> NDArray[np.bool_]:
    """Pixels of a label with another label, or none, at most `width` pixels away along an axis."""
    edge = np.zeros(labels.shape, dtype=bool)
    for step in range(1, width + 1):
        for axis in (0, 1):
            here = np.moveaxis(labels, axis, 0)
            differs = here[step:] != here[:-step]
            marked = np.moveaxis(edge, axis, 0)
            marked[step:] |= differs
            marked[:-step] |= differs
    return edge & (labels > 0)


def _stripes(rows: Span, columns: Span, falling: bool, scale: float) -> NDArray[np.bool_]:
    """Diagonal lines fixed to the screen: rising for the first hatched label, falling for the second."""
    y = np.arange(rows.first, rows.last)[:, None]
    x = np.arange(columns.first, columns.last)[None, :]
    period = max(4, round(_HATCH_PERIOD * scale))
    stripes: NDArray[np.bool_] = (x - y if falling else x + y) % period < max(1, round(1.5 * scale))
    return stripes
