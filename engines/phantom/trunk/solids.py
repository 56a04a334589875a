"""Solids of a trunk beside those of `engines.phantom.shapes`: outlines by height, bent tubes and plates of bone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
from scipy.interpolate import CubicSpline

from engines.phantom.shapes import Knot, cone
from engines.phantom.trunk.canvas import Canvas, Corner, Places
from inference.volume import Floats

LEAST_STEP_MM = 8.0
"""Knots nearer to each other than this would make a curve swing out."""

Rows = tuple[tuple[float, ...], ...]
Part = tuple[Places, Floats]
"""Where, and the signed distance in mm there (inside > 0)."""


def ellipsoid(canvas: Canvas, centre: Corner, radii: Corner, tilt: float = 0.0, square: float = 0.0) -> Part | None:
    """An ellipsoid whose upper end leans by `tilt` (mm of x per mm of z); `square` 0..1 makes its sides steeper."""
    x, y, z = radii[0] + abs(tilt) * radii[2], radii[1], radii[2]
    at = canvas.box(
        (centre[0] - x, centre[1] - y, centre[2] - z),
        (centre[0] + x, centre[1] + y, centre[2] + z),
    )
    if at is None:
        return None
    dz = np.asarray(at.z - np.float32(centre[2]), dtype=np.float32)
    lean = np.asarray(np.float32(tilt) * dz, dtype=np.float32)
    u = (at.x - np.float32(centre[0]) - lean) / np.float32(radii[0])
    v, w = (at.y - np.float32(centre[1])) / np.float32(radii[1]), dz / np.float32(radii[2])
    return at, (1 - _level(u, v, w, square)) * np.float32((radii[0] * radii[1] * radii[2]) ** (1 / 3))


def _level(u: Floats, v: Floats, w: Floats, square: float) -> Floats:
    u2, v2, w2 = u * u, v * v, w * w
    round_ = np.sqrt(u2 + v2 + w2)
    if square == 0.0:
        return np.asarray(round_, dtype=np.float32)
    steep = np.sqrt(np.sqrt(u2 * u2 + v2 * v2 + w2 * w2))
    return np.asarray(round_ + np.float32(square) * (steep - round_), dtype=np.float32)


def oval(at: Places, half: Floats, front: Floats, back: Floats, square: float) -> Floats:
    """Signed distance to an outline given per slice by half width, front and back (all (k, 1, 1))."""
    middle, depth = (front + back) / 2, np.maximum((back - front) / 2, 1)
    half = np.maximum(half, 1)
    u = at.x / half
    u *= u
    v = (at.y - middle) / depth
    v *= v
    round_ = np.sqrt(u + v)
    steep = np.sqrt(np.sqrt(u * u + v * v))
    round_ += np.float32(square) * (steep - round_)
    return np.asarray((1 - round_) * np.sqrt(half * depth), dtype=np.float32)


def profile(z: Floats, rows: Rows) -> tuple[Floats, ...]:
    """Rows (z, first, second, ...) from low to high -> each column at heights `z`, smoothly."""
    values = _spline(rows)(np.clip(z, rows[0][0], rows[-1][0])).astype(np.float32)
    return tuple(values[..., n] for n in range(values.shape[-1]))


@lru_cache(maxsize=64)
def _spline(rows: Rows) -> CubicSpline:
    table = np.asarray(rows, dtype=np.float64)
    return CubicSpline(table[:, 0], table[:, 1:])


def bent(knots: Sequence[Knot], count: int) -> list[Knot]:
    """A smooth curve through knots (x, y, z, radius), as `count` knots of equal steps."""
    points = np.asarray(knots, dtype=np.float64)
    steps = np.linalg.norm(np.diff(points[:, :3], axis=0), axis=1)
    way = np.concatenate([[0.0], np.cumsum(np.maximum(steps, LEAST_STEP_MM))])
    fine = CubicSpline(way, points)(np.linspace(0, way[-1], count))
    fine[:, 3] = np.clip(fine[:, 3], points[:, 3].min(), points[:, 3].max())
    return [(float(a), float(b), float(c), float(r)) for a, b, c, r in fine]


def tube(canvas: Canvas, knots: Sequence[Knot]) -> Iterator[Part]:
    """A chain of round cones, each in its own small window."""
    for start, end in pairwise(knots):
        reach = max(start[3], end[3])
        lows, highs = ([f(a, b) for a, b in zip(start, end, strict=True)] for f in (min, max))
        at = canvas.box(
            (lows[0] - reach, lows[1] - reach, lows[2] - reach),
            (highs[0] + reach, highs[1] + reach, highs[2] + reach),
        )
        if at is not None:
            yield at, cone(at.x, at.y, at.z, start, end)


def plates(canvas: Canvas, rims: tuple[Sequence[Knot], Sequence[Knot]], mirrored: bool = True) -> Part | None:
    """A plate of bone between two rims of as many knots (x, y, z, half thickness), given on the left."""
    every = np.asarray([*rims[0], *rims[1]], dtype=np.float64)
    reach = every[:, 3].max()
    low, high = every[:, :3].min(axis=0) - reach, every[:, :3].max(axis=0) + reach
    box = canvas.both_sides if mirrored else canvas.box
    at = box((low[0], low[1], low[2]), (high[0], high[1], high[2]))
    if at is None:
        return None
    x = at.side if mirrored else at.x
    best = np.full(x.shape, -1e3, dtype=np.float32)
    for a, b, c, d in zip(rims[0], rims[0][1:], rims[1], rims[1][1:], strict=False):
        for corners in ((a, b, c), (b, d, c)):
            np.maximum(best, _triangle(x, at.y, at.z, np.asarray(corners, dtype=np.float32)), out=best)
    return at, best


def _triangle(x: Floats, y: Floats, z: Floats, corners: Floats) -> Floats:
    """Signed distance to a thick triangle; beyond its edges the nearest place by clamped weights, which is enough."""
    origin, edge, other = corners[0], corners[1] - corners[0], corners[2] - corners[0]
    px, py, pz = x - origin[0], y - origin[1], z - origin[2]
    ee, eo, oo = (np.float32(m @ n) for m, n in ((edge[:3], edge[:3]), (edge[:3], other[:3]), (other[:3], other[:3])))
    pe = px * edge[0] + py * edge[1] + pz * edge[2]
    po = px * other[0] + py * other[1] + pz * other[2]
    scale = np.float32(1) / max(ee * oo - eo * eo, np.float32(1e-6))
    u, v = np.clip((oo * pe - eo * po) * scale, 0, 1), np.clip((ee * po - eo * pe) * scale, 0, 1)
    over = np.maximum((u + v - 1) / 2, 0)
    u, v = np.clip(u - over, 0, 1), np.clip(v - over, 0, 1)
    gap = sum(
        (p - u * np.float32(e) - v * np.float32(o)) ** 2 for p, e, o in zip((px, py, pz), edge, other, strict=False)
    )
    return np.asarray(origin[3] + u * edge[3] + v * other[3] - np.sqrt(gap), dtype=np.float32)
