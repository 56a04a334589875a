"""Painting stretches of gut: a wall, and in it fluid, stool, contrast medium or gas that floats to the front."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

import numpy as np

from engines.phantom.noise import Rng
from engines.phantom.shapes import Knot
from engines.phantom.trunk.canvas import Canvas, Places
from engines.phantom.trunk.solids import tube
from engines.phantom.trunk.torso import Frame
from inference.volume import Floats

GAS_HU = -980.0
FULL = 1.0


class Filling(Enum):
    """What a stretch of gut holds beside gas."""

    FLUID = "fluid"
    STOOL = "stool"


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of gut.

    Attributes:
        knots: Its course.
        wall_mm: Thickness of its wall.
        level: Share of its height that is filled; above floats gas.
        hu: Of the filling.
    """

    knots: tuple[Knot, ...]
    wall_mm: float
    filling: Filling
    level: float
    hu: float


def paint_stretch(canvas: Canvas, frame: Frame, stretch: Stretch, wall_hu: float, rng: Rng) -> None:
    """All of the wall first, so that the gut is one room."""
    parts = [
        (at, np.minimum(inside, _free(frame, at)), ends)
        for ends in pairwise(stretch.knots)
        for at, inside in tube(canvas, ends)
    ]
    for at, inside, _ in parts:
        canvas.paint(at, inside, wall_hu)
    for at, inside, ends in parts:
        canvas.paint(at, inside - np.float32(stretch.wall_mm), _content(at, stretch, ends, rng))


def _free(frame: Frame, at: Places) -> Floats:
    """Depth within the room or below diaphragm and ribs."""
    return np.asarray(np.maximum(frame.room[at.window] - 2, frame.lining[at.window] - 5), dtype=np.float32)


def _content(at: Places, stretch: Stretch, ends: tuple[Knot, Knot], rng: Rng) -> Floats:
    middle, radius = (ends[0][1] + ends[1][1]) / 2, max(ends[0][3], ends[1][3])
    content = np.full(at.x.shape, np.float32(stretch.hu), dtype=np.float32)
    if stretch.filling is Filling.STOOL:
        noise = rng.standard_normal(at.x.shape, dtype=np.float32)
        content += 25 * noise - np.where(noise > 0.9, np.float32(rng.uniform(200, 750)), np.float32(0))
    if stretch.level < FULL:
        surface = np.float32(middle + radius - 2 * radius * stretch.level)
        content += (np.float32(GAS_HU) - content) * np.clip((surface - at.y) / 2, 0, 1)
    return content
