"""Diaphragm, lungs with their vessels, heart and what lies between the lungs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engines.phantom.noise import Rng
from engines.phantom.shapes import Knot
from engines.phantom.trunk.bones import on
from engines.phantom.trunk.canvas import Canvas
from engines.phantom.trunk.person import Person
from engines.phantom.trunk.solids import bent, ellipsoid, profile, tube
from engines.phantom.trunk.torso import SPINE_Y, Frame
from engines.phantom.trunk.waves import waves
from inference.volume import Floats

LUNGS = 3
AORTA = ((8.0, -40.0, 275.0, 15.0), (-14.0, -52.0, 310.0, 15.0), (2.0, -34.0, 344.0, 14.0), (20.0, 4.0, 346.0, 13.0),
         (24.0, 26.0, 320.0, 12.0), (23.0, 26.0, 250.0, 11.5), (16.0, 18.0, 180.0, 10.5), (10.0, 6.0, 120.0, 9.5),
         (8.0, -4.0, 60.0, 9.0), (4.0, -4.0, 16.0, 8.0))  # fmt: skip
CAVA = ((-22.0, -6.0, 16.0, 10.0), (-22.0, -6.0, 60.0, 11.0), (-24.0, 0.0, 120.0, 11.5), (-26.0, -6.0, 190.0, 12.5),
        (-30.0, -18.0, 228.0, 12.0))  # fmt: skip
UPPER_CAVA = ((-28.0, -28.0, 270.0, 11.0), (-30.0, -32.0, 320.0, 10.0), (-22.0, -34.0, 360.0, 8.0),
              (24.0, -46.0, 366.0, 6.0), (60.0, -46.0, 376.0, 5.0))  # fmt: skip
LUNG_ARTERY = (
    (14.0, -52.0, 262.0, 13.0),
    (20.0, -42.0, 292.0, 14.0),
    (6.0, -20.0, 298.0, 12.0),
    (-34.0, -6.0, 284.0, 9.0),
)
LUNG_ARTERY_LEFT = ((20.0, -42.0, 292.0, 13.0), (40.0, -10.0, 292.0, 9.0))
ILIAC = ((6.0, -4.0, 14.0, 6.0), (30.0, 8.0, -36.0, 5.0), (52.0, -20.0, -86.0, 4.6), (62.0, -62.0, -130.0, 4.6),
         (74.0, -60.0, -210.0, 4.4))  # fmt: skip
GULLET = ((6.0, 14.0, 440.0, 6.0), (4.0, 18.0, 340.0, 6.0), (6.0, 16.0, 260.0, 7.0), (18.0, 4.0, 205.0, 7.0))
LOWEST_LUNG = 95.0


def paint_chest(canvas: Canvas, frame: Frame, person: Person, rng: Rng) -> None:
    """Fat between the lungs, the lungs, then heart and great vessels over them."""
    at, hu = frame.at, person.tissues
    chest = np.minimum(frame.cage, np.minimum(frame.above, at.z - (LOWEST_LUNG - 10)))
    canvas.paint(at, np.minimum(chest, 405 - at.z), hu.fat + 6)
    lungs = _lungs(canvas, frame, rng)
    depth = np.float32(rng.uniform(0.1, 0.9)) * (at.y + 20)
    canvas.paint(at, lungs, hu.lung + depth + 15 * waves(rng, canvas.geometry, (4.0, 4.0, 4.0)), LUNGS)
    _lung_vessels(canvas, person, rng)
    _heart(canvas, frame, person, rng)


def _lungs(canvas: Canvas, frame: Frame, rng: Rng) -> Floats:
    at, z = frame.at, canvas.z_line
    (spine,) = profile(z, SPINE_Y)
    front, middle = float(rng.uniform(6, 20)), float(rng.uniform(24, 32))
    behind = np.clip((at.y - spine + 34) / 26, 0, 1)
    forward = np.clip((-40 - at.y) / 40, 0, 1)
    top = np.clip((z - 330) / 60, 0, 1) * 10
    width = middle + (front - middle) * forward + (25 - middle) * behind + top
    inside = np.minimum(np.minimum(frame.cage - 1.5, at.side - width), frame.above * np.float32(0.8))
    return np.asarray(inside, dtype=np.float32)


def _lung_vessels(canvas: Canvas, person: Person, rng: Rng) -> None:
    """Branches from each hilum outwards; inside the lungs only, of which they are part."""
    value = max(person.tissues.heart - 10, 20.0)
    for s in (-1, 1):
        root = np.array([s * 36.0, -2.0, 272.0 - person.breath_mm / 2])
        for _ in range(46):
            goal = np.array([s * rng.uniform(40, 115), rng.uniform(-75, 70), rng.uniform(130, 385)])
            middle = root + (goal - root) * 0.5 + rng.normal(0, 8, 3)
            thick = float(rng.uniform(1.6, 4.2))
            way = bent([(*root, thick * 1.6), (*middle, thick), (*goal, 0.7)], 6)
            for at, inside in tube(canvas, way):
                canvas.blend(at, canvas.cover(inside) * (canvas.labels[at.window] == LUNGS), value, None)


def _heart(canvas: Canvas, frame: Frame, person: Person, rng: Rng) -> None:
    hu, low = person.tissues, person.breath_mm
    big = float(rng.uniform(0.85, 1.2))
    centre = (float(rng.uniform(14, 28)), -34.0, 243.0 - low * 0.9)
    size = (60 * big, 43 * big, 44 * big)
    for grow, value, shift in ((1.08, hu.fat + 20, 0.0), (1.0, hu.muscle + 0.25 * (hu.heart - 40), 0.0)):
        part = ellipsoid(canvas, centre, (size[0] * grow, size[1] * grow, size[2] * grow), -0.35)
        if part is not None:
            canvas.paint(part[0], np.minimum(part[1], frame.above[part[0].window] + 3), value + shift)
    rooms = ((0.42, 0.1, -0.05, 0.5), (-0.45, 0.1, 0.2, 0.42), (-0.1, -0.35, -0.1, 0.42), (0.0, 0.55, 0.25, 0.4))
    for x, y, z, grow in rooms:
        at_mm = (centre[0] + x * size[0], centre[1] + y * size[1], centre[2] + z * size[2])
        part = ellipsoid(canvas, at_mm, (size[0] * grow, size[1] * grow, size[2] * grow * 1.2), -0.3)
        if part is not None:
            canvas.paint(*part, hu.heart, None)


def paint_great_vessels(canvas: Canvas, person: Person, rng: Rng) -> None:
    """Aorta, venae cavae, pulmonary trunk, windpipe and gullet; the aorta's branches to the groins."""
    hu, wide = person.tissues, float(rng.uniform(0.85, 1.25))
    for way in (CAVA, UPPER_CAVA, *(_beside(on(s, ILIAC), 11.0) for s in (-1, 1))):
        _vessel(canvas, way, wide, hu.veins)
    for way in (LUNG_ARTERY, LUNG_ARTERY_LEFT):
        _vessel(canvas, way, wide, hu.heart)
    for way in (*(_beside(on(s, ILIAC), 0.0) for s in (-1, 1)), AORTA):
        _vessel(canvas, way, wide, hu.aorta)
    for at, inside in tube(canvas, bent(GULLET, 14)):
        canvas.paint(at, inside, hu.muscle)
    _windpipe(canvas)


def _beside(way: Sequence[Knot], behind: float) -> list[Knot]:
    """Iliac vessels start left of the middle; veins lie behind arteries."""
    return [(x - 4, y + behind, z, r + behind / 11) for x, y, z, r in way]


def _windpipe(canvas: Canvas) -> None:
    way = bent([(0, -26, 460, 9), (0, -12, 390, 9), (0, 0, 318, 9)], 8)
    for s in (-1, 1):
        for at, inside in tube(canvas, bent([(0, 0, 318, 8), (s * 18, 2, 298, 7), (s * 40, 4, 276, 5)], 5)):
            canvas.paint(at, inside + 2, 20.0, None)
            canvas.paint(at, inside, -980.0, None)
    for at, inside in tube(canvas, way):
        canvas.paint(at, inside + 2, 30.0)
        canvas.paint(at, inside, -985.0)


def _vessel(canvas: Canvas, knots: Sequence[Knot], wide: float, hu: float) -> None:
    for at, inside in tube(canvas, bent([(x, y, z, r * wide) for x, y, z, r in knots], 4 * len(knots))):
        canvas.paint(at, inside, hu)
