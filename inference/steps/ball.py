"""Growing and shrinking a mask by a ball, run by run.

A ball is a pile of runs along i. Shifting the whole mask once for each run's length and once for each place of a run
costs a few passes over bytes, where a map of all distances costs a search at each voxel.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Spacing = tuple[float, float, float]


def within(mask: Bools, reach_mm: float, spacing_mm: Spacing) -> Bools:
    """Voxels no further than `reach_mm` from one of the mask: bool [k, j, i].

    Args:
        spacing_mm: (x, y, z).
    """
    grown = np.zeros(mask.shape, dtype=bool)
    widened = mask.copy()
    width = 0
    for k, j, run in sorted(_runs(reach_mm, spacing_mm), key=lambda r: r[2]):
        while width < run:
            width += 1
            _spread(widened, mask, 2, width)
        _merge(grown, widened, k, j)
    return grown


def deeper(mask: Bools, depth_mm: float, spacing_mm: Spacing) -> Bools:
    """Voxels of the mask further than `depth_mm` from every one outside it; beyond the array is nothing."""
    return ~within(~mask, depth_mm, spacing_mm)


def _runs(reach_mm: float, spacing_mm: Spacing) -> Iterator[tuple[int, int, int]]:
    """Each (k, j) of the ball and how far it reaches along i to both sides."""
    steps = [np.arange(-int(reach_mm / mm) - 1, int(reach_mm / mm) + 2) for mm in spacing_mm[::-1]]
    k, j, i = np.meshgrid(*steps, indexing="ij")
    x, y, z = spacing_mm
    inside = np.sqrt((k * z) ** 2 + (j * y) ** 2 + (i * x) ** 2) <= reach_mm
    for at in np.argwhere(inside.any(axis=2)):
        row = tuple(at)
        yield int(steps[0][row[0]]), int(steps[1][row[1]]), int(i[row][inside[row]].max())


def _spread(target: Bools, mask: Bools, axis: int, by: int) -> None:
    """Add the mask moved by so many voxels to both sides."""
    far, near = (slice(None),) * axis + (slice(by, None),), (slice(None),) * axis + (slice(None, -by),)
    target[far] |= mask[near]
    target[near] |= mask[far]


def _merge(target: Bools, mask: Bools, k: int, j: int) -> None:
    to, of = zip(*(_ends(by) for by in (k, j)), strict=True)
    target[to] |= mask[of]


def _ends(by: int) -> tuple[slice, slice]:
    """Where something moved by so many voxels lands, and what of it stays in sight."""
    return (slice(by, None), slice(None, -by or None)) if by >= 0 else (slice(None, by), slice(-by, None))
