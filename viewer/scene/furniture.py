"""Everything around a picture: letters, corner text, scale bar, lines, frames and the words that must stand there."""

from __future__ import annotations

import numpy as np

from viewer.scene import paint, text
from viewer.scene.mapping import View
from viewer.scene.theme import Theme
from viewer.state.display import CornerText, SurfacePane

SYNTHETIC_WORDS = "SYNTHETIC - NOT ACQUIRED"
FOOT_WORDS = "Not for diagnostic use"

_TEXT = 12.5
_LETTER = 14.0
_SMALL = 10.5
_MARGIN = 10.0
_LEADING = 1.28
_GAP = 9.0
_OBLIQUE_COSINE = 0.2
_LETTERS = (("L", "R"), ("P", "A"), ("S", "I"))
_NICE_MM = tuple(base * 10.0**power for power in range(-1, 4) for base in (1, 2, 5))


def letters(view: View) -> tuple[str, str, str, str]:
    """Where (left, right, top, bottom) of the screen look in the patient; two or three letters where oblique."""
    direction = view.geometry.direction
    right = direction[:, view.column.voxel_axis] * (-1.0 if view.column.flipped else 1.0)
    down = direction[:, view.row.voxel_axis] * (-1.0 if view.row.flipped else 1.0)
    return _toward(-right), _toward(right), _toward(-down), _toward(down)


def _toward(direction: np.ndarray[tuple[int], np.dtype[np.float64]]) -> str:
    order = sorted(range(3), key=lambda axis: -abs(float(direction[axis])))
    seen = [axis for axis in order if abs(float(direction[axis])) > _OBLIQUE_COSINE]
    return "".join(_LETTERS[axis][int(direction[axis] < 0)] for axis in seen)


def draw_letters(canvas: paint.Canvas, view: View, theme: Theme, scale: float) -> None:
    """Orientation letters in the middle of the four edges."""
    height, width = canvas.shape[:2]
    pixels, margin = _LETTER * scale, _MARGIN * scale
    tall = text.ink("A", pixels, True).shape[0]
    left, right, top, bottom = letters(view)
    middle = (height - tall) / 2
    paint.write(canvas, left, margin, middle, pixels, theme.letters, bold=True)
    paint.write(canvas, right, width - margin, middle, pixels, theme.letters, 1.0, bold=True)
    paint.write(canvas, top, width / 2, 0.6 * margin, pixels, theme.letters, 0.5, bold=True)
    foot = height - _foot_height(scale) - tall
    paint.write(canvas, bottom, width / 2, foot, pixels, theme.letters, 0.5, bold=True)


def draw_corners(canvas: paint.Canvas, corners: CornerText, lift: float, theme: Theme, scale: float) -> None:
    """Corner text; `lift` pixels are left free below the lower left block for the scale bar."""
    height, width = canvas.shape[:2]
    pixels, margin = _TEXT * scale, _MARGIN * scale
    leading = pixels * _LEADING
    blocks = (
        (corners.top_left, margin, 0.8 * margin, 0.0, 0.60),
        (corners.top_right, width - margin, 0.8 * margin, 1.0, 0.36),
        (corners.bottom_left, margin, height - margin - lift - leading * len(corners.bottom_left), 0.0, 0.36),
        (corners.bottom_right, width - margin, height - margin - leading * len(corners.bottom_right), 1.0, 0.60),
    )
    for lines, x, y, align, share in blocks:
        for number, line in enumerate(lines):
            words = text.fitted(line, pixels, int(width * share))
            paint.write(canvas, words, x, y + number * leading, pixels, theme.text, align)


def draw_scale_bar(canvas: paint.Canvas, pixels_per_mm: float, theme: Theme, scale: float) -> float:
    """A bar of a round length in mm at the lower left; returns the height it takes, 0 where none fits."""
    height, width = canvas.shape[:2]
    fitting = [length for length in _NICE_MM if length * pixels_per_mm <= 0.22 * width]
    if not fitting or fitting[-1] * pixels_per_mm < 8 * scale:
        return 0.0
    length, thick, margin = fitting[-1], max(1, round(1.5 * scale)), _MARGIN * scale
    pixels = _TEXT * scale
    tall = text.ink("0", pixels).shape[0]
    end, y = margin + length * pixels_per_mm, height - margin - tall / 2
    paint.fill(canvas, margin - 1, y - thick, end + 1, y + 2 * thick, (0, 0, 0), 0.6)
    paint.fill(canvas, margin, y, end, y + thick, theme.text)
    for x in (margin, end - thick):
        paint.fill(canvas, x, y - 2 * thick, x + thick, y + 3 * thick, theme.text)
    paint.write(canvas, f"{length:g} mm", end + 6 * scale, height - margin - tall, pixels, theme.text)
    return float(tall + 4 * scale)


def draw_crosshair(canvas: paint.Canvas, x: float, y: float, theme: Theme, scale: float) -> None:
    """Thin lines through a point, open around it so that they never hide what they point at."""
    height, width = canvas.shape[:2]
    thin, gap = max(1, round(scale)), _GAP * scale
    left, top = np.floor(x - (thin - 1) / 2), np.floor(y - (thin - 1) / 2)
    for x0, y0, x1, y1 in (
        (0, top, x - gap, top + thin),
        (x + gap, top, width, top + thin),
        (left, 0, left + thin, y - gap),
        (left, y + gap, left + thin, height),
    ):
        paint.fill(canvas, x0, y0, x1, y1, theme.crosshair, 0.6)


def draw_foot(canvas: paint.Canvas, theme: Theme, scale: float) -> None:
    """ "Not for diagnostic use", on every pane and so in every capture."""
    y = canvas.shape[0] - _foot_height(scale)
    paint.write(canvas, FOOT_WORDS, canvas.shape[1] / 2, y, _SMALL * scale, theme.quiet, 0.5)


def draw_synthetic(canvas: paint.Canvas, theme: Theme, scale: float) -> None:
    """Violet frame and the words in the picture itself; no state of the annotations takes them away."""
    height, width = canvas.shape[:2]
    paint.frame(canvas, 0, 0, width, height, max(2, round(3 * scale)), theme.synthetic)
    pixels = 12.0 * scale
    while pixels > 6 and text.width_of(SYNTHETIC_WORDS, pixels, True) > 0.9 * width:
        pixels -= 1
    glyphs = text.ink(SYNTHETIC_WORDS, pixels, True)
    pad = round(8 * scale)
    y = height - _foot_height(scale) - 2.2 * _LETTER * scale - glyphs.shape[0]
    half = glyphs.shape[1] / 2 + pad
    paint.fill(
        canvas, width / 2 - half, y - pad / 2, width / 2 + half, y + glyphs.shape[0] + pad / 2, (24, 10, 48), 0.82
    )
    paint.write(canvas, SYNTHETIC_WORDS, width / 2, y, pixels, theme.synthetic, 0.5, bold=True, rim=False)


def draw_active(canvas: paint.Canvas, theme: Theme, scale: float, inset: int) -> None:
    """Frame of the pane that keys act on, inside another frame where there is one."""
    height, width = canvas.shape[:2]
    paint.frame(canvas, inset, inset, width - inset, height - inset, max(1, round(2 * scale)), theme.accent)


def draw_message(canvas: paint.Canvas, message: str, theme: Theme, scale: float) -> None:
    """One sentence in the middle, broken into lines."""
    height, width = canvas.shape[:2]
    pixels = 14.0 * scale
    lines = text.wrapped(message, pixels, int(0.7 * width))
    leading = pixels * 1.4
    for number, line in enumerate(lines):
        y = height / 2 + (number - len(lines) / 2) * leading
        paint.write(canvas, line, width / 2, y, pixels, theme.quiet, 0.5, rim=False)


def _foot_height(scale: float) -> float:
    return (_SMALL + 8.0) * scale


def draw_surface_words(canvas: paint.Canvas, pane: SurfacePane, theme: Theme, scale: float) -> None:
    """All words and frames of the 3D pane."""
    if pane.message:
        draw_message(canvas, pane.message, theme, scale)
    draw_corners(canvas, pane.corners, 0.0, theme, scale)
    draw_foot(canvas, theme, scale)
    if pane.active:
        draw_active(canvas, theme, scale, 0)
