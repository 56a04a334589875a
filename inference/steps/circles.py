"""Round things by votes of their edges (Loy and Zelinsky, "Fast radial symmetry", PAMI 2003, section 3)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

SLOPE = 0.015
"""Least slope of density per pixel at an edge: noise stays below a third of it."""

BLUR = 2.5
"""Pixels by which a cell may be off a circle."""

WIDTH = 1.0
"""Pixels by which the radius may be off, to either side."""

VOTED = 0.4
"""Share of a circle's edge that must have voted for its middle."""

APART = 4
Spots = NDArray[np.float64]


def circles(density: NDArray[np.float32], radii: Sequence[float]) -> Spots:
    """Circles that are denser than what surrounds them, most votes first: (n, 3) rows, columns, radii."""
    votes, sizes, pad = _votes(density, radii)
    peaks = (votes == ndimage.maximum_filter(votes, size=2 * APART + 1)) & (votes > VOTED)
    at = np.argwhere(peaks)
    order = np.argsort(-votes[peaks], kind="stable")
    return np.column_stack([at - pad, sizes[peaks]])[order].astype(np.float64)


def _votes(
    density: NDArray[np.float32], radii: Sequence[float]
) -> tuple[NDArray[np.float32], NDArray[np.float32], int]:
    """Best share of an edge that voted for each place, over radii, and which radius that was; both padded."""
    at, inward = _edges(density)
    pad = int(max(radii) + WIDTH) + 1
    shape = density.shape[0] + 2 * pad, density.shape[1] + 2 * pad
    best, sizes = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    for radius in radii:
        heard = sum(_ballot(at + (radius + off) * inward + pad, shape) for off in (-WIDTH, 0.0, WIDTH))
        share = ndimage.gaussian_filter(heard, BLUR) * np.float32(BLUR**2 / radius)
        better = share > best
        best[better], sizes[better] = share[better], radius
    return best, sizes, pad


def _ballot(places: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.float32]:
    rows, columns = np.rint(places).astype(np.intp).T
    counted = np.bincount(rows * shape[1] + columns, minlength=shape[0] * shape[1])
    return counted.reshape(shape).astype(np.float32)


def _edges(density: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where density rises most steeply, (n, 2), and the unit steps (row, column) towards the denser side."""
    smooth = ndimage.gaussian_filter(density, 1.0)
    down, right = np.gradient(smooth)
    rise = np.stack([down, right])
    steep = np.hypot(*rise)
    unit = rise / np.maximum(steep, 1e-9)
    here = np.indices(steep.shape)
    ahead, behind = (ndimage.map_coordinates(steep, here + way * unit, order=1, mode="nearest") for way in (1, -1))
    ridge = (steep > SLOPE) & (steep >= ahead) & (steep >= behind)
    return np.argwhere(ridge).astype(np.float64), unit[:, ridge].T.astype(np.float64)
