"""Ribs with their cartilage, breastbone, collar bones and shoulder blades."""

from __future__ import annotations

import numpy as np

from engines.phantom.noise import Rng
from engines.phantom.shapes import Knot
from engines.phantom.trunk.bones import BONE, HIGHEST_RIB, LEVELS, Bones, on, spine_y
from engines.phantom.trunk.canvas import Canvas
from engines.phantom.trunk.person import Person
from engines.phantom.trunk.solids import bent, ellipsoid, plates, profile, tube
from engines.phantom.trunk.torso import CAGE

BREASTBONE = ((0.0, -52.0, 348.0, 6.0), (0.0, -72.0, 300.0, 6.0), (0.0, -90.0, 240.0, 6.0), (0.0, -90.0, 205.0, 4.0))
BREASTBONE_EDGE = (
    (24.0, -52.0, 348.0, 6.0), (16.0, -72.0, 300.0, 6.0), (18.0, -90.0, 240.0, 6.0), (8.0, -90.0, 205.0, 4.0),
)  # fmt: skip
BLADE_INNER = ((62.0, 94.0, 385.0, 2.6), (66.0, 99.0, 340.0, 2.4), (80.0, 100.0, 255.0, 3.5))
BLADE_OUTER = ((128.0, 58.0, 372.0, 5.0), (118.0, 74.0, 330.0, 4.0), (92.0, 98.0, 258.0, 4.0))
RAISED_MM = 22.0
"""How much higher collar bone and shoulder stand when the arms are up."""


def paint_cage(canvas: Canvas, person: Person, bones: Bones, rng: Rng) -> None:
    """Twelve pairs from the spine round the cage and down, cartilage from ten of them to the breastbone."""
    slope = float(rng.uniform(0.85, 1.15))
    for number in range(12):
        for s in (-1, 1):
            way = _rib(s, number, slope)
            bones.chain(way, 0.7, 0.8)
            if number < 10:
                _cartilage(canvas, person, way[-1], s, number)
    bones.solid(plates(canvas, (BREASTBONE, BREASTBONE_EDGE)))


def _rib(side: int, number: int, slope: float) -> list[Knot]:
    """From its vertebra along the cage; the first and the lowest are the shortest."""
    z = LEVELS[HIGHEST_RIB - number] + 6.0
    reach = float(np.interp(number, [0, 1, 4, 6, 9, 10, 11], [0.8, 0.82, 0.8, 0.76, 0.66, 0.55, 0.36]))
    down = slope * float(np.interp(number, [0, 2, 5, 8, 11], [34, 66, 92, 98, 74]))
    radius = float(np.interp(number, [0, 3, 11], [4.6, 5.4, 5.0]))
    share = np.linspace(0.0, 1.0, 15)
    heights = z - down * np.interp(share * reach / 0.8, [0, 0.25, 0.6, 1.0], [-0.02, 0.18, 0.62, 1.0])
    half, front, back = profile(heights.astype(np.float32), CAGE)
    angle = np.radians(20 + share * reach * 170)
    x = (half + 5) * np.abs(np.sin(angle)) ** 0.85
    y = (front + back) / 2 + ((back - front) / 2 + 4) * np.cos(angle)
    way = [(side * float(a), float(b), float(c), radius) for a, b, c in zip(x, y, heights, strict=True)]
    return [(side * 24.0, spine_y(z) + 10, z - 2, radius), *way]


def _cartilage(canvas: Canvas, person: Person, end: Knot, side: int, number: int) -> None:
    top = min(float(np.interp(number, [0, 6, 9], [350, 215, 205])), 350.0 - 20 * number)
    goal = (side * (18.0 if number < 7 else 34.0), -90.0 if number > 1 else -64.0, top, 4.5)
    middle = ((end[0] + goal[0]) / 2, min(end[1], goal[1]) - 2, min(end[2], (end[2] + goal[2]) / 2), 5.0)
    for at, inside in tube(canvas, bent([end, middle, goal], 8)):
        free = canvas.labels[at.window] != BONE
        canvas.blend(at, canvas.cover(inside) * free, person.tissues.cartilage, None)


def paint_shoulders(canvas: Canvas, person: Person, bones: Bones) -> None:
    """Collar bones, shoulder blades and the heads of the upper arms."""
    up = RAISED_MM if person.arms_up else 0.0
    collar = bent([(24, -52, 352, 10), (70, -56, 364, 6.5), (120, 4, 380 + up, 6.5), (150, 26, 388 + up, 8)], 10)
    ridge = [(74.0, 98.0, 360.0, 4.0), (110.0, 80.0, 378 + up, 5.0), (140.0, 52.0, 392 + up, 6.0)]
    for s in (-1, 1):
        bones.chain(on(s, collar))
        bones.solid(ellipsoid(canvas, (s * 156, 30, 366 + up), (24, 24, 24)))
        bones.chain(on(s, ridge))
        bones.chain(on(s, [(132, 44, 366, 11), (118, 62, 350, 7)]))
    bones.solid(plates(canvas, (BLADE_INNER, BLADE_OUTER)), 0.6)
