"""Hip bones and thigh bones; now and then one hip is of metal."""

from __future__ import annotations

import numpy as np

from engines.phantom.noise import Rng
from engines.phantom.shapes import Knot
from engines.phantom.trunk.bones import BONE, Bones, on
from engines.phantom.trunk.canvas import Canvas
from engines.phantom.trunk.person import Person
from engines.phantom.trunk.solids import bent, ellipsoid, plates, tube

CREST = (
    (44.0, 74.0, -26.0, 8.0), (72.0, 60.0, -2.0, 5.0), (104.0, 22.0, 10.0, 5.0), (122.0, -18.0, -4.0, 6.5),
    (122.0, -52.0, -32.0, 6.5),
)  # fmt: skip
BRIM = (
    (44.0, 62.0, -58.0, 9.0), (58.0, 52.0, -74.0, 8.0), (82.0, 12.0, -86.0, 8.0), (88.0, -10.0, -94.0, 10.0),
    (92.0, -38.0, -80.0, 8.0),
)  # fmt: skip
STEM = ((84.0, -2.0, -92.0, 12.0), (76.0, -2.0, -108.0, 11.0))
ISCHIUM = (
    (68.0, 4.0, -110.0, 10.0),
    (66.0, 22.0, -128.0, 11.0),
    (66.0, 34.0, -158.0, 11.0),
    (60.0, 34.0, -188.0, 13.0),
)
PUBIS = (
    (76.0, -28.0, -108.0, 10.0),
    (44.0, -50.0, -124.0, 7.5),
    (14.0, -52.0, -138.0, 9.0),
    (10.0, -46.0, -158.0, 8.0),
)
RAMUS = ((12.0, -44.0, -160.0, 6.5), (32.0, -6.0, -184.0, 6.0), (56.0, 28.0, -192.0, 9.0))
SOCKET_FLOOR = ((70.0, 14.0, -108.0, 7.0), (64.0, 8.0, -124.0, 5.0), (72.0, -22.0, -112.0, 7.0))
NECK = ((98.0, -4.0, -134.0, 14.0), (128.0, 6.0, -156.0, 15.0))
SHAFT = (
    (136.0, 16.0, -146.0, 11.0),
    (134.0, 8.0, -170.0, 18.0),
    (130.0, 0.0, -205.0, 16.0),
    (124.0, -6.0, -260.0, 14.0),
)
METAL = ((88.0, -4.0, -126.0, 22.0), (98.0, -4.0, -134.0, 12.0), (130.0, 4.0, -165.0, 9.0), (130.0, 0.0, -225.0, 7.0))
FEMALE_WIDTH = 1.06
METAL_HIPS, METAL_HU = 0.1, 3000.0


def paint_hips(canvas: Canvas, person: Person, bones: Bones, rng: Rng) -> None:
    """Both sides alike but for the metal."""
    wide = FEMALE_WIDTH if person.female else 1.0
    bones.solid(plates(canvas, (on(wide, CREST), on(wide, BRIM))))
    for s in (-wide, wide):
        for knots, count in ((STEM, 2), (ISCHIUM, 8), (PUBIS, 9), (RAMUS, 7)):
            bones.chain(_smooth(on(s, knots), count))
        bones.chain(_smooth(on(s, SOCKET_FLOOR), 5), 0.8)
        _socket(canvas, bones, s)
        bones.chain(on(s, NECK))
        bones.chain(_smooth(on(s, SHAFT), 7), 2.0)
        bones.solid(ellipsoid(canvas, (s * 90, -4, -128), (22.5, 22.5, 22.5)), 0.8)
    if rng.random() < METAL_HIPS:
        for at, inside in tube(canvas, on(wide * float(rng.choice([-1, 1])), METAL)):
            canvas.paint(at, inside, METAL_HU, BONE)


def _smooth(knots: list[Knot], count: int) -> list[Knot]:
    return bent(knots, count) if count > len(knots) else knots


def _socket(canvas: Canvas, bones: Bones, s: float) -> None:
    """The part of a hollow ball that lies above and inward of the thigh bone's head."""
    part = ellipsoid(canvas, (s * 90, -2, -128), (30, 30, 30))
    if part is None:
        return
    at, inside = part
    inward = np.float32(np.sign(s)) * (np.float32(s * 96) - at.x) + (at.z + 128) * np.float32(0.9)
    bones.solid((at, np.minimum(np.minimum(inside, 6 - inside), inward)), 0.7)
