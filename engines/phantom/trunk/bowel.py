"""The course of stomach, small bowel and colon, drawn anew for every person, and the vessels of their fat."""

from __future__ import annotations

import numpy as np

from engines.phantom.noise import Rng
from engines.phantom.shapes import Knot
from engines.phantom.trunk.canvas import Canvas
from engines.phantom.trunk.gut import FULL, Filling, Stretch, paint_stretch
from engines.phantom.trunk.person import Person
from engines.phantom.trunk.solids import bent, tube
from engines.phantom.trunk.torso import Frame

ASCENDING = (
    (-78.0, -30.0, -38.0, 21.0),
    (-88.0, -18.0, 0.0, 24.0),
    (-96.0, 4.0, 50.0, 22.0),
    (-92.0, -10.0, 92.0, 20.0),
)
ACROSS = ((-92.0, -10.0, 92.0, 18.0), (-60.0, -58.0, 74.0, 19.0), (0.0, -72.0, 62.0, 18.0), (50.0, -62.0, 92.0, 18.0),
          (88.0, -8.0, 150.0, 17.0))  # fmt: skip
DESCENDING = ((88.0, -8.0, 150.0, 15.0), (104.0, 24.0, 104.0, 13.0), (98.0, 22.0, 40.0, 12.0), (92.0, 2.0, -16.0, 12.0))
SIGMOID = ((92.0, 2.0, -16.0, 12.0), (62.0, -18.0, -54.0, 12.0), (18.0, -30.0, -66.0, 14.0), (-16.0, 6.0, -60.0, 14.0),
           (0.0, 36.0, -84.0, 15.0))  # fmt: skip
RECTUM = ((0.0, 36.0, -84.0, 15.0), (0.0, 50.0, -112.0, 18.0), (0.0, 40.0, -150.0, 12.0), (0.0, 46.0, -176.0, 8.0))
COLON = ((ASCENDING, 0.75), (ACROSS, 0.5), (DESCENDING, 0.5), (SIGMOID, 0.45), (RECTUM, 0.5))
"""Courses, and how often each holds stool."""

STOMACH = ((56.0, 22.0, 190.0, 28.0), (66.0, -8.0, 172.0, 34.0), (62.0, -38.0, 140.0, 31.0),
           (34.0, -52.0, 108.0, 23.0), (0.0, -46.0, 106.0, 16.0), (-26.0, -34.0, 112.0, 10.0))  # fmt: skip
DUODENUM = ((-30.0, -32.0, 112.0, 10.0), (-46.0, -10.0, 96.0, 11.0), (-46.0, 0.0, 62.0, 11.0),
            (-20.0, -4.0, 44.0, 10.0), (26.0, -10.0, 54.0, 10.0), (34.0, -24.0, 80.0, 10.0))  # fmt: skip
LOOPS = (16, 36)
LOOPS_LOW, LOOPS_HIGH = (-88.0, -76.0, -105.0), (88.0, 14.0, 100.0)
DRUNK = 0.2
"""How often contrast medium was drunk."""


def paint_gut(canvas: Canvas, frame: Frame, person: Person, rng: Rng) -> None:
    """All of it, from the small bowel outwards."""
    _mesentery(canvas, person, rng)
    bright = rng.random() < DRUNK
    for stretch in [*_loops(person, rng, bright), *_colon(rng), _stomach(person, rng, bright), _duodenum(person, rng)]:
        paint_stretch(canvas, frame, stretch, person.tissues.bowel, rng)


def _loops(person: Person, rng: Rng, bright: bool) -> list[Stretch]:
    """Small bowel: fewer loops where more fat lies between them."""
    found = []
    for _ in range(int(rng.integers(*LOOPS) * (1 - 0.4 * person.visceral))):
        shines = bright and rng.random() < 0.8
        hu = float(rng.uniform(120, 500) if shines else rng.uniform(0, 45))
        found.append(Stretch(tuple(bent(_walk(rng), 18)), 1.8, Filling.FLUID, _level(rng, 0.15), hu))
    return found


def _walk(rng: Rng) -> list[Knot]:
    """Eight knots, each 24 mm from the last, that seldom turn back."""
    place = np.array([rng.uniform(-80, 80), rng.uniform(-76, 0), rng.uniform(-95, 95)])
    heading, radius = rng.normal(0, 1, 3), float(rng.uniform(8, 15))
    knots: list[Knot] = []
    for _ in range(8):
        heading = 0.55 * heading + rng.normal(0, 1, 3) * (1.0, 0.8, 0.8)
        heading /= np.linalg.norm(heading)
        place = np.clip(place + heading * 24, LOOPS_LOW, LOOPS_HIGH)
        knots.append((float(place[0]), float(place[1]), float(place[2]), radius * float(rng.uniform(0.8, 1.25))))
    return knots


def _level(rng: Rng, gassy: float) -> float:
    return float(rng.uniform(0.1, 0.8)) if rng.random() < gassy else FULL


def _colon(rng: Rng) -> list[Stretch]:
    """Five parts that go on from each other, with haustra; the transverse one may sag into the pelvis."""
    sag, found = float(rng.uniform(-60, 50)), []
    joint: Knot | None = None
    for way, stool in COLON:
        knots = [_moved(knot, rng, sag if way is ACROSS and 0 < n < 4 else 0.0) for n, knot in enumerate(way)]
        knots[0] = joint or knots[0]
        joint = knots[-1]
        fine = bent(knots, 16)
        wavy = tuple((x, y, z, r * (1 + 0.16 * float(np.sin(n * 1.9)))) for n, (x, y, z, r) in enumerate(fine))
        wall, hu = float(rng.uniform(1.5, 3)), float(rng.uniform(0, 60))
        if rng.random() < stool:
            found.append(Stretch(wavy, wall, Filling.STOOL, _level(rng, 0.45), hu))
        else:
            level = float(rng.uniform(0, 0.35)) if rng.random() < 0.5 else _level(rng, 0.45)
            found.append(Stretch(wavy, wall, Filling.FLUID, level, hu))
    return found


def _moved(knot: Knot, rng: Rng, sag: float) -> Knot:
    dx, dy, dz = (float(d) for d in rng.normal(0, 1, 3))
    x, y, z, radius = knot
    return (x + 7 * dx, y + 7 * dy, z + 12 * dz + sag, radius * float(rng.uniform(0.7, 1.4)))


def _stomach(person: Person, rng: Rng, bright: bool) -> Stretch:
    low, big = person.breath_mm * 0.8, float(rng.uniform(0.55, 1.1))
    knots = [(x, y, z - low, r * big if n < 5 else r) for n, (x, y, z, r) in enumerate(STOMACH)]
    hu = float(rng.uniform(120, 450) if bright else rng.uniform(0, 60))
    meal = Filling.STOOL if rng.random() < 0.3 else Filling.FLUID
    return Stretch(tuple(bent(knots, 18)), float(rng.uniform(3, 6)), meal, float(rng.uniform(0.25, 0.95)), hu)


def _duodenum(person: Person, rng: Rng) -> Stretch:
    low = person.breath_mm * 0.6
    knots = [(x, y, z - low if z > 60 else z, r) for x, y, z, r in DUODENUM]
    return Stretch(tuple(bent(knots, 14)), 2.0, Filling.FLUID, _level(rng, 0.2), float(rng.uniform(5, 40)))


def _mesentery(canvas: Canvas, person: Person, rng: Rng) -> None:
    """Small vessels and nodes in the fat."""
    for _ in range(40):
        x, y, z = (float(rng.uniform(low, high)) for low, high in ((-85, 85), (-70, -10), (-70, 90)))
        way = bent([(2.0, -14.0, 62.0, 2.6), (x / 2, -30.0, (62 + z) / 2, 2.0), (x, y, z, 1.2)], 6)
        for at, inside in tube(canvas, way):
            canvas.paint(at, inside, person.tissues.veins)
