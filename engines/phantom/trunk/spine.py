"""Vertebrae with arch and processes, discs, the canal, and the sacrum."""

from __future__ import annotations

import numpy as np

from engines.phantom.noise import Rng
from engines.phantom.trunk.bones import HIGHEST_RIB, LEVELS, LOWEST_RIB, Bones, on, spine_y
from engines.phantom.trunk.canvas import Canvas
from engines.phantom.trunk.person import Person
from engines.phantom.trunk.solids import ellipsoid, plates, tube

SACRUM_MIDDLE = ((0.0, 50.0, -34.0, 15.0), (0.0, 68.0, -70.0, 12.0), (0.0, 84.0, -108.0, 7.0))
SACRUM_SIDE = ((46.0, 58.0, -42.0, 12.0), (34.0, 72.0, -76.0, 10.0), (14.0, 84.0, -108.0, 6.0))
COCCYX = ((0.0, 84.0, -108.0, 6.0), (0.0, 80.0, -130.0, 5.0), (0.0, 70.0, -146.0, 3.5))
SACRAL_RIDGE = ((0.0, 76.0, -42.0, 4.0), (0.0, 92.0, -70.0, 4.0))
HALF_WIDE_MM, HALF_DEEP_MM, HALF_HIGH_MM = 23.5, 16.5, 14.2
"""Of a lumbar body."""


def paint_spine(canvas: Canvas, person: Person, bones: Bones, rng: Rng) -> None:
    """From the neck to the coccyx."""
    hu = person.tissues
    heights = np.linspace(-30, 455, 30)
    for at, inside in tube(canvas, [(0.0, spine_y(z), z, 18.0 if z < 160 else 13.0) for z in heights]):
        canvas.paint(at, inside, hu.muscle + 30)
    spur = float(rng.uniform(0, 2.5))
    for number, z in enumerate(LEVELS):
        _arch(bones, z, _size(z), has_rib=LOWEST_RIB <= number <= HIGHEST_RIB)
        _body(canvas, bones, z, _size(z), spur)
    _sacrum(canvas, bones)
    canal = [(0.0, spine_y(z) + 15 * _size(z) + 9.5, z, 8.5) for z in np.linspace(-60, 455, 30)]
    for at, inside in tube(canvas, canal):
        canvas.paint(at, inside, hu.muscle - 22)


def _size(z: float) -> float:
    return float(np.interp(z, [-40, 20, 120, 250, 380, 450], [1.08, 1.08, 0.98, 0.82, 0.68, 0.6]))


def _arch(bones: Bones, z: float, size: float, has_rib: bool) -> None:
    """Pedicles, transverse and articular processes, laminae and the spinous process."""
    back, lean = spine_y(z) + 15 * size, 4.0 if has_rib else 0.0
    reach = 30.0 if has_rib else 40.0
    for s in (-size, size):
        bones.chain(on(s, [(13, back - 3, z + 4, 5 * size), (16, back + 12, z, 5.5 * size)]), 0.8)
        bones.chain(on(s, [(16, back + 12, z, 5 * size), (reach, back + 15 + lean, z + 2, 3.5 * size)]), 0.8)
        bones.chain(on(s, [(17, back + 14, z + 10, 6 * size), (15, back + 18, z - 12, 6.5 * size)]), 0.9)
        bones.chain(on(s, [(14, back + 15, z - 2, 4 * size), (0, back + 24 * size, z - 7, 4 * size)]), 0.8)
    drop = float(np.interp(z, [100, 200, 300, 400], [2, 16, 24, 10]))
    bones.chain([(0, back + 21 * size, z - 5, 4 * size), (0, back + 44 * size, z - 8 - drop, 4.5 * size)], 0.8)


def _body(canvas: Canvas, bones: Bones, z: float, size: float, spur: float) -> None:
    """A drum with a waist; `spur` widens its end plates."""
    y, wide, deep = spine_y(z), HALF_WIDE_MM * size, HALF_DEEP_MM * size
    high = HALF_HIGH_MM * float(np.interp(z, [0, 120, 250, 400], [1.02, 1.0, 0.78, 0.58]))
    part = ellipsoid(canvas, (0, y, z), (wide + spur, deep + spur / 2, high))
    if part is None:
        return
    at, _ = part
    level = np.sqrt((at.x / np.float32(wide)) ** 2 + ((at.y - np.float32(y)) / np.float32(deep)) ** 2)
    middle = 1 - ((at.z - np.float32(z)) / np.float32(high)) ** 2
    drum = (1 - level) * np.float32(17 * size) + np.float32(spur / 2) - np.float32(1.6 + spur / 2) * middle
    bones.solid((at, np.minimum(drum, np.float32(high) - np.abs(at.z - np.float32(z)))))


def _sacrum(canvas: Canvas, bones: Bones) -> None:
    bones.solid(plates(canvas, (SACRUM_MIDDLE, SACRUM_SIDE)))
    bones.chain(COCCYX)
    bones.chain(SACRAL_RIDGE)
