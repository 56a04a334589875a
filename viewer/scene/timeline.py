"""A timeline as a picture: lanes as rows, a colour for each model, idle time at the end of each row."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from inference.schedule.search import Schedule
from viewer.scene.capture import save_png
from viewer.scene.text import fitted, ink, width_of
from viewer.scene.theme import Theme, theme
from viewer.state.display import Colour
from viewer.state.timeline import Bar, Chart, chart_of_schedule, ticks, time_text

FINE = 2  # drawn so much larger, then averaged down: smooth borders
LEFT, RIGHT, TOP, LANE, GAP, FOOT = 132, 128, 128, 56, 18, 84
LIGHT_SUM = 400


@dataclass(frozen=True, slots=True)
class _Sheet:
    """Canvas and where things lie on it, in pixels of the finished picture."""

    image: Image.Image
    look: Theme
    chart: Chart
    width: int

    def x(self, seconds: float) -> float:
        room = self.width - LEFT - RIGHT
        return LEFT + room * seconds / self.chart.length_s if self.chart.length_s > 0 else LEFT

    def top(self, lane: int) -> int:
        return TOP + lane * (LANE + GAP)

    @property
    def bottom(self) -> int:
        return self.top(len(self.chart.lanes)) - GAP


def drawn(found: Schedule, width: int = 1600, ground: str = "dark") -> NDArray[np.uint8]:
    """A plan as (h, w, 4) uint8."""
    return draw(chart_of_schedule(found), width, ground)


def draw(chart: Chart, width: int = 1600, ground: str = "dark") -> NDArray[np.uint8]:
    """A chart as (h, w, 4) uint8; the height follows the number of lanes."""
    look = theme(ground)
    height = TOP + max(1, len(chart.lanes)) * (LANE + GAP) - GAP + FOOT
    sheet = _Sheet(Image.new("RGB", (width * FINE, height * FINE), look.panel), look, chart, width)
    _shapes(sheet)
    image = sheet.image.resize((width, height), Image.Resampling.LANCZOS)
    final = _Sheet(image, look, chart, width)
    _words(final)
    return np.asarray(final.image.convert("RGBA"))


def save(picture: NDArray[np.uint8], path: Path) -> None:
    """Write a PNG, whole or not at all. Raises ExportFailed."""
    save_png(path, picture)


def model_colours(models: tuple[str, ...], look: Theme) -> dict[str, Colour]:
    """A colour for each model, repeated when there are more models than colours."""
    colours = (look.accent, look.labels.box, look.synthetic, look.labels.agreement, *look.labels.lesions)
    return {model: colours[i % len(colours)] for i, model in enumerate(models)}


def on_colour(colour: Colour) -> Colour:
    """Black or white, whichever can be read on a colour."""
    return (16, 18, 22) if sum(colour) > LIGHT_SUM else (255, 255, 255)


def _shapes(sheet: _Sheet) -> None:
    pen = ImageDraw.Draw(sheet.image)
    chart, look = sheet.chart, sheet.look
    for lane in range(len(chart.lanes)):
        _box(pen, sheet.x(0), sheet.top(lane), sheet.x(chart.length_s), sheet.top(lane) + LANE, look.card, 6)
    for at in ticks(chart.length_s):
        _line(pen, sheet.x(at), TOP - 8, sheet.bottom + 8, look.line)
    colours = model_colours(chart.models, look)
    for bar in chart.bars:
        _bar(pen, sheet, bar, colours[bar.model])
    for at in chart.marks_s:
        _dashes(pen, sheet.x(at), TOP - 14, sheet.bottom + 14, look.quiet)
    x = float(LEFT)
    for model in chart.models:
        _box(pen, x, sheet.bottom + 51, x + 14, sheet.bottom + 65, colours[model], 4)
        x += 14 + 9 + width_of(model, 15) + 28


def _bar(pen: ImageDraw.ImageDraw, sheet: _Sheet, bar: Bar, colour: Colour) -> None:
    left, right = sheet.x(bar.start_s) + 0.75, sheet.x(bar.end_s) - 0.75
    top = sheet.top(bar.lane)
    _box(pen, left, top, max(right, left + 1.5), top + LANE, colour, 6)


def _words(sheet: _Sheet) -> None:
    chart, look = sheet.chart, sheet.look
    _write(sheet, chart.title, 24, 20, 26, look.text, bold=True)
    for number, note in enumerate(chart.notes):
        _write(sheet, fitted(note, 15, sheet.width - 48), 24, 58 + 23 * number, 15, look.quiet)
    for lane, name in enumerate(chart.lanes):
        middle = sheet.top(lane) + LANE // 2
        _write(sheet, fitted(name, 17, LEFT - 40), 24, middle - 11, 17, look.text, bold=True)
        idle = f"idle {chart.idle_percent[lane]:.1f} %"
        _write(sheet, idle, sheet.width - 24 - width_of(idle, 16), middle - 10, 16, look.quiet)
    colours = model_colours(chart.models, look)
    for bar in chart.bars:
        _bar_words(sheet, bar, on_colour(colours[bar.model]))
    for at in ticks(chart.length_s):
        said = time_text(at) if at else "0"
        _write(sheet, said, round(sheet.x(at)) - width_of(said, 14) // 2, sheet.bottom + 14, 14, look.quiet)
    x = LEFT
    for model in chart.models:
        _write(sheet, model, x + 23, sheet.bottom + 48, 15, look.text)
        x += 14 + 9 + width_of(model, 15) + 28


def _bar_words(sheet: _Sheet, bar: Bar, colour: Colour) -> None:
    room = round(sheet.x(bar.end_s) - sheet.x(bar.start_s)) - 20
    both = f"{bar.model}  {bar.words}".rstrip()
    said = next((text for text in (both, bar.words, bar.model) if text and width_of(text, 15) <= room), "")
    if said:
        left = round(sheet.x(bar.start_s)) + 10
        _write(sheet, said, left, sheet.top(bar.lane) + LANE // 2 - 10, 15, colour)


def _write(sheet: _Sheet, text: str, x: int, y: int, pixels: int, colour: Colour, bold: bool = False) -> None:
    coverage = Image.fromarray(ink(text, pixels, bold))
    sheet.image.paste(colour, (x, y), coverage)


def _box(pen: ImageDraw.ImageDraw, x0: float, y0: float, x1: float, y1: float, colour: Colour, round_px: int) -> None:
    radius = min(round_px, (x1 - x0) / 2) * FINE
    pen.rounded_rectangle((x0 * FINE, y0 * FINE, x1 * FINE, y1 * FINE), radius, fill=colour)


def _line(pen: ImageDraw.ImageDraw, x: float, y0: float, y1: float, colour: Colour) -> None:
    pen.line((x * FINE, y0 * FINE, x * FINE, y1 * FINE), fill=colour, width=FINE)


def _dashes(pen: ImageDraw.ImageDraw, x: float, y0: float, y1: float, colour: Colour) -> None:
    for y in range(round(y0), round(y1), 8):
        _line(pen, x, y, min(y + 4, y1), colour)
