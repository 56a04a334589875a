"""MONAI's sliding window: where windows stand and how they are weighed (`monai.inferers.sliding_window_inference`).

Not nnU-Net's: windows keep one distance and only the last of a row is pushed back, padding is put round the image by
halves, and the Gaussian is that of the window's own middle, cut off at a thousandth.
"""

from __future__ import annotations

from itertools import product

import numpy as np

from inference.volume import Floats

Size = tuple[int, int, int]
LEAST_WEIGHT = 1e-3


def padded(voxels: Floats, size: Size, value: float | None) -> tuple[Floats, tuple[slice, slice, slice]]:
    """Pad [c, *place] to at least `size`, the odd voxel behind; also the slices that undo it.

    Args:
        value: None repeats the border.
    """
    missing = [max(want - have, 0) for want, have in zip(size, voxels.shape[1:], strict=True)]
    before = [m // 2 for m in missing]
    widths = [(0, 0), *((b, m - b) for b, m in zip(before, missing, strict=True))]
    inner = tuple(slice(b, b + have) for b, have in zip(before, voxels.shape[1:], strict=True))
    wide = np.pad(voxels, widths, "edge") if value is None else np.pad(voxels, widths, constant_values=value)
    return wide, (inner[0], inner[1], inner[2])


def starts(shape: Size, size: Size, overlap: tuple[float, ...]) -> list[Size]:
    """First voxel of every window, the last axis fastest."""
    axes = [_along(n, w, o) for n, w, o in zip(shape, size, overlap, strict=True)]
    return [(a, b, c) for a, b, c in product(*axes)]


def weights(size: Size, gaussian: bool, sigma: float) -> Floats:
    """float32 [*size].

    Args:
        sigma: As a share of each side.
    """
    if not gaussian:
        return np.ones(size, dtype=np.float32)
    lines = [_bell(side, side * sigma) for side in size]
    field = lines[0][:, None, None] * lines[1][None, :, None] * lines[2][None, None, :]
    return np.asarray(np.maximum(field, max(float(field.min()), LEAST_WEIGHT)), dtype=np.float32)


class WindowMean:
    """Weighted mean of answers [channel, *place] over overlapping windows, in float32."""

    def __init__(self, shape: Size, share: Floats) -> None:
        self._shape, self._share = shape, share
        self._sum: Floats | None = None
        self._weight = np.zeros(shape, dtype=np.float32)

    def add(self, start: Size, answer: Floats) -> None:
        """Blend one window's answer [channel, *size] in."""
        if self._sum is None:
            self._sum = np.zeros((len(answer), *self._shape), dtype=np.float32)
        a, b, c = (slice(at, at + n) for at, n in zip(start, self._share.shape, strict=True))
        self._sum[:, a, b, c] += answer * self._share
        self._weight[a, b, c] += self._share

    def field(self) -> Floats:
        """The blended field [channel, *place]; every voxel must have been covered."""
        if self._sum is None:
            raise ValueError("no window was added")
        return np.asarray(self._sum / self._weight, dtype=np.float32)


def cut(voxels: Floats, start: Size, size: Size) -> Floats:
    """One window of [c, *place]."""
    a, b, c = (slice(at, at + n) for at, n in zip(start, size, strict=True))
    return voxels[:, a, b, c]


def _along(length: int, window: int, overlap: float) -> list[int]:
    if length <= window:
        return [0]
    step = max(1, int(window * (1 - overlap)))
    count = next(n for n in range(length) if n * step + window >= length) + 1
    return [min(n * step, length - window) for n in range(count)]


def _bell(side: int, sigma: float) -> Floats:
    at = np.arange(-(side - 1) / 2.0, (side - 1) / 2.0 + 1, dtype=np.float32)
    return np.asarray(np.exp(at**2 / np.float32(-2 * sigma**2)), dtype=np.float32)
