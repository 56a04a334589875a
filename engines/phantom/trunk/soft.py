"""Muscles round the spine, fat in hollows, breasts, arms, and what the patient lies on."""

from __future__ import annotations

import numpy as np

from engines.phantom.noise import Rng
from engines.phantom.shapes import Knot
from engines.phantom.trunk.bones import BONE, on
from engines.phantom.trunk.canvas import Canvas
from engines.phantom.trunk.person import Person
from engines.phantom.trunk.solids import bent, ellipsoid, tube

AIR_BELOW_HU = -200.0
QUADRATUS = ((60.0, 52.0, 130.0, 7.0), (68.0, 50.0, 70.0, 11.0), (74.0, 46.0, 5.0, 12.0))
ILIACUS = ((88.0, 20.0, -5.0, 7.0), (92.0, 2.0, -40.0, 12.0), (84.0, -14.0, -80.0, 12.0))
HOLLOWS = (((30.0, 48.0, -155.0), (17.0, 24.0, 34.0)), ((66.0, -66.0, -140.0), (30.0, 17.0, 44.0)))
"""Centre and radii of the fat beside the rectum and in the groin."""


def paint_muscles(canvas: Canvas, person: Person, rng: Rng) -> None:
    """What stands round the spine inside the room: psoas, quadratus lumborum, iliacus and the back's erectors."""
    hu, big = person.tissues.muscle, float(rng.uniform(0.8, 1.15))
    psoas = [(22, 34, 150, 6), (32, 26, 90, 13 * big), (43, 22, 20, 20 * big),
             (58, 4, -50, 19 * big), (72, -34, -110, 16 * big), (78, -20, -160, 13)]  # fmt: skip
    erector = [(38, 62, -40, 15), (36, 66, 40, 22 * big), (36, 74, 130, 21 * big), (30, 84, 230, 15), (24, 78, 360, 14)]
    for s in (-1, 1):
        for knots, count, less in ((psoas, 12, 0), (QUADRATUS, 6, 2), (erector, 14, 3), (ILIACUS, 6, 0)):
            for at, inside in tube(canvas, bent(on(s, knots), count)):
                canvas.paint(at, inside, hu - less)


def paint_hollows(canvas: Canvas, person: Person, rng: Rng) -> None:
    """Fat beside the rectum and in the groins."""
    for s in (-1, 1):
        big = float(rng.uniform(0.7, 1.3))
        for (x, y, z), (wide, deep, high) in HOLLOWS:
            part = ellipsoid(canvas, (s * x, y, z), (wide * big, deep * big, high))
            if part is not None:
                canvas.paint(*part, person.tissues.fat)


def paint_breasts(canvas: Canvas, person: Person, rng: Rng) -> None:
    """Fat and gland in front of the ribs."""
    if not person.female:
        return
    big, hu = float(rng.uniform(0.6, 1.2)), person.tissues
    for s in (-1, 1):
        centre = (s * 72.0, -92.0 - person.fat_mm[0] * 0.6, 262.0)
        for grow, value in ((1.0, hu.fat), (0.55, float(rng.uniform(-40, 30)))):
            part = ellipsoid(canvas, centre, (58 * big * grow, 36 * big * grow, 52 * big * grow))
            if part is not None:
                free = (canvas.hu[part[0].window] < AIR_BELOW_HU) | (grow < 1.0)
                canvas.blend(part[0], canvas.cover(part[1]) * free, value)


def paint_limbs(canvas: Canvas, person: Person, rng: Rng) -> None:
    """Arms beside the trunk with their bones, or the roots of raised ones."""
    hu, fat = person.tissues, 3 + 0.4 * person.fat_mm[1]
    for s in (-1, 1):
        away = float(rng.uniform(8, 26)) + person.fat_mm[1] * 1.3
        lowered = [(162, 38, 372, 36), (196 + away, 36, 250, 37), (206 + away, 26, 110, 31),
                   (196 + away, -10, -40, 25), (186 + away, -30, -150, 20)]  # fmt: skip
        raised = [(150, 40, 372, 30), (168, 20, 430, 34), (165, 0, 520, 32)]
        way = bent(on(s, raised if person.arms_up else lowered), 14)
        _limb(canvas, [(x, y, z, r + fat) for x, y, z, r in way], hu.fat)
        _limb(canvas, way, hu.muscle)
        _limb(canvas, [(x, y, z, 11.5) for x, y, z, _ in way], hu.cortical, BONE)
        _limb(canvas, [(x, y, z, 6.0) for x, y, z, _ in way], hu.marrow * 0.4, None)


def _limb(canvas: Canvas, way: list[Knot], hu: float, label: int | None = 0) -> None:
    for at, inside in tube(canvas, way):
        canvas.paint(at, inside, hu, label)


def paint_table(canvas: Canvas, person: Person, rng: Rng) -> None:
    """A curved shell with foam inside below the back; only where there is air."""
    at = canvas.everywhere()
    radius, low = float(rng.uniform(300, 700)), 104 + person.fat_mm[2] * 1.35 + float(rng.uniform(2, 14))
    depth = at.y + at.x * at.x / np.float32(2 * radius) - np.float32(low)
    free = (canvas.hu < -700) & (at.side < float(rng.uniform(200, 260)))
    canvas.blend(at, canvas.cover(np.float32(1.6) - np.abs(depth)) * free, float(rng.uniform(-300, 150)), None)
    foam = (depth > 2) & (depth < float(rng.uniform(25, 45))) & free
    canvas.blend(at, foam.astype(np.float32), float(rng.uniform(-985, -900)), None)
