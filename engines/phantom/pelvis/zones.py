"""Paints the prostate: peripheral zone, transition zone with its nodules, stroma, tumours, capsules."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engines.phantom.noise import Rng, band_noise, sheet_field
from engines.phantom.pelvis.gland import Zones, shape_of, urethra
from engines.phantom.pelvis.man import Gland, Man
from engines.phantom.pelvis.stage import Points, Stage, Window
from engines.phantom.pelvis.stuff import Signals, Stuff
from engines.phantom.shapes import Point, ellipsoid, tube
from inference.volume import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """How much of the stage's grid points each label fills, 0..1."""

    window: Window
    whole: Floats
    inner: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Bench:
    """What every painter of this room needs."""

    stage: Stage
    window: Window
    points: Points
    zones: Zones
    gland: Gland
    signals: Signals
    rng: Rng

    def lay(self, inside_mm: Floats, value: Floats | float, soft_mm: float = 0.0, share: Floats | float = 1.0) -> None:
        """Paint inside the gland only."""
        cover = self.stage.cover(np.minimum(inside_mm, self.zones.whole), soft_mm)
        self.stage.paint(self.window, np.asarray(cover * share, dtype=np.float32), value)

    def noise(self, wave_mm: float, octaves: float = 0.5) -> Floats:
        """Unevenness of unit variance."""
        p = self.points
        return band_noise(self.rng, wave_mm, octaves).at(p.left, p.y, p.z)


def paint_prostate(stage: Stage, man: Man, signals: Signals, rng: Rng) -> Truth:
    """Paint it and say where its zones are."""
    gland = man.gland
    a, b, c = gland.half_mm
    more = gland.median_mm + 0.35 * c
    window = stage.window((0, -1.2 * b, -1.1 * c), (1.15 * a, 1.2 * b, c + more))
    points = stage.points(window)
    bench = Bench(stage, window, points, shape_of(gland, points), gland, signals, rng)
    _peripheral(bench)
    _inner(bench)
    _nodules(bench)
    _middle(bench)
    _capsules(bench)
    _tumours(bench)
    return Truth(window, stage.cover(bench.zones.whole), stage.cover(bench.zones.inner))


def _peripheral(bench: Bench) -> None:
    """Bright, in lobules parted by thin dark septa; patchy dark in some, and dimmer along the midline."""
    rng, signals, p = bench.rng, bench.signals, bench.points
    dim = signals[Stuff.STROMA]
    level = dim + (signals[Stuff.PERIPHERAL] - dim) * (0.2 + 0.8 * bench.gland.contrast)
    fine = bench.noise(float(rng.uniform(2.4, 4.0)))
    slow = bench.noise(18.0, 0.7)
    values = level * (1 + np.float32(rng.uniform(0.06, 0.16)) * fine + np.float32(rng.uniform(0.03, 0.12)) * slow)
    patch = np.clip((slow - np.float32(rng.uniform(0.0, 3.4))) * 1.3, 0, 1) * np.float32(rng.uniform(0.2, 0.8))
    middle = np.float32(rng.uniform(0.1, 0.75)) * np.exp(-((p.left / np.float32(rng.uniform(3, 7))) ** 2))
    dimmed = values + (np.float32(0.95 * dim) - values) * np.maximum(patch, middle)
    bench.lay(bench.zones.whole, np.asarray(dimmed, dtype=np.float32))
    septa = sheet_field(rng, float(rng.uniform(5, 9))).at(p.left, p.y, p.z * np.float32(0.5))
    bench.lay(np.float32(0.25) - np.abs(septa), 0.8 * dim, share=float(rng.uniform(0.1, 0.7)))


def _inner(bench: Bench) -> None:
    rng, signals = bench.rng, bench.signals
    texture = 1 + np.float32(rng.uniform(0.08, 0.3)) * bench.noise(float(rng.uniform(3, 7)), 0.7)
    bench.lay(bench.zones.inner, signals[Stuff.STROMA] * texture, soft_mm=float(rng.uniform(0.5, 2.5)))


def _nodules(bench: Bench) -> None:
    """Hyperplasia: nodules, bright or dark or mixed, most of them in a dark rim."""
    rng, zones = bench.rng, bench.zones
    fine = bench.noise(2.6)
    inside = np.flatnonzero(zones.lobes > 2.0)
    for _ in range(bench.gland.nodules if inside.size else 0):
        centre = _pick(bench, inside)
        reach = float(np.clip(rng.gamma(3.0, 2.0), 2.0, 14.0))
        radii = (reach * rng.uniform(0.8, 1.2), reach * rng.uniform(0.8, 1.2), reach * rng.uniform(0.8, 1.2))
        _nodule(bench, centre, radii, fine)


def _nodule(bench: Bench, centre: Point, radii: Point, fine: Floats) -> None:
    rng, signals = bench.rng, bench.signals
    low = tuple(m - r for m, r in zip(centre, radii, strict=True))
    high = tuple(m + r for m, r in zip(centre, radii, strict=True))
    part = _inside(bench.window, bench.stage.box((low[0], low[1], low[2]), (high[0], high[1], high[2])))
    p, zones = bench.points, bench.zones
    ball = ellipsoid(p.left[part], p.y[part], p.z[part], centre, radii)
    inside = np.minimum(ball, np.minimum(zones.lobes[part], zones.inner[part] - 0.6))
    stuff = Stuff.GLANDULAR if rng.random() < bench.gland.glandular else Stuff.STROMAL
    level = signals[Stuff.STROMA] + (signals[stuff] - signals[Stuff.STROMA]) * rng.uniform(0.3, 1.1)
    values = level * (1 + np.float32(rng.uniform(0.05, 0.35)) * fine[part])
    target = _nested(bench.window, part)
    bench.stage.paint(target, bench.stage.cover(inside) * np.float32(rng.uniform(0.2, 1)), signals[Stuff.CAPSULE])
    bench.stage.paint(target, bench.stage.cover(inside - np.float32(rng.uniform(0.4, 1.1))), values)


def _middle(bench: Bench) -> None:
    """Central zone with the ejaculatory ducts, anterior stroma, urethra and colliculus, a funnel of resection."""
    rng, signals, zones, p = bench.rng, bench.signals, bench.zones, bench.points
    a, b, c = bench.gland.half_mm
    central = signals[Stuff.CENTRAL] * (1 + np.float32(0.08) * bench.noise(6.0))
    bench.lay(zones.central, central, soft_mm=2.5, share=float(rng.uniform(0.5, 1)))
    bench.lay(zones.anterior, signals[Stuff.ANTERIOR], soft_mm=4.0, share=float(rng.uniform(0.6, 1)))
    course = urethra(bench.gland)
    ring = tube(p.left, p.y, p.z, [(x, y, z, 0.9 * bench.gland.ring_mm) for x, y, z, _ in course])
    bench.lay(ring, signals[Stuff.STROMAL], soft_mm=1.5, share=float(rng.uniform(0.2, 0.9)))
    bench.lay(tube(p.left, p.y, p.z, course), signals[Stuff.URETHRA], share=float(rng.uniform(0.3, 1)))
    colliculus = ellipsoid(p.x, p.y, p.z, (0, 0.06 * b, -0.18 * c), (2.6, 3.4, 6.0))
    bench.lay(colliculus, signals[Stuff.GLANDULAR], soft_mm=1.2, share=float(rng.uniform(0.2, 1)))
    ducts = tube(p.x, p.y, p.z, [(1.2, 0.15 * b, -0.1 * c, 0.7), (2.6, 0.62 * b, 0.95 * c, 1.0)])
    bench.lay(ducts, signals[Stuff.VESICLE], share=float(rng.uniform(0.1, 0.9)))
    if bench.gland.resected:
        funnel = tube(p.left, p.y, p.z, [(0, -0.15 * b, 1.1 * c, 0.28 * a), (0, 0, 0, 3.0)])
        bench.lay(funnel, signals[Stuff.URINE])


def _capsules(bench: Bench) -> None:
    """The dark lines round the transition zone and round the gland, broken here and there."""
    rng, zones, dark = bench.rng, bench.zones, bench.signals[Stuff.CAPSULE]
    broken = np.clip(0.8 + 0.6 * bench.noise(14.0), 0, 1)
    surgical = np.float32(rng.uniform(0.3, 0.8)) - np.abs(zones.inner)
    bench.lay(surgical, dark, share=broken * np.float32(rng.uniform(0.1, 0.8)))
    true = np.float32(rng.uniform(0.35, 0.6)) - np.abs(zones.whole - 0.3)
    bench.lay(true, dark, share=broken * np.float32(rng.uniform(0.3, 1)))


def _tumours(bench: Bench) -> None:
    """Dark foci with soft edges, seven of ten in the peripheral zone."""
    rng, zones, p = bench.rng, bench.zones, bench.points
    for _ in range(bench.gland.tumours):
        outer = rng.random() < 0.7
        where = np.flatnonzero((zones.whole > 2.5) & (zones.inner < -1.5) if outer else zones.lobes > 4.0)
        if not where.size:
            continue
        x, y, z = _pick(bench, where)
        reach = float(rng.uniform(3.0, 10.0))
        radii = (reach * rng.uniform(0.8, 1.4), reach * rng.uniform(0.5, 1.0), reach * rng.uniform(0.8, 1.3))
        ball = ellipsoid(p.left, p.y, p.z, (x, y, z), radii)
        level = bench.signals[Stuff.TUMOUR] * float(rng.uniform(0.75, 1.05))
        bench.lay(ball, level, soft_mm=float(rng.uniform(1, 4)), share=float(rng.uniform(0.6, 1)))


def _pick(bench: Bench, where: np.ndarray[tuple[int], np.dtype[np.intp]]) -> Point:
    at = np.unravel_index(int(where[bench.rng.integers(where.size)]), bench.points.left.shape)
    p = bench.points
    return float(p.left[at]), float(p.y[at]), float(p.z[at])


def _inside(outer: Window, inner: Window) -> Window:
    """`inner` counted from the start of `outer`, cut to it."""
    spans = []
    for whole, part in zip(outer, inner, strict=True):
        size = whole.stop - whole.start
        first = min(max(part.start - whole.start, 0), size)
        spans.append(slice(first, max(first, min(part.stop - whole.start, size))))
    return spans[0], spans[1], spans[2]


def _nested(outer: Window, inner: Window) -> Window:
    k, j, i = (slice(w.start + p.start, w.start + p.stop) for w, p in zip(outer, inner, strict=True))
    return k, j, i
