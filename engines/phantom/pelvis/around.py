"""What fills the space round the prostate: seminal vesicles, veins, strands in the fat."""

from __future__ import annotations

import numpy as np

from engines.phantom.noise import Rng, band_noise, sheet_field, slow
from engines.phantom.pelvis.man import Man
from engines.phantom.pelvis.stage import Stage
from engines.phantom.pelvis.stuff import Signals, Stuff
from engines.phantom.shapes import ellipsoid, tube, union


def paint_vesicles(stage: Stage, man: Man, signals: Signals, rng: Rng) -> None:
    """Seminal vesicles and the ampullae of the ducts, behind the bladder."""
    (_, b, c), v = man.gland.half_mm, man.vesicle_mm
    rise, out = float(rng.uniform(6, 20)), float(rng.uniform(30, 44))
    window = stage.window((0, -0.2 * b - 8, 0.6 * c), (out + 8, b + 26, c + rise + 26))
    p = stage.points(window)
    wave = np.asarray(2.5 * slow(band_noise(rng, 17.0), p.left, p.y, p.z), dtype=np.float32)
    knots = [
        (4.0, 0.5 * b, 0.78 * c, 2.5),
        (10.0, 0.72 * b, c + 0.2 * rise + 0.5 * v, v),
        (0.65 * out, 0.85 * b, c + 0.6 * rise + 0.5 * v, 1.1 * v),
        (out, b + 3, c + rise + 0.5 * v, 0.6 * v),
    ]
    sac = tube(p.x, p.y + wave, p.z, knots)
    ampulla = tube(p.x, p.y, p.z, [(3, 0.5 * b, 0.75 * c, 2), (6, 0.6 * b, c + 12, 3.2), (17, 0.1 * b, c + 30, 2.6)])
    coils = sheet_field(rng, float(rng.uniform(4.5, 7.0))).at(p.left, p.y, p.z)
    bright = signals[Stuff.DUCT_WALL] + (signals[Stuff.VESICLE] - signals[Stuff.DUCT_WALL]) * float(rng.uniform(0.0, 1))
    both = union(sac, ampulla, 0.8)
    stage.paint(window, stage.cover(both), signals[Stuff.DUCT_WALL])
    lumen = np.minimum(sac - 0.5, np.abs(coils) - np.float32(rng.uniform(0.3, 0.8)))
    stage.paint(window, stage.cover(lumen), bright)
    stage.paint(window, stage.cover(ampulla - 1.7), bright)


def paint_veins(stage: Stage, man: Man, signals: Signals, rng: Rng) -> None:
    """The venous plexus before and beside the prostate, and the neurovascular bundles behind its corners."""
    a, b, c = man.gland.half_mm
    window = stage.window((0, -b - 22, -c - 12), (a + 18, b + 16, c + 34))
    p = stage.points(window)
    near = ellipsoid(p.x, p.y, p.z, (0, 0, 0.1 * c), (a + 8, b + 5, c + 6))
    front = ellipsoid(p.x, p.y, p.z, (0, -b - 6, -0.35 * c), (0.85 * a, 9, 0.9 * c))
    corner = tube(p.x, p.y, p.z, [(0.62 * a, 0.8 * b, -c, 4), (0.78 * a, 0.85 * b, 0, 5), (0.9 * a, 0.9 * b, c + 6, 6)])
    aside = tube(p.x, p.y, p.z, [(0.95 * a, 0.1 * b, 0.3 * c, 5), (a + 4, 0.5 * b, c + 6, 9), (a + 10, b, c + 26, 8)])
    region = union(np.minimum(near, 0.35 * b - p.y), union(front, union(corner, aside, 1.0), 1.0), 2.0)
    share = stage.cover(region, 4.0)
    runs = band_noise(rng, float(rng.uniform(7, 15)), 0.6).at(p.left, p.y, p.z * np.float32(0.45))
    level = np.float32(1.9 - 1.7 * man.veins)
    stage.paint(window, share * np.clip((runs - level + 0.5) * 2, 0, 1) * 0.8, signals[Stuff.FASCIA])
    stage.paint(window, share * np.clip((runs - level) * 2.5, 0, 1), signals[Stuff.VEIN])
    dots = np.clip((-runs - np.float32(1.5)) * 3, 0, 1)
    stage.paint(window, share * dots, signals[Stuff.VESSEL])


def paint_strands(stage: Stage, man: Man, signals: Signals, rng: Rng) -> None:
    """Fat round prostate, vesicles and bladder is never clean: strands and small vessels in a mesh."""
    a, b, c = man.gland.half_mm
    window = stage.window((0, -b - 16, -c), (a + 24, b + 30, c + 46))
    p = stage.points(window)
    region = ellipsoid(p.x, p.y, p.z, (0, 0.3 * b, 0.5 * c + 8), (a + 20, b + 24, c + 30))
    mesh = sheet_field(rng, float(rng.uniform(6, 12))).at(p.left, p.y, p.z * np.float32(0.6))
    patch = np.clip(slow(band_noise(rng, 22.0, 0.8), p.left, p.y, p.z) + np.float32(rng.uniform(-0.4, 0.9)), 0, 1)
    share = stage.cover(region, 10.0) * patch * np.float32(rng.uniform(0.1, 0.9))
    lines = stage.cover(np.float32(rng.uniform(0.2, 0.7)) - np.abs(mesh))
    stage.paint(window, np.asarray(share * lines, dtype=np.float32), signals[Stuff.FASCIA] * 1.5)
    haze = np.asarray(share * np.float32(rng.uniform(0, 0.45)), dtype=np.float32)
    stage.paint(window, haze, 0.45)
