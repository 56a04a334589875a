"""Signed distances in mm, positive inside, of the few solids a head is built from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from inference.volume import Floats

Point = tuple[float, float, float]
Knot = tuple[float, float, float, float]


def ellipsoid(x: Floats, y: Floats, z: Floats, centre: Point, radii: Point) -> Floats:
    """Close to the true distance near the surface (gradient-normalised)."""
    a, b, c = ((p - np.float32(m)) / np.float32(r) for p, m, r in zip((x, y, z), centre, radii, strict=True))
    level = np.sqrt(a * a + b * b + c * c)
    slope = np.sqrt((a / radii[0]) ** 2 + (b / radii[1]) ** 2 + (c / radii[2]) ** 2)
    return np.asarray(level * (1 - level) / np.maximum(slope, 1e-6), dtype=np.float32)


def tube(x: Floats, y: Floats, z: Floats, knots: Sequence[Knot]) -> Floats:
    """A chain of round cones through knots (x, y, z, radius)."""
    best = np.full(x.shape, -1e3, dtype=np.float32)
    for start, end in zip(knots[:-1], knots[1:], strict=True):
        np.maximum(best, _cone(x, y, z, start, end), out=best)
    return best


def _cone(x: Floats, y: Floats, z: Floats, start: Knot, end: Knot) -> Floats:
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
