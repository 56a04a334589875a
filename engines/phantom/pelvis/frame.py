"""Body wall, fat, bones and muscles: what stands round the organs of the pelvis."""

from __future__ import annotations

import numpy as np

from engines.phantom.noise import Rng, band_noise, sheet_field, slow
from engines.phantom.pelvis.man import Man
from engines.phantom.pelvis.stage import Corner, Points, Stage
from engines.phantom.pelvis.stuff import Signals, Stuff
from engines.phantom.shapes import Knot, common, ellipsoid, tube, union
from inference.volume import Floats

HEAD: tuple[Corner, float] = ((87.0, -4.0, 13.0), 24.5)
RAMI: tuple[tuple[Knot, ...], ...] = (
    ((14, -42, -22, 12), (14, -34, -38, 10), (26, -10, -54, 8), (42, 18, -64, 10), (60, 46, -52, 16)),
    ((16, -44, -18, 13), (36, -46, -6, 10), (56, -36, 8, 12), (64, -26, 20, 14)),
    ((64, 48, -44, 17), (68, 42, -22, 15), (74, 33, 0, 15), (72, 32, 24, 15), (68, 34, 48, 15)),
    ((64, -26, 20, 14), (63, 4, 32, 14), (68, 30, 40, 15)),
)
THIGH: tuple[Knot, ...] = ((92, -2, 8, 18), (120, 12, -18, 16), (138, 18, -40, 19))


def paint_fat(stage: Stage, signals: Signals, rng: Rng) -> None:
    """Fat everywhere: thin dark septa, small vessels, slow unevenness."""
    points = stage.points(stage.all)
    lines = sheet_field(rng, float(rng.uniform(14, 26))).at(points.left, points.y, points.z)
    spots = slow(band_noise(rng, float(rng.uniform(7, 11))), points.left, points.y, points.z, 2)
    septa = stage.cover(np.float32(rng.uniform(0.0, 0.3)) - np.abs(lines)) * np.clip(spots + 0.3, 0, 1)
    stage.paint(stage.all, septa * np.float32(rng.uniform(0.15, 0.7)), signals[Stuff.FASCIA])
    dots = np.clip((spots - np.float32(rng.uniform(2.0, 2.6))) * 2, 0, 1)
    stage.paint(stage.all, dots, signals[Stuff.VESSEL if rng.random() < 0.6 else Stuff.VEIN])
    stage.image *= 1 + np.float32(0.04) * spots


def paint_wall(stage: Stage, man: Man, signals: Signals) -> None:
    """Skin and the air beyond it, the cleft, and the straight muscles of the belly."""
    front = -(74.0 + man.fat_mm) * man.scale
    back = 150.0 * man.scale
    middle, depth = (front + back) / 2, (back - front) / 2
    points = stage.points(stage.all)
    inside = ellipsoid(points.left, points.y, points.z, (0, middle, 0), (depth * 1.75, depth, 900.0))
    cleft = np.maximum(np.abs(points.left) - np.float32(1.0), back - 34.0 - points.y)
    stage.paint(stage.all, stage.cover(np.float32(2.0) - inside), signals[Stuff.SKIN])
    stage.paint(stage.all, stage.cover(-cleft), signals[Stuff.SKIN])
    stage.paint(stage.all, stage.cover(-inside), 0.0)
    _belly(stage, man, signals)


def _belly(stage: Stage, man: Man, signals: Signals) -> None:
    y = -60.0 * man.scale

    def straight(p: Points) -> Floats:
        flat = ellipsoid(p.x, p.y, p.z, (15.5, y, 55.0), (15.0, 5.0 * man.muscle, 70.0))
        return np.asarray(np.minimum(flat, p.x - np.float32(0.8)), dtype=np.float32)

    stage.solid((0, y - 8, -20), (34, y + 8, 120), straight, signals[Stuff.MUSCLE])


def paint_muscles(stage: Stage, man: Man, signals: Signals, rng: Rng) -> None:
    """Both sides' muscles and great vessels."""
    s, m = man.scale, man.muscle
    muscle = signals[Stuff.MUSCLE]
    solids: tuple[tuple[Corner, Corner], ...] = (
        ((50, -56, -42), (33 * m, 25 * m, 36)),  # pectineus and adductors
        ((56, -20, -42), (40 * m, 20 * m, 22)),  # obturator externus
        ((62, -62, 20), (20 * m, 15 * m, 90)),  # iliopsoas
        ((92, -60, -20), (17 * m, 22 * m, 90)),  # sartorius, rectus of the thigh
        ((118, -20, 30), (17 * m, 32 * m, 45)),  # glutei
        ((66, 100, -10), (62, 29 * m, 80)),  # gluteus maximus
        ((78, 62, -20), (20, 7 * m, 26)),  # quadratus, gemelli
    )
    for centre, radii in solids:
        c, r = _times(centre, s), _times(radii, s)
        low, high = _round(c, r)
        stage.solid(low, high, lambda p, c=c, r=r: ellipsoid(p.x, p.y, p.z, c, r), muscle)  # type: ignore[misc]
    _streaks(stage, muscle, rng)
    _vessels(stage, s, signals)


def _streaks(stage: Stage, muscle: float, rng: Rng) -> None:
    """Fat between the bundles of the muscles painted so far."""
    points = stage.points(stage.all)
    across, along = points.left * np.float32(0.45), points.z * np.float32(0.3)
    fibres = slow(band_noise(rng, 8.0, 0.4), across, points.y, along, 2)
    width = np.float32(rng.uniform(0.15, 0.3))
    lines = np.clip(1 - np.abs(fibres) / width, 0, 1) * np.float32(rng.uniform(0.25, 0.7))
    share = np.maximum(lines, np.clip((fibres - np.float32(1.2)) * 0.4, 0, 0.5))
    stage.paint(stage.all, share * (stage.image < 1.25 * muscle), 0.8)


def _vessels(stage: Stage, s: float, signals: Signals) -> None:
    for x, y, radius, stuff in ((72, -70, 5.0, Stuff.VESSEL), (61, -66, 6.0, Stuff.VESSEL), (36, -76, 6.5, Stuff.VEIN)):
        knots = [(x * s, y * s, -120.0, radius), (x * s, y * s, 0.0, radius), ((x - 6) * s, (y + 10) * s, 90.0, radius)]
        low, high = ((x - 18) * s, (y - 12) * s, -120.0), ((x + 12) * s, (y + 24) * s, 120.0)

        def shape(p: Points, knots: list[tuple[float, float, float, float]] = knots) -> Floats:
            return tube(p.x, p.y, p.z, knots)

        stage.solid(low, high, lambda p, f=shape: f(p) + 1.2, signals[Stuff.FASCIA])  # type: ignore[misc]
        level = signals[stuff] * (0.7 if stuff is Stuff.VEIN else 1.0)
        stage.solid(low, high, shape, level)


def paint_obturator(stage: Stage, man: Man, signals: Signals) -> None:
    """The internal obturator muscles: the dark side walls of the true pelvis."""
    s, thick = man.scale, 9.5 * man.muscle

    def wall(p: Points) -> Floats:
        bow = (43 + 0.0048 * (p.y - 8) ** 2 + 0.12 * np.maximum(p.z, 0) + 0.16 * np.minimum(p.z, 0)) * s
        across = thick * s - np.abs(p.x - bow)
        ends = ellipsoid(p.x, p.y, p.z, (46 * s, 16 * s, -4 * s), (62 * s, 47 * s, 52 * s))
        return common(np.asarray(across, dtype=np.float32), ends, 3.0)

    stage.solid((20 * s, -36 * s, -54 * s), (76 * s, 70 * s, 54 * s), wall, signals[Stuff.MUSCLE])


def paint_bones(stage: Stage, man: Man, signals: Signals, rng: Rng) -> None:
    """Pubis, ischium, hip: dark rim, marrow with unevenness, dark joints."""
    s = man.scale
    low, high = _times((0.0, -62.0, -75.0), s), _times((150.0, 66.0, 66.0), s)
    window = stage.window(low, high)
    points = stage.points(window)
    bone = _bone(points, s)
    centre, radius = _times(HEAD[0], s), HEAD[1] * s
    head = ellipsoid(points.x, points.y, points.z, centre, (radius, radius, radius))
    thigh = union(head, tube(points.x, points.y, points.z, [_knot(k, s) for k in THIGH]), 4.0)
    bone = common(bone, -(head + 3.0), 1.0)
    uneven = slow(band_noise(rng, 13.0, 0.8), points.left, points.y, points.z, 2)
    grain = 1 + np.float32(rng.uniform(0.06, 0.2)) * uneven
    socket = common(-(head + 0.2), union(bone, head + 4.0, 1.0), 1.0)
    stage.paint(window, stage.cover(common(socket, 3.0 - np.abs(head + 1.6), 0.5)), signals[Stuff.JOINT] * 0.7)
    for solid, stuff, rim in ((bone, Stuff.PUBIS, 1.7), (thigh, Stuff.MARROW, 1.3)):
        stage.paint(window, stage.cover(solid), signals[Stuff.CORTEX])
        stage.paint(window, stage.cover(solid - rim), signals[stuff] * grain)
    cleft = np.minimum(np.float32(2.4 * s) - points.x, bone)
    stage.paint(window, stage.cover(cleft), signals[Stuff.FASCIA])


def _bone(p: Points, s: float) -> Floats:
    solid = tube(p.x, p.y, p.z, [_knot(k, s) for k in RAMI[0]])
    for knots in RAMI[1:]:
        solid = union(solid, tube(p.x, p.y, p.z, [_knot(k, s) for k in knots]), 3.0)
    body = ellipsoid(p.x, p.y, p.z, (16 * s, -40 * s, -22 * s), (16 * s, 19 * s, 21 * s))
    return union(solid, body, 4.0)


def _times(point: Corner, factor: float) -> Corner:
    return point[0] * factor, point[1] * factor, point[2] * factor


def _knot(knot: Knot, s: float) -> Knot:
    return knot[0] * s, knot[1] * s, knot[2] * s, knot[3] * s


def _round(centre: Corner, radii: Corner) -> tuple[Corner, Corner]:
    (x, y, z), (a, b, c) = centre, radii
    return (x - a, y - b, z - c), (x + a, y + b, z + c)
