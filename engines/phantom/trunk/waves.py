"""Slow random unevenness on a scan's grid."""

from __future__ import annotations

import numpy as np

from engines.phantom.noise import Rng, grid_noise
from inference.volume import Floats, Geometry


def waves(rng: Rng, geometry: Geometry, size_mm: tuple[float, float, float]) -> Floats:
    """Noise of about unit variance, smooth over `size_mm` along z, y and x: drawn coarsely and interpolated between."""
    steps = geometry.spacing_mm[::-1]
    skip = [max(1, round(0.8 * size / step)) for size, step in zip(size_mm, steps, strict=True)]
    sigma = [size / step / s for size, step, s in zip(size_mm, steps, skip, strict=True)]
    coarse = tuple(-(-n // s) + 1 for n, s in zip(geometry.shape, skip, strict=True))
    values = grid_noise(rng, (coarse[0], coarse[1], coarse[2]), (sigma[0], sigma[1], sigma[2]))
    for axis in range(3):
        values = _stretched(values, axis, geometry.shape[axis], skip[axis])
    return np.asarray(values, dtype=np.float32)


def _stretched(values: Floats, axis: int, size: int, skip: int) -> Floats:
    place = np.arange(size, dtype=np.float32) / skip
    first = np.minimum(place.astype(int), values.shape[axis] - 2)
    share = np.expand_dims(place - first, tuple(a for a in range(3) if a != axis)).astype(np.float32)
    low, high = np.take(values, first, axis=axis), np.take(values, first + 1, axis=axis)
    high -= low
    high *= share
    low += high
    return np.asarray(low, dtype=np.float32)
