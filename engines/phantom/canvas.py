"""A grid in the head's own frame on which tissues are painted one over the other.

Signals are linear in tissue fractions, so painting a channel's value layer over layer equals weighing all fractions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engines.phantom.tissue import Tissue
from inference.volume import Floats

Window = tuple[slice, slice, slice]
Corner = tuple[float, float, float]
Warp = Callable[[Floats, Floats, Floats], tuple[Floats, Floats, Floats]]
LOW_MM: Corner = (-94.0, -118.0, -94.0)
HIGH_MM: Corner = (94.0, 122.0, 100.0)
WARP_MARGIN_MM = 9.0


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One coat of paint.

    Attributes:
        tissue: What is painted.
        window: Where on the canvas.
        cover: uint8, the shape of the window: 255 covers all.
    """

    tissue: Tissue
    window: Window
    cover: NDArray[np.uint8]

    def fraction(self) -> Floats:
        """Cover as 0..1."""
        return np.asarray(self.cover * np.float32(1 / 255), dtype=np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Atlas coordinates (mm) of a window of the canvas; `left` is signed, `x` is |left|."""

    left: Floats
    x: Floats
    y: Floats
    z: Floats


class Canvas:
    """Atlas coordinates of every grid point and the coats painted so far.

    Args:
        step_mm: Grid spacing.
        scale: Size of this head against the atlas along x, y, z.
        warp: Head coordinates -> displacement (x, y, z) in mm, or None.
    """

    def __init__(
        self,
        step_mm: float,
        scale: Corner,
        warp: Warp | None = None,
    ) -> None:
        self.step_mm = step_mm
        self.scale = scale
        self.low_mm = np.array([low * s for low, s in zip(LOW_MM, scale, strict=True)])
        high = np.array([h * s for h, s in zip(HIGH_MM, scale, strict=True)])
        count = np.ceil((high - self.low_mm) / step_mm).astype(int) + 1
        self.shape: tuple[int, int, int] = (int(count[2]), int(count[1]), int(count[0]))
        self.layers: list[Layer] = []
        self._atlas = self._coordinates(warp)

    def _coordinates(self, warp: Warp | None) -> list[Floats]:
        axes = [(self.low_mm[a] + self.step_mm * np.arange(self.shape[2 - a])).astype(np.float32) for a in range(3)]
        z, y, x = np.meshgrid(axes[2], axes[1], axes[0], indexing="ij", copy=True)
        moved = warp(x, y, z) if warp else (0.0, 0.0, 0.0)
        return [
            np.asarray((p + m) / np.float32(s), dtype=np.float32)
            for p, m, s in zip((x, y, z), moved, self.scale, strict=True)
        ]

    def push(self, centre: Corner, shift: Corner, reach_mm: float) -> None:
        """Shift what is painted from now on by up to `shift` mm round `centre`: mass effect."""
        gap = sum((a - np.float32(c)) ** 2 for a, c in zip(self._atlas, centre, strict=True))
        share = np.exp(gap * np.float32(-0.5 / reach_mm**2))
        for axis, amount in enumerate(shift):
            if amount:
                self._atlas[axis] = np.asarray(self._atlas[axis] - np.float32(amount) * share, dtype=np.float32)

    def window(self, low: Corner, high: Corner) -> Window:
        """The part of the grid that can hold atlas box low..high; x is taken on both sides."""
        reach = max(abs(low[0]), abs(high[0]))
        lows = (-reach, low[1], low[2])
        highs = (reach, high[1], high[2])
        return self.box(lows, highs)

    def box(self, lows: Corner, highs: Corner) -> Window:
        """The part of the grid that can hold that atlas box, x signed."""
        spans = []
        for axis in range(3):
            first = (lows[axis] * self.scale[axis] - WARP_MARGIN_MM - self.low_mm[axis]) / self.step_mm
            last = (highs[axis] * self.scale[axis] + WARP_MARGIN_MM - self.low_mm[axis]) / self.step_mm
            size = self.shape[2 - axis]
            spans.append(slice(min(max(int(first), 0), size - 1), max(min(int(last) + 2, size), 1)))
        return spans[2], spans[1], spans[0]

    def points(self, window: Window) -> Points:
        """Atlas coordinates there."""
        left, y, z = (a[window] for a in self._atlas)
        return Points(left, np.abs(left), y, z)

    def cover(self, inside_mm: Floats) -> Floats:
        """Soft fraction 0..1 of a signed distance: a ramp one grid step wide, so edges carry partial volume."""
        return np.asarray(np.clip(inside_mm * np.float32(1 / self.step_mm) + np.float32(0.5), 0, 1), dtype=np.float32)

    def paint(self, tissue: Tissue, window: Window, fraction: Floats) -> None:
        """Lay a coat of 0..1 over what is there; what is empty round it is cropped away."""
        cover = np.rint(np.clip(fraction, 0, 1) * 255).astype(np.uint8)
        spans = []
        for axis, span in enumerate(window):
            used = np.flatnonzero(cover.any(axis=tuple(a for a in range(3) if a != axis)))
            if used.size == 0:
                return
            spans.append(((span.start or 0) + int(used[0]), int(used[0]), int(used[-1]) + 1))
        inner = tuple(slice(first, last) for _, first, last in spans)
        outer = tuple(slice(start, start + last - first) for start, first, last in spans)
        self.layers.append(Layer(tissue, (outer[0], outer[1], outer[2]), np.ascontiguousarray(cover[inner])))

    def solid(self, tissue: Tissue, window: Window, inside_mm: Floats) -> None:
        """Paint a signed distance."""
        self.paint(tissue, window, self.cover(inside_mm))


def fraction_of(shape: tuple[int, int, int], layers: list[Layer], wanted: frozenset[Tissue]) -> Floats:
    """How much of each grid point the wanted tissues fill, 0..1."""
    total = np.zeros(shape, dtype=np.float32)
    for layer in layers:
        part = layer.fraction()
        if layer.tissue in wanted:
            total[layer.window] += (1 - total[layer.window]) * part
        else:
            total[layer.window] *= 1 - part
    return total
