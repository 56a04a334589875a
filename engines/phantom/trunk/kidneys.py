"""Two kidneys in their fat: cortex, medulla, the sinus with its fat and pelvis, now and then a cyst or a stone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engines.phantom.noise import Rng
from engines.phantom.trunk.bones import on
from engines.phantom.trunk.canvas import Canvas, Corner
from engines.phantom.trunk.person import Person
from engines.phantom.trunk.solids import Part, bent, ellipsoid, tube

KIDNEYS = 4
ALONE, CYST, STONE = 0.03, 0.25, 0.15
"""How often one is missing, has a cyst, has a stone."""


@dataclass(frozen=True, slots=True)
class Kidney:
    """Where one lies: centre and radii in mm, how its upper end leans inward, and the middle of its sinus."""

    side: int
    centre: Corner
    size: Corner
    tilt: float
    hilum: Corner
    sinus: Corner


def paint_kidneys(canvas: Canvas, person: Person, rng: Rng) -> None:
    """The right one, lower, and the left one."""
    low, alone = person.breath_mm * 0.5, rng.random() < ALONE
    for side, height in ((-1, rng.uniform(72, 96)), (1, rng.uniform(82, 110))):
        if alone and side == 1:
            continue
        kidney = _draw(side, float(height) - low, rng)
        _paint(canvas, person, kidney, rng)
        _paint_beside(canvas, person, kidney)
        _paint_findings(canvas, kidney, rng)


def _draw(side: int, height: float, rng: Rng) -> Kidney:
    u = rng.uniform
    big = u(0.85, 1.15)
    centre = (side * u(56, 68), u(26, 38), height)
    size = (26.0 * big, 25.0 * big, 53.0 * big * u(0.9, 1.1))
    hilum = (centre[0] - side * size[0] * u(0.30, 0.5), centre[1] - size[1] * u(0.25, 0.5), height)
    wide = u(0.30, 0.52)
    sinus = (size[0] * wide * 1.4, size[1] * wide * 1.2, size[2] * wide * 1.15)
    return Kidney(side, centre, size, -0.2 * side * u(0.4, 1.4), hilum, sinus)


def _paint(canvas: Canvas, person: Person, kidney: Kidney, rng: Rng) -> None:
    u, hu, (x, y, _) = rng.uniform, person.tissues, kidney.centre
    pad = u(3, 6) + 9 * person.visceral
    bed = ellipsoid(canvas, kidney.centre, _grown(kidney.size, pad), kidney.tilt, 0.2)
    body = ellipsoid(canvas, kidney.centre, kidney.size, kidney.tilt, 0.25)
    if bed is None or body is None:
        return
    canvas.paint(*bed, hu.fat)
    at, inside = body
    inside += np.float32(1.2) * np.sin(at.z / 9 + at.y / 11 + np.float32(u(0, 6)))
    canvas.paint(at, inside, hu.cortex, KIDNEYS)
    lobes = np.sin(
        at.z / np.float32(u(5, 7)) + np.float32(2.5) * np.arctan2(at.y - np.float32(y), at.x - np.float32(x))
    )
    deep = canvas.cover(inside - np.float32(u(5, 8))) * np.clip(0.8 + 0.8 * lobes, 0, 1)
    canvas.blend(at, deep, hu.medulla, None)
    _paint_if(canvas, ellipsoid(canvas, kidney.hilum, kidney.sinus, kidney.tilt), hu.fat + 25)
    for _ in range(7):
        spot = _near(kidney.hilum, kidney.sinus, 0.4, rng)
        value = hu.pelvis if rng.random() < 0.6 else hu.veins
        _paint_if(canvas, ellipsoid(canvas, spot, (u(2, 5), u(2, 5), u(3, 8))), value)


def _paint_beside(canvas: Canvas, person: Person, kidney: Kidney) -> None:
    """Vessels, ureter and the adrenal gland."""
    hu, z = person.tissues, kidney.centre[2]
    x, y, _ = kidney.hilum
    vessel = [(abs(x), y, z, 3.5), (14.0, -2.0, z + 8, 3.5)]
    ureter = [(abs(x), y, z, 3.0), (40.0, 6.0, z - 45, 2.2), (38.0, -4.0, -40.0, 2.2), (24.0, 4.0, -124.0, 2.2)]
    adrenal = [(40.0, 22.0, z + 42, 4.0), (34.0, 10.0, z + 58, 3.0)]
    for knots, count, value in ((vessel, 5, hu.veins), (ureter, 12, hu.pelvis), (adrenal, 3, hu.muscle - 15)):
        for at, inside in tube(canvas, bent(on(kidney.side, knots), count)):
            canvas.paint(at, inside, value)


def _paint_findings(canvas: Canvas, kidney: Kidney, rng: Rng) -> None:
    """Parts of the kidney as an outline takes them, though they look different."""
    u = rng.uniform
    if rng.random() < CYST:
        size = u(4, 18)
        cyst = ellipsoid(canvas, _near(kidney.centre, kidney.size, 0.6, rng), (size, size, size))
        _paint_if(canvas, cyst, u(-5, 18), None)
    if rng.random() < STONE:
        size = u(2, 5)
        _paint_if(canvas, ellipsoid(canvas, kidney.hilum, (size, size, size)), u(400, 1200), None)


def _paint_if(canvas: Canvas, part: Part | None, hu: float, label: int | None = 0) -> None:
    if part is not None:
        canvas.paint(*part, hu, label)


def _grown(size: Corner, by: float) -> Corner:
    return (size[0] + by, size[1] + by, size[2] + by)


def _near(centre: Corner, size: Corner, share: float, rng: Rng) -> Corner:
    x, y, z = (c + float(rng.normal(0, share)) * r for c, r in zip(centre, size, strict=True))
    return (x, y, z)
