"""Spleen, pancreas and gallbladder; bladder, prostate or womb."""

from __future__ import annotations

import numpy as np

from engines.phantom.noise import Rng
from engines.phantom.trunk.canvas import Canvas
from engines.phantom.trunk.person import Person
from engines.phantom.trunk.solids import bent, ellipsoid, tube
from engines.phantom.trunk.torso import Frame

BLADDER = 2


def paint_upper_organs(canvas: Canvas, frame: Frame, person: Person, rng: Rng) -> None:
    """Spleen, pancreas, adrenals and the gallbladder."""
    u, hu, low = rng.uniform, person.tissues, person.breath_mm * 0.8
    way = bent([(-30, -18, 88, 13), (-14, -26, 108, 10), (20, -18, 120, 9), (74, 14, 148, 8)], 12)
    for at, inside in tube(canvas, [(x, y, z - low, r * u(0.8, 1.1)) for x, y, z, r in way]):
        canvas.paint(at, inside, hu.pancreas - 10 * person.visceral)
    big = u(0.8, 1.25)
    part = ellipsoid(
        canvas, (u(86, 100), u(18, 46), u(145, 182) - low), (31 * big, 45 * big, 52 * big), u(-0.3, 0.1), 0.3
    )
    if part is not None:
        at, inside = part
        lining = frame.lining[at.window]
        canvas.paint(at, np.minimum(inside, lining - 3), hu.spleen)
    if rng.random() < 0.85:
        size = u(10, 19)
        pear = [(-54, -58, 84 - low, size), (-46, -44, 104 - low, size * 0.8), (-38, -30, 120 - low, 4)]
        for at, inside in tube(canvas, bent(pear, 6)):
            canvas.paint(at, inside + 1.5, hu.muscle)
            canvas.paint(at, inside, hu.bile)


def paint_pelvic_organs(canvas: Canvas, frame: Frame, person: Person, rng: Rng) -> None:
    """Bladder (its wall with it), prostate or womb."""
    u, hu = rng.uniform, person.tissues
    ml = float(np.exp(u(np.log(40), np.log(650))))
    flat = u(0.72, 1.0) if ml > 150 else u(0.5, 0.8)
    radius = (ml * 1000 * 3 / (4 * np.pi) / flat) ** (1 / 3)
    wide, deep = radius * u(0.92, 1.12), radius * u(0.85, 1.05)
    high = radius**3 * flat / (wide * deep)
    floor = u(-152, -138)
    centre = (float(u(-5, 5)), float(u(-34, -18)), float(floor + high))
    if person.female:
        part = ellipsoid(canvas, (u(-8, 8), 14.0, floor + 50), (u(18, 36), u(16, 26), u(24, 42)), u(-0.3, 0.3))
    else:
        part = ellipsoid(canvas, (0.0, -8.0, floor - 4), (u(18, 28), u(14, 22), u(14, 24)))
    if part is not None:
        canvas.paint(*part, hu.muscle - u(-8, 10) + (15 if hu.veins > 80 else 0))
    if not person.female:
        for s in (-1, 1):
            for at, inside in tube(
                canvas, bent([(0, 10, floor + 18, 5), (s * 18, 16, floor + 24, 5), (s * 32, 18, floor + 28, 4)], 5)
            ):
                canvas.paint(at, inside, hu.muscle - 15)
    _bladder(canvas, frame, person, rng, centre, (wide, deep, high))


def _bladder(
    canvas: Canvas,
    frame: Frame,
    person: Person,
    rng: Rng,
    centre: tuple[float, float, float],
    size: tuple[float, float, float],
) -> None:
    u, hu = rng.uniform, person.tissues
    part = ellipsoid(canvas, centre, size, float(u(-0.1, 0.1)), float(u(0, 0.5)))
    if part is None:
        return
    at, inside = part
    inside = np.minimum(inside, frame.room[at.window] - 1)
    canvas.paint(at, inside, hu.muscle - 5, BLADDER)
    urine = np.full(at.x.shape, np.float32(min(hu.bladder, 16.0)), dtype=np.float32)
    if hu.bladder > 30:
        urine += (np.float32(hu.bladder) - urine) * np.clip((at.y - centre[1]) / 12 + float(u(-0.5, 1)), 0, 1)
    canvas.paint(at, inside - np.float32(u(1.5, 4)), urine, None)
