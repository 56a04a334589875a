"""The shape of the prostate and of its inner gland, as distances in mm, positive inside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engines.phantom.pelvis.man import Gland
from engines.phantom.pelvis.stage import Points
from engines.phantom.shapes import Knot, common, ellipsoid, tube, union
from inference.volume import Floats

WIDER_BEHIND = 0.13
GROOVE_MM = 2.2
SQUARE = 2.25


@dataclass(frozen=True, slots=True, eq=False)
class Zones:
    """Signed distances on one window.

    Attributes:
        whole: To the gland's surface.
        lobes: To the surface of the transition zone's lobes.
        central: Of the central zone round the ejaculatory ducts.
        anterior: Of the anterior fibromuscular stroma.
        inner: Of all that is not peripheral zone: lobes, central zone, anterior stroma and what is round the urethra.
    """

    whole: Floats
    lobes: Floats
    central: Floats
    anterior: Floats
    inner: Floats


def shape_of(gland: Gland, points: Points) -> Zones:
    """Work out the zones there."""
    here = _upright(gland, points)
    whole = _whole(gland, here)
    lobes = common(_lobes(gland, here), whole - np.float32(1.2), 1.0)
    if gland.median_mm:
        lobe = _median(gland, here)
        whole, lobes = union(whole, lobe, 3.0), union(lobes, lobe - np.float32(1.0), 2.0)
    central = common(_central(gland, here), whole - np.float32(1.0), 1.0)
    anterior = np.minimum(_anterior(gland, here), whole)
    inner = union(union(lobes, central, 3.0), union(anterior, _round_urethra(gland, here), 1.5), 1.5)
    return Zones(whole, lobes, central, anterior, np.minimum(inner, whole))


def surface_of(gland: Gland, points: Points) -> Floats:
    """Distance to the surface, median lobe included."""
    here = _upright(gland, points)
    whole = _whole(gland, here)
    return union(whole, _median(gland, here), 3.0) if gland.median_mm else whole


def urethra(gland: Gland) -> list[Knot]:
    """Its course from the bladder neck to the membranous part, radius 1 mm."""
    _, b, c = gland.half_mm
    return [
        (0, -0.30 * b, 1.15 * c, 1.2),
        (0, 0.02 * b, -0.15 * c, 1.6),
        (0, -0.12 * b, -c, 1.2),
        (0, -0.2 * b, -c - 26, 1.2),
    ]


def _upright(gland: Gland, p: Points) -> Points:
    return Points(p.left, p.x, p.y + np.float32(gland.lean) * p.z, p.z)


def _whole(gland: Gland, p: Points) -> Floats:
    a, b, c = gland.half_mm
    v = p.y / np.float32(b)
    groove = np.float32(GROOVE_MM / b) * np.exp(-((p.x / np.float32(0.32 * a)) ** 2)) * np.clip(v, 0, 1)
    v = v + groove
    u = p.x / (np.float32(a) * (1 + np.float32(WIDER_BEHIND) * np.clip(v, -1, 1)))
    w = p.z / np.float32(c)
    flat = (u**SQUARE + np.abs(v) ** SQUARE) ** np.float32(2 / SQUARE)
    tall = np.where(w > 0, np.abs(w) ** np.float32(2.6), w * w)
    return _distance(np.sqrt(flat + tall), p)


def _distance(level: Floats, p: Points) -> Floats:
    """About the distance, along the ray from the middle and somewhat less, as the surface stands askew to it."""
    ray = np.sqrt(p.x**2 + p.y**2 + p.z**2)
    return np.asarray(0.93 * ray * (1 - level) / np.maximum(level, 0.08), dtype=np.float32)


def _lobes(gland: Gland, p: Points) -> Floats:
    (a, b, c), (sx, sy, sz) = gland.half_mm, gland.inner
    z = c * (0.9 - sz)
    y = -b * (1 - sy) * 0.9
    centre = (0.36 * a * sx, y + 0.04 * b, z)
    return ellipsoid(p.x, p.y, p.z, centre, (0.66 * a * sx, b * sy, c * sz))


def _median(gland: Gland, p: Points) -> Floats:
    a, b, c = gland.half_mm
    reach = 0.35 * c + gland.median_mm
    return ellipsoid(p.left, p.y, p.z, (0, -0.1 * b, 0.7 * c), (0.33 * a, 0.36 * b, reach))


def _central(gland: Gland, p: Points) -> Floats:
    """A cone that widens from the colliculus to the base, behind the lobes."""
    a, b, c = gland.half_mm
    share = np.clip((p.z / np.float32(c) + 0.1) / 1.05, 0, 1)
    middle = np.float32(0.18 * b) + np.float32(0.42 * b) * share
    wide, deep = 2 + 0.58 * a * share, 2 + 0.3 * b * share
    level = np.sqrt((p.x / wide) ** 2 + ((p.y - middle) / deep) ** 2)
    cone = np.asarray((1 - level) * np.minimum(wide, deep), dtype=np.float32)
    return common(cone, p.z + np.float32(0.15 * c), 2.0)


def _anterior(gland: Gland, p: Points) -> Floats:
    a, b, c = gland.half_mm
    return ellipsoid(p.x, p.y, p.z, (0, -1.02 * b, 0.05 * c), (0.46 * a, 0.36 * b, 1.05 * c))


def _round_urethra(gland: Gland, p: Points) -> Floats:
    _, b, _ = gland.half_mm
    ring = gland.ring_mm
    radii = (0.55 * b, ring, 0.85 * ring, 0.8 * ring)
    knots = [(x, y, z, radius) for (x, y, z, _), radius in zip(urethra(gland), radii, strict=True)]
    return tube(p.left, p.y, p.z, knots)
