"""The organs next to the prostate: pelvic floor, rectum, bladder, urethra and bulb."""

from __future__ import annotations

import numpy as np

from engines.phantom.noise import Rng, band_noise, sheet_field, slow
from engines.phantom.pelvis.gland import surface_of, urethra
from engines.phantom.pelvis.man import Filling, Man
from engines.phantom.pelvis.stage import Points, Stage, Window
from engines.phantom.pelvis.stuff import Signals, Stuff
from engines.phantom.shapes import Knot, common, ellipsoid, tube
from inference.volume import Floats

CONTENTS = {
    Filling.GAS: Stuff.AIR,
    Filling.STOOL: Stuff.STOOL,
    Filling.GEL: Stuff.GEL,
    Filling.COLLAPSED: Stuff.MUCOSA,
    Filling.COIL: Stuff.AIR,
}
TOP_MM = 120.0


def paint_floor(stage: Stage, man: Man, signals: Signals, rng: Rng) -> None:
    """The levator ani: a thin dark funnel round prostate and rectum, open in front."""
    (a, b, c), s = man.gland.half_mm, man.scale
    thick = float(rng.uniform(1.1, 2.2)) * man.muscle
    levels = [-c - 30, -c - 6, -0.5 * c, 0.3 * c, c + 14]
    wide = [12.0, 17.0, 0.86 * a + man.gap_mm, a + man.gap_mm + 2, 47 * s]
    back = b + 2 * man.rectum_mm + float(rng.uniform(1, 9))
    reach = [20.0, 0.42 * back, 0.55 * back, 0.66 * back, 50 * s]

    def funnel(p: Points) -> Floats:
        x, y = (np.interp(p.z, levels, values).astype(np.float32) for values in (wide, reach))
        middle = np.interp(p.z, levels, [b + 8, 0.55 * back, 0.44 * back, 0.36 * back, 24]).astype(np.float32)
        aside, deep = p.x / x, (p.y - middle) / y
        level = np.where(deep > 0, np.sqrt(aside**2 + np.abs(deep) ** 1.5), np.sqrt(aside**2 + 0.5 * deep**2))
        sheet = thick * (1 + 1.8 * np.clip(-p.z / c - 0.4, 0, 1)) - np.abs(1 - level) * np.minimum(x, y)
        return np.asarray(np.minimum(sheet, p.y + 0.75 * b), dtype=np.float32)

    stage.solid((50, -b, -c - 30), (50, 80 * s, c + 16), funnel, signals[Stuff.LEVATOR])


def paint_rectum(stage: Stage, man: Man, signals: Signals, rng: Rng) -> None:
    """Rectum and anal canal: wall, mucosa, contents."""
    knots = _rectum_course(man, rng)
    radius = max(k[3] for k in knots)
    window = stage.box((-40, -5, -TOP_MM), (40, knots[-1][1] + radius + 14, TOP_MM))
    p = stage.points(window)
    bowed = p.left + 2.0 * slow(band_noise(rng, 60.0), p.left, p.y, p.z, 4)
    inside = tube(bowed, p.y, p.z, knots)
    wall = (
        float(rng.uniform(0.3, 0.75)) * man.rectum_mm
        if man.filling is Filling.COLLAPSED
        else float(rng.uniform(2.2, 4.8))
    )
    inner = inside - wall - np.clip(-p.z / man.gland.half_mm[2] - 0.7, 0, 0.8) * 8
    grain = 1 + np.float32(0.16) * slow(band_noise(rng, 8.0), p.left, p.y, p.z, 2)
    stage.paint(window, stage.cover(inside + 0.7), signals[Stuff.FASCIA])
    stage.paint(window, stage.cover(inside, 1.2), signals[Stuff.RECTUM] * grain)
    stage.paint(window, stage.cover(inner + 1.4), signals[Stuff.MUCOSA] * grain)
    _fill(stage, window, p, inner, man, signals, rng)


def _fill(stage: Stage, window: Window, p: Points, inner: Floats, man: Man, signals: Signals, rng: Rng) -> None:
    stuff = CONTENTS[man.filling]
    if man.filling is Filling.COLLAPSED:
        folds = sheet_field(rng, 9.0).at(p.left, p.y, p.z)
        cover = stage.cover(common(inner, np.float32(0.8) - np.abs(folds), 0.5))
        stage.paint(window, cover, signals[Stuff.GEL if rng.random() < 0.4 else Stuff.STOOL])
        return
    mottled = slow(band_noise(rng, 8.0, 0.8), p.left, p.y, p.z, 2)
    rough = {Stuff.STOOL: 0.45, Stuff.GEL: 0.06}.get(stuff, 0.0)
    values = np.maximum(signals[stuff] * (1 + np.float32(rough) * mottled), 0)
    stage.paint(window, stage.cover(inner), values)


def _rectum_course(man: Man, rng: Rng) -> list[Knot]:
    _, b, c = man.gland.half_mm
    r = man.rectum_mm
    aside = float(rng.normal(0, 3.0))
    low = 9.0 + 0.15 * r
    sacral = float(rng.uniform(0.1, 0.7))
    y = b + r + float(rng.uniform(-1.5, 1.8))
    return [
        (0, 0.55 * b + low + 8, -c - 55, low),
        (0, 0.28 * b + low + 3, -c - 6, low + 1),
        (aside * 0.5, y - 0.1 * b - 0.1 * r, -0.45 * c, 0.9 * r),
        (aside, y, 0.25 * c, r),
        (aside * 1.6, y + sacral * c, c + 8, r * float(rng.uniform(0.75, 1.05))),
        (aside * 2.5, y + sacral * (c + 34), c + 60, r * float(rng.uniform(0.7, 1.1))),
    ]


def paint_bladder(stage: Stage, man: Man, signals: Signals, rng: Rng) -> None:
    """The bladder above and before the prostate: dark wall, urine with streaks of flow."""
    (_, b, c), s = man.gland.half_mm, man.scale
    size = (man.bladder_ml * 3000 / (4 * np.pi)) ** (1 / 3)
    x, y, z = (float(size * f) for f in np.exp(rng.normal([0.12, -0.04, -0.08], 0.09)))
    wall = man.bladder_wall_mm
    front = max(-0.25 * b - float(rng.uniform(0.15, 0.85)) * y, -54 * s + y + wall)
    low = float(rng.uniform(-0.35, 0.95)) * c
    centre = (float(rng.normal(0, 4)), front, low + z * float(rng.uniform(0.8, 1.0)))
    least = (centre[0] - x - wall, centre[1] - y - wall, centre[2] - z - wall)
    most = (centre[0] + x + wall, centre[1] + y + wall, centre[2] + z + wall)
    window = stage.box(least, most)
    if any(span.stop <= span.start for span in window):
        return
    p = stage.points(window)
    uneven = 0.1 * wall * slow(band_noise(rng, 20.0, 0.8), p.left, p.y, p.z)
    inside = ellipsoid(p.left, p.y, p.z, centre, (x, y, z)) + np.asarray(uneven, dtype=np.float32)
    levels, behind = [0.1 * c, 0.85 * c, c + 30], [-0.9 * b, 0.15 * b, 0.15 * b + float(rng.uniform(12, 30))]
    room = np.interp(p.z, levels, behind).astype(np.float32) - p.y
    inside = common(inside, room, 4.0)
    lumen = np.minimum(inside, -surface_of(man.gland, p) - np.float32(rng.uniform(1.0, 3.0)))
    flow = 1 + np.float32(rng.uniform(0.0, 0.1)) * slow(band_noise(rng, 30.0, 0.9), p.left, p.y * np.float32(0.5), p.z)
    stage.paint(window, stage.cover(inside + wall, 1.0), signals[Stuff.BLADDER] * (1 + 0.3 * uneven / wall))
    stage.paint(window, stage.cover(lumen), signals[Stuff.URINE] * flow)


def paint_outlet(stage: Stage, man: Man, signals: Signals) -> None:
    """Below the apex: the urethra in its dark ring, and the bright bulb of the penis."""
    _, b, c = man.gland.half_mm
    knots = [(x, y, z, 1.0) for x, y, z, _ in urethra(man.gland)[-2:]]
    foot = knots[-1]
    low, high = (16.0, -b - 20, -c - 60), (16.0, b + 14, -0.5 * c)
    bulb = (0.0, foot[1] + 2.0, foot[2] - 7.0)
    stage.solid(low, high, lambda p: ellipsoid(p.x, p.y, p.z, bulb, (9, 13, 10)) + 1.0, signals[Stuff.FASCIA])
    stage.solid(low, high, lambda p: ellipsoid(p.x, p.y, p.z, bulb, (9, 13, 10)), signals[Stuff.BULB])
    for more, stuff in ((6.5, Stuff.LEVATOR), (3.2, Stuff.URETHRA), (0.6, Stuff.CAPSULE)):
        rings = [(x, y, z, r + more) for x, y, z, r in knots]
        stage.solid(low, high, lambda p, k=rings: tube(p.left, p.y, p.z, k), signals[stuff])  # type: ignore[misc]
