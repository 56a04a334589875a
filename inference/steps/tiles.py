"""Sliding window as in nnU-Net v2: where tiles stand, how they are weighed and stitched."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache, reduce
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from inference.volume import Floats

Size = tuple[int, int, int]


def pad_to(voxels: Floats, size: Size) -> tuple[Floats, tuple[slice, slice, slice]]:
    """Pad [..., k, j, i] with zeros, centred, to at least `size`; also the slices that undo it."""
    missing = [max(0, want - have) for want, have in zip(size, voxels.shape[-3:], strict=True)]
    before = [m // 2 for m in missing]
    widths = [(0, 0)] * (voxels.ndim - 3) + [(b, m - b) for b, m in zip(before, missing, strict=True)]
    k, j, i = (slice(b, b + have) for b, have in zip(before, voxels.shape[-3:], strict=True))
    return np.pad(voxels, widths), (k, j, i)


def tile_starts(shape: Size, size: Size, overlap: float) -> list[Size]:
    """First voxel of every tile; neighbours overlap by at least `overlap`, the last tile ends at the border."""
    axes = [_starts(n, p, overlap) for n, p in zip(shape, size, strict=True)]
    return [(k, j, i) for k, j, i in product(*axes)]


def bell(size: tuple[int, ...]) -> NDArray[np.float64]:
    """An impulse in the middle of a tile, smoothed by a Gaussian of an eighth of each side.

    What the Gaussian leaves of an impulse is the product of what it leaves along each axis: the same numbers as from
    filtering the whole tile, to the last bit.
    """
    lines = []
    for side in size:
        impulse = np.zeros(side)
        impulse[side // 2] = 1.0
        lines.append(ndimage.gaussian_filter1d(impulse, side / 8, mode="constant"))
    return np.asarray(reduce(np.multiply.outer, lines))


@lru_cache(maxsize=4)
def tile_weights(size: Size) -> Floats:
    """Gaussian of sigma size/8 round the middle, at least its smallest non-zero value everywhere; max 1. Read-only."""
    weights = bell(size)
    weights /= weights.max()
    everywhere = np.asarray(np.maximum(weights, weights[weights > 0].min()), dtype=np.float32)
    everywhere.setflags(write=False)
    return everywhere


def cut(voxels: Floats, starts: list[Size], size: Size) -> Iterator[tuple[Size, Floats]]:
    """Tiles of [c, k, j, i], each with its start."""
    for k, j, i in starts:
        yield (k, j, i), voxels[:, k : k + size[0], j : j + size[1], i : i + size[2]]


class Stitch:
    """Weighted mean of logits [label, k, j, i] over overlapping tiles, in float32."""

    def __init__(self, labels: int, shape: Size, size: Size) -> None:
        self._sum = np.zeros((labels, *shape), dtype=np.float32)
        self._weight = np.zeros(shape, dtype=np.float32)
        self._tile = tile_weights(size)
        self._size = size

    def add(self, start: Size, logits: Floats) -> None:
        """Blend one tile's logits [label, *size] in."""
        k, j, i = start
        at = (slice(k, k + self._size[0]), slice(j, j + self._size[1]), slice(i, i + self._size[2]))
        self._sum[(slice(None), *at)] += logits * self._tile
        self._weight[at] += self._tile

    def logits(self) -> Floats:
        """The blended field [label, k, j, i]; every voxel must have been covered."""
        return np.asarray(self._sum / self._weight, dtype=np.float32)


def _starts(n: int, size: int, overlap: float) -> list[int]:
    if n <= size:
        return [0]
    count = int(np.ceil((n - size) / (size * (1.0 - overlap)))) + 1
    return [int(at) for at in np.rint(np.linspace(0, n - size, count))]
