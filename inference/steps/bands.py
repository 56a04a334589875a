"""Smoothing and linear interpolation along one axis of a stack of planes, as a row of small matrix products."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from inference.volume import Floats

BLOCK = 16
LARGEST_PRODUCT = 1 << 18
"""Multiply-adds from which BLAS libraries share a product among threads, which then spin on the engine's cores."""


@dataclass(frozen=True, slots=True)
class Places:
    """Evenly spaced places on an axis, in fractional samples."""

    first: float
    step: float
    count: int


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """A run of neighbouring places and the run of the source that they read.

    Attributes:
        makes, reads: Where they lie among the places and on the source.
        weights, turned: float32 [makes, reads] and [reads, makes]; each product wants its rows in one piece.
    """

    makes: slice
    reads: slice
    weights: Floats
    turned: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Band:
    """An operator from `size` samples to `count` places of which each reads only a few near ones.

    Attributes:
        inside: The places that lie on the source; the others belong to whoever fills them.
    """

    count: int
    inside: slice
    blocks: tuple[Block, ...]

    def rows(self, planes: Floats, out: Floats) -> None:
        """[n, size, any] -> the inside of [n, count, any]."""
        for block in self.blocks:
            np.matmul(block.weights, planes[:, block.reads], out=out[:, block.makes])

    def columns(self, planes: Floats, out: Floats) -> None:
        """[n, any, size] -> the inside of [n, any, count]."""
        for block in self.blocks:
            np.matmul(planes[:, :, block.reads], block.turned, out=out[:, :, block.makes])

    def along(self, volume: Floats, axis: int) -> Floats:
        """float32 [k, j, i] with `size` samples on one axis -> with `count`; 0 at places that are not inside."""
        shape = list(volume.shape)
        shape[axis] = self.count
        out = np.zeros(shape, dtype=np.float32)
        if axis == 2:
            self.columns(volume, out)
        elif axis == 1:
            self.rows(volume, out)
        else:
            self.rows(volume.transpose(1, 0, 2), out.transpose(1, 0, 2))
        return out


def sigmas(steps: ArrayLike) -> NDArray[np.float64]:
    """Gaussians, in samples, that remove what coarser steps cannot hold; none at all where all are nearly as fine."""
    wide = 0.4 * np.sqrt(np.maximum(np.square(np.asarray(steps, dtype=np.float64)) - 1.0, 0.0))
    return wide if wide.max() >= 0.2 else np.zeros_like(wide)


@lru_cache(maxsize=32)
def band(places: Places, size: int, sigma: float, width: int, slack: float = 0.0) -> Band:
    """Values at places on an axis of `size` samples, for planes `width` wide across it.

    The half sample beyond the outermost ones still belongs to the source and takes their value.

    Args:
        sigma: Standard deviation of the Gaussian before, in samples; 0: none.
        slack: How much further out a place may lie, in samples, as rounding puts it.
    """
    count, at = places.count, places.first + places.step * np.arange(places.count)
    on = np.flatnonzero((at >= -0.5 - slack) & (at <= size - 0.5 + slack))
    if not len(on):
        return Band(count, slice(0, 0), ())
    inside = slice(int(on[0]), int(on[-1]) + 1)
    weights = _weights(np.clip(at[inside], 0, size - 1), size, sigma)
    return Band(count, inside, tuple(_blocks(weights, inside.start, width)))


def band_of(weights: Floats, width: int) -> Band:
    """An operator [count, size] given by its weights, for volumes `width` wide across its axis."""
    return Band(len(weights), slice(0, len(weights)), tuple(_blocks(weights, 0, width)))


def _weights(at: NDArray[np.float64], size: int, sigma: float) -> NDArray[np.float64]:
    """[len(at), size]."""
    floor = np.floor(at).astype(np.intp)
    lines = np.arange(len(at))
    weights = np.zeros((len(at), size))
    weights[lines, floor] = 1.0 - (at - floor)
    weights[lines, np.minimum(floor + 1, size - 1)] += at - floor
    return weights if sigma == 0 else weights @ ndimage.gaussian_filter1d(np.eye(size), sigma, axis=0)


def _blocks(weights: NDArray[Any], first: int, width: int) -> list[Block]:
    lines = BLOCK
    blocks = _cut(weights, first, lines)
    while lines > 1 and max(block.weights.size for block in blocks) * width > LARGEST_PRODUCT:
        lines //= 2
        blocks = _cut(weights, first, lines)
    return blocks


def _cut(weights: NDArray[Any], first: int, lines: int) -> list[Block]:
    blocks = []
    for start in range(0, len(weights), lines):
        part = weights[start : start + lines]
        used = np.flatnonzero(part.any(axis=0))
        reads = slice(int(used[0]), int(used[-1]) + 1)
        makes = slice(first + start, first + start + len(part))
        kept = np.ascontiguousarray(part[:, reads], dtype=np.float32)
        blocks.append(Block(makes, reads, kept, np.ascontiguousarray(kept.T)))
    return blocks
