"""Signed distances in mm, positive inside, of the few solids a head is built from."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from inference.volume import Floats

Point = tuple[float, float, float]
Knot = tuple[float, float, float, float]
REACH_MM = 22.0
FAR = -1e3


def ellipsoid(x: Floats, y: Floats, z: Floats, centre: Point, radii: Point) -> Floats:
    """Close to the true distance near the surface (gradient-normalised)."""
    a, b, c = ((p - np.float32(m)) / np.float32(r) for p, m, r in zip((x, y, z), centre, radii, strict=True))
    level = np.sqrt(a * a + b * b + c * c)
    slope = np.sqrt((a / radii[0]) ** 2 + (b / radii[1]) ** 2 + (c / radii[2]) ** 2)
    level, slope = np.maximum(level, 1e-4), np.maximum(slope, 1e-4 / min(radii))
    return np.asarray(level * (1 - level) / slope, dtype=np.float32)


def tube(x: Floats, y: Floats, z: Floats, knots: Sequence[Knot]) -> Floats:
    """A chain of round cones through knots (x, y, z, radius); `FAR` mm beyond more than `REACH_MM` from it.

    The arrays must be coordinates of a grid whose axes run along z, y and x (or |x|), bent by a few mm at most.
    """
    best = np.full(x.shape, FAR, dtype=np.float32)
    for start, end in pairwise(knots):
        part = _near(x, y, z, start, end)
        np.maximum(best[part], cone(x[part], y[part], z[part], start, end), out=best[part])
    return best


def _near(x: Floats, y: Floats, z: Floats, start: Knot, end: Knot) -> tuple[slice, slice, slice]:
    k, j, i = (n // 2 for n in x.shape)
    spans = []
    for line, axis in ((z[:, j, i], 2), (y[k, :, i], 1), (x[k, j, :], 0)):
        reach = max(start[3], end[3]) + REACH_MM
        low, high = min(start[axis], end[axis]) - reach, max(start[axis], end[axis]) + reach
        inside = np.flatnonzero((line > low) & (line < high))
        spans.append(slice(int(inside[0]), int(inside[-1]) + 1) if inside.size else slice(0, 0))
    return spans[0], spans[1], spans[2]


def cone(x: Floats, y: Floats, z: Floats, start: Knot, end: Knot) -> Floats:
    """A round cone between two knots (x, y, z, radius)."""
    ax, ay, az, ar = (np.float32(v) for v in start)
    dx, dy, dz, dr = (np.float32(e - s) for s, e in zip(start, end, strict=True))
    length2 = max(float(dx * dx + dy * dy + dz * dz), 1e-6)
    px, py, pz = x - ax, y - ay, z - az
    t = np.clip((px * dx + py * dy + pz * dz) / np.float32(length2), 0, 1)
    gap = (px - t * dx) ** 2 + (py - t * dy) ** 2 + (pz - t * dz) ** 2
    return np.asarray(ar + t * dr - np.sqrt(gap), dtype=np.float32)


def union(first: Floats, second: Floats, blend_mm: float) -> Floats:
    """Smooth maximum."""
    share = np.clip(0.5 + (first - second) / np.float32(2 * blend_mm), 0, 1)
    return np.asarray(second + (first - second) * share + blend_mm * share * (1 - share), dtype=np.float32)


def common(first: Floats, second: Floats, blend_mm: float) -> Floats:
    """Smooth minimum."""
    return -union(-first, -second, blend_mm)


def sheet(gap: Floats, *ends: Floats) -> Floats:
    """Distance to a sheet: `gap` from its face and, beyond each end, how far past that end (ends > 0 = past)."""
    total = np.maximum(gap, 0) ** 2
    for end in ends:
        total = total + np.maximum(end, 0) ** 2
    return np.asarray(np.sqrt(total), dtype=np.float32)
