"""Liver with its vessels, and now and then a lesion."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import uniform_filter

from engines.phantom.noise import Rng
from engines.phantom.trunk.canvas import Canvas, Places
from engines.phantom.trunk.person import Person
from engines.phantom.trunk.solids import Part, bent, ellipsoid, tube
from engines.phantom.trunk.torso import Frame
from engines.phantom.trunk.waves import waves
from inference.volume import Floats

LIVER = 1
LESIONS = 0.5
PORTA, CAVA = (-32.0, -22.0, 128.0), (-26.0, 4.0, 192.0)


def paint_liver(canvas: Canvas, frame: Frame, person: Person, rng: Rng) -> None:
    """What fills the right dome down to a slanting lower face, with a left lobe that thins out."""
    low, left = float(rng.uniform(28, 72)) - person.breath_mm * 0.9, float(rng.uniform(20, 100))
    at = canvas.box((-145.0, -110.0, low - 60), (left + 10, 105.0, 240.0))
    if at is None:
        return
    bulge = waves(rng, canvas.geometry, (28.0, 24.0, 24.0))[at.window]
    inside = _rounded(canvas, np.minimum(frame.lining[at.window] - 2.5, _faces(at, low, left, bulge, rng)))
    uneven = waves(rng, canvas.geometry, (8.0, 8.0, 8.0))[at.window]
    canvas.paint(at, inside, person.tissues.liver + 3 * uneven, LIVER)
    _paint_vessels(canvas, person, rng)
    for _ in range(int(rng.poisson(LESIONS))):
        _paint_lesion(canvas, person, rng)


def _faces(at: Places, low: float, left: float, bulge: Floats, rng: Rng) -> Floats:
    """Signed distance to the lower face, the face before spine and kidney, and the left lobe's end."""
    slope, lean, turn = (np.float32(rng.uniform(*r)) for r in ((0.5, 0.78), (0.15, 0.45), (0.3, 0.6)))
    bottom = np.float32(low) + slope * (at.x + 115) + lean * (at.y - 10) + 7 * bulge
    before_spine = np.float32(rng.uniform(2, 16)) - turn * (at.x + 25) - at.y + 4 * bulge
    beside_spine = np.float32(-42) - at.x + np.float32(0.4) * (at.y - 20)
    inside = np.minimum((at.z - bottom) / np.hypot(1, slope), np.maximum(before_spine, beside_spine))
    return np.asarray(np.minimum(inside, np.float32(0.8) * (np.float32(left) - at.x)), dtype=np.float32)


def _rounded(canvas: Canvas, inside: Floats) -> Floats:
    """Edges of an intersection, rounded on the grid."""
    mm = canvas.geometry.spacing_mm
    size = [max(1, 2 * round(7 / mm[a] / 2) + 1) for a in (2, 1, 0)]
    return np.asarray(uniform_filter(np.clip(inside, -30, 30), size, mode="nearest"), dtype=np.float32)


def _paint_vessels(canvas: Canvas, person: Person, rng: Rng) -> None:
    """Branches of the portal vein from the porta, and of the liver's veins from the vena cava."""
    low = person.breath_mm * 0.9
    for (x, y, z), thick, count in ((PORTA, 6.0, 9), (CAVA, 4.5, 5)):
        for _ in range(count):
            goal = (rng.uniform(-115, 30), rng.uniform(-65, 45), rng.uniform(100, 195) - low)
            a, b, c = ((p + q) / 2 + rng.normal(0, 7) for p, q in zip((x, y, z - low), goal, strict=True))
            for at, inside in tube(canvas, bent([(x, y, z - low, thick), (a, b, c, thick * 0.6), (*goal, 1.2)], 7)):
                _paint_within(canvas, (at, inside), person.tissues.veins)


def _paint_lesion(canvas: Canvas, person: Person, rng: Rng) -> None:
    u, size = rng.uniform, float(rng.uniform(3, 22))
    spot = (u(-105, -20), u(-50, 40), u(120, 190) - person.breath_mm * 0.9)
    value = u(-5, 25) if rng.random() < 0.6 else person.tissues.liver + u(-30, 40)
    _paint_within(canvas, ellipsoid(canvas, spot, (size, size, size)), value)


def _paint_within(canvas: Canvas, part: Part | None, hu: float) -> None:
    """Paint where there is liver already; it stays liver."""
    if part is not None:
        canvas.blend(part[0], canvas.cover(part[1]) * (canvas.labels[part[0].window] == LIVER), hu, None)
