"""The curves of a training run as a picture: loss and held-out loss, the held-out score, the learning rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from engines.training.curves import Point, read_curves
from viewer.scene.capture import save_png
from viewer.scene.text import fitted, ink, width_of
from viewer.scene.theme import Theme, theme
from viewer.state.display import Colour

FINE = 2  # drawn so much larger, then averaged down: smooth lines
WIDTH, LEFT, RIGHT, TOP, GAP, FOOT = 1200, 84, 34, 108, 46, 46
LOSS_HEIGHT, SCORE_HEIGHT, RATE_HEIGHT = 360, 170, 70
LOG_FROM = 12.0
"""Losses that fall by more than this are drawn on a logarithmic axis."""

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Panel:
    """A plot on the sheet: its place in pixels, its range, and whether the axis is logarithmic."""

    top: int
    height: int
    low: float
    high: float
    steps: int
    log: bool = False

    def x(self, step: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (step - 1) / max(1, self.steps - 1)

    def y(self, value: float) -> float:
        low, high, at = (log10(v) if self.log else v for v in (self.low, self.high, max(value, self.low)))
        return self.top + self.height * (1.0 - (min(at, high) - low) / (high - low))

    def ticks(self) -> list[float]:
        """Round values across the range, three to six of them."""
        if self.log:
            powers = range(floor(log10(self.low)), ceil(log10(self.high)) + 1)
            every = [
                m * 10.0**p
                for p in powers
                for m in ((1, 2, 5) if len(powers) < 5 and self.height > 2 * RATE_HEIGHT else (1,))
            ]
            return [v for v in every if self.low <= v <= self.high]
        step = nice((self.high - self.low) / 4)
        return [n * step for n in range(ceil(self.low / step - 1e-9), floor(self.high / step + 1e-9) + 1)]


def save_curves(table: Path, picture: Path, ground: str = "dark") -> None:
    """Draw the curves of a CSV file into a PNG, whole or not at all.

    Raises:
        ExportFailed: The picture cannot be written.
    """
    points = read_curves(table)
    if points:
        save_png(picture, draw_curves(points, table.name.removesuffix(".curves.csv"), ground))


def draw_curves(points: Sequence[Point], name: str, ground: str = "dark") -> NDArray[np.uint8]:
    """The curves of a run as (h, w, 4) uint8; the height follows what there is to show."""
    look, panels = theme(ground), _panels(points)
    height = max(p.top + p.height for p in panels.values()) + FOOT
    image = Image.new("RGB", (WIDTH * FINE, height * FINE), look.panel)
    pen = ImageDraw.Draw(image)
    for panel in panels.values():
        _grid(pen, panel, look)
    _lines(pen, points, panels, look)
    final = image.resize((WIDTH, height), Image.Resampling.LANCZOS)
    _words(final, points, panels, name, look)
    return np.asarray(final.convert("RGBA"))


def nice(value: float) -> float:
    """The round number (1, 2 or 5 times a power of ten) at or above a positive one."""
    power = 10.0 ** floor(log10(value)) if value > 0 else 1.0
    return next(m * power for m in (1, 2, 5, 10) if m * power >= value * (1 - 1e-9))


def _panels(points: Sequence[Point]) -> dict[str, Panel]:
    steps = points[-1].step
    smooth, looks = smoothed(np.array([p.loss for p in points])), [p.look for p in points if p.look is not None]
    every = np.concatenate([smooth, [look.loss for look in looks]])
    low, high = float(every.min()), float(every.max())
    log = low > 0 and high / low > LOG_FROM
    room = (low / 1.3, high * 1.3) if log else (min(0.0, low), high * 1.08 or 1.0)
    panels = {"loss": Panel(TOP, LOSS_HEIGHT, room[0], room[1], steps, log)}
    top = TOP + LOSS_HEIGHT + GAP
    if any(look.score is not None for look in looks):
        panels["score"] = Panel(top, SCORE_HEIGHT, 0.0, 1.0, steps)
        top += SCORE_HEIGHT + GAP
    least = min(p.rate for p in points)
    panels["rate"] = Panel(top, RATE_HEIGHT, max(least / 2, 1e-6), 2.0, steps, log=True)
    return panels


def smoothed(values: Values) -> Values:
    """Running mean over a fiftieth of the run, half of it on each side where there is as much."""
    reach = max(1, len(values) // 100)
    total = np.concatenate([[0.0], np.cumsum(values)])
    at = np.arange(len(values))
    first, end = np.maximum(0, at - reach), np.minimum(len(values), at + reach + 1)
    return np.asarray((total[end] - total[first]) / (end - first))


def _grid(pen: ImageDraw.ImageDraw, panel: Panel, look: Theme) -> None:
    _rectangle(pen, LEFT, panel.top, WIDTH - RIGHT, panel.top + panel.height, look.card)
    for value in panel.ticks():
        _path(pen, [(LEFT, panel.y(value)), (WIDTH - RIGHT, panel.y(value))], _mixed(look.quiet, look.card, 0.25), 1.0)


def _lines(pen: ImageDraw.ImageDraw, points: Sequence[Point], panels: dict[str, Panel], look: Theme) -> None:
    steps, losses = [p.step for p in points], np.array([p.loss for p in points])
    loss, rate = panels["loss"], panels["rate"]
    faint = _mixed(look.accent, look.card, 0.3)
    _path(pen, [(loss.x(s), loss.y(v)) for s, v in zip(steps, losses, strict=True)], faint, 1.0)
    _path(pen, [(loss.x(s), loss.y(v)) for s, v in zip(steps, smoothed(losses), strict=True)], look.accent, 2.2)
    _path(pen, [(rate.x(p.step), rate.y(p.rate)) for p in points], look.quiet, 1.6)
    best = _best(points)
    if best is not None:
        for panel in panels.values():
            _dashes(pen, panel, best.step, look.quiet)
    _looks(pen, loss, [(p.step, p.look.loss) for p in points if p.look is not None], look.labels.box)
    if "score" in panels:
        scores = [(p.step, p.look.score) for p in points if p.look is not None and p.look.score is not None]
        _looks(pen, panels["score"], scores, look.labels.agreement)


def _looks(pen: ImageDraw.ImageDraw, panel: Panel, values: Sequence[tuple[int, float]], colour: Colour) -> None:
    places = [(panel.x(step), panel.y(value)) for step, value in values]
    _path(pen, places, colour, 2.2)
    for x, y in places if len(places) <= 60 else []:
        pen.ellipse([(n + d) * FINE for n, d in ((x, -3), (y, -3), (x, 3), (y, 3))], fill=colour)


def _words(image: Image.Image, points: Sequence[Point], panels: dict[str, Panel], name: str, look: Theme) -> None:
    last = points[-1]
    _write(image, f"{name}: {last.step} steps", 24, 18, 26, look.text, bold=True)
    _write(image, fitted(_note(points), 15, WIDTH - 48), 24, 56, 15, look.quiet)
    _legend(image, look, _best(points) is not None, "score" in panels)
    names = {"loss": "loss", "score": "score at the held-out cases", "rate": "share of the learning rate"}
    for kind, panel in panels.items():
        _write(image, names[kind], LEFT, panel.top - 24, 14, look.quiet)
        for value in panel.ticks():
            said = f"{value:g}"
            _write(image, said, LEFT - 10 - width_of(said, 13), round(panel.y(value)) - 8, 13, look.quiet)
    foot = panels["rate"]
    _write(image, "step", 24, foot.top + foot.height + 10, 13, look.quiet)
    for step in [s for s in Panel(0, 1, 1, max(2, last.step), last.step).ticks() if 1 <= s <= last.step]:
        said = f"{step:g}"
        x = min(round(foot.x(step)) - width_of(said, 13) // 2, WIDTH - 8 - width_of(said, 13))
        _write(image, said, x, foot.top + foot.height + 10, 13, look.quiet)


def _best(points: Sequence[Point]) -> Point | None:
    """The step whose weights are kept."""
    looks = [(p.look.loss, p.step, p) for p in points if p.look is not None]
    return min(looks)[2] if looks else None


def _note(points: Sequence[Point]) -> str:
    best = _best(points)
    if best is None or best.look is None:
        return "Held-out cases were not looked at: the last weights are kept."
    scored = "" if best.look.score is None else f", score {best.look.score:.4f}"
    return (
        f"Best look at the held-out cases: loss {best.look.loss:.4f}{scored} at step {best.step}; its weights are kept."
    )


def _legend(image: Image.Image, look: Theme, looked: bool, scored: bool) -> None:
    entries = [("training loss, smoothed", look.accent)]
    entries += [("held-out loss", look.labels.box)] * looked + [("held-out score", look.labels.agreement)] * scored
    x, pen = WIDTH - RIGHT, ImageDraw.Draw(image)
    for text, colour in reversed(entries):
        x -= width_of(text, 14)
        _write(image, text, x, 24, 14, look.text)
        pen.line((x - 28, 33, x - 8, 33), fill=colour, width=3)
        x -= 46


def _path(pen: ImageDraw.ImageDraw, places: Sequence[tuple[float, float]], colour: Colour, width: float) -> None:
    if len(places) > 1:
        pen.line([(x * FINE, y * FINE) for x, y in places], fill=colour, width=round(width * FINE), joint="curve")


def _dashes(pen: ImageDraw.ImageDraw, panel: Panel, step: int, colour: Colour) -> None:
    x = panel.x(step)
    for y in range(panel.top, panel.top + panel.height, 8):
        _path(pen, [(x, y), (x, min(y + 4, panel.top + panel.height))], colour, 1.0)


def _rectangle(pen: ImageDraw.ImageDraw, x0: float, y0: float, x1: float, y1: float, colour: Colour) -> None:
    pen.rounded_rectangle((x0 * FINE, y0 * FINE, x1 * FINE, y1 * FINE), 6 * FINE, fill=colour)


def _mixed(a: Colour, b: Colour, share: float) -> Colour:
    red, green, blue = (round(share * x + (1 - share) * y) for x, y in zip(a, b, strict=True))
    return red, green, blue


def _write(image: Image.Image, text: str, x: int, y: int, pixels: int, colour: Colour, bold: bool = False) -> None:
    image.paste(colour, (x, y), Image.fromarray(ink(text, pixels, bold)))
