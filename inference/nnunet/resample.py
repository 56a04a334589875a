"""From one spacing to another by splines, axis by axis.

nnU-Net resizes with `skimage.transform.resize` (spline with prefilter, edge values beyond the border, clipped to the
input's range) and, where one axis is much coarser than the others, slice by slice with nearest neighbours along that
axis. A spline on a regular grid is separable, so each axis is one small matrix, here made by asking the very routine
what it does to each unit vector; three rows of small matrix products then give its answer to float32 in a fraction of
the time.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, cast

import numpy as np
from scipy import ndimage

from inference.nnunet.plan import Function, Resampling, Size, Spacing
from inference.steps.bands import band_of
from inference.volume import Floats

Order = Literal[0, 1, 2, 3, 4, 5]
Line = Floats
"""One axis' operator: float32 [new, old]."""


def new_shape(shape: Size, spacing: Spacing, target: Spacing) -> Size:
    """Voxels that an image has at the target spacing: each side rounded, halves to even."""
    k, j, i = (round(have / want * count) for have, want, count in zip(spacing, target, shape, strict=True))
    return k, j, i


def coarse_axis(current: Spacing, target: Spacing, rule: Resampling) -> int | None:
    """The axis resampled apart from the others, or None.

    It is the one coarsest axis of the current spacing where that is anisotropic, else of the target spacing.
    """
    if rule.force_separate_z is not None:
        return _coarsest(current) if rule.force_separate_z else None
    for spacing in (current, target):
        if max(spacing) / min(spacing) > rule.separate_z_anisotropy_threshold:
            return _coarsest(spacing)
    return None


def _coarsest(spacing: Spacing) -> int | None:
    axes = [axis for axis, mm in enumerate(spacing) if max(spacing) / mm == 1]
    return axes[0] if len(axes) == 1 else None


@dataclass(frozen=True, slots=True, eq=False)
class Resize:
    """A resize from one shape to another.

    Attributes:
        shape: The new shape.
        lines: Operator of each axis; None leaves the axis as it is.
        apart: The coarse axis, if any: its slices are resized and clipped one by one, then spread along it.
        clip: Whether splines can leave the input's range.
    """

    shape: Size
    lines: tuple[Line | None, Line | None, Line | None]
    apart: int | None
    clip: bool

    @property
    def is_nothing(self) -> bool:
        """Whether the shape stays."""
        return all(line is None for line in self.lines)

    def whole(self, volume: Floats) -> Floats:
        """float32 [k, j, i] of the old shape -> of the new one."""
        if self.is_nothing:
            return volume
        first = self.apart or 0
        turned = np.moveaxis(volume, first, 0)
        along = self.lines[first]
        across = tuple(line for axis, line in enumerate(self.lines) if axis != first)
        if self.apart is None:
            out = _in_plane(_along(along, turned), across)
            return _clipped(out, turned, None) if self.clip else out
        slices = _in_plane(turned, across)
        return np.moveaxis(_along(along, _clipped(slices, turned, (1, 2)) if self.clip else slices), 0, first)

    def rows(self, volume: Floats, start: int, stop: int) -> Floats:
        """Rows start..stop (axis 0) of the new volume, from the few rows of the old one that they need."""
        if self.clip and not self.is_nothing:
            return self.whole(volume)[start:stop]
        line = self.lines[0]
        return _in_plane(volume[start:stop] if line is None else _along(line[start:stop], volume), self.lines[1:])


def resize(shape: Size, new: Size, current: Spacing, target: Spacing, rule: Resampling) -> Resize:
    """Plan the way from `shape` at `current` spacing to `new` at `target` spacing."""
    if shape == new or rule.function is Function.NONE:
        return Resize(shape, (None, None, None), None, clip=False)
    apart = coarse_axis(current, target, rule)

    def line(axis: int) -> Line | None:
        if shape[axis] == new[axis]:
            return None
        make, order = (sample_line, rule.order_z) if axis == apart else (spline_line, rule.order)
        return make(shape[axis], new[axis], cast(Order, order))

    return Resize(new, (line(0), line(1), line(2)), apart, clip=rule.order > 1)


@lru_cache(maxsize=16)
def spline_line(old: int, new: int, order: Order) -> Line:
    """What `skimage.transform.resize` does along an axis: half-pixel grid, edge values beyond the border."""
    units = np.eye(old)
    columns = [ndimage.zoom(u, (1 / (old / new),), order=order, mode="nearest", grid_mode=True) for u in units]
    return _line(columns)


@lru_cache(maxsize=16)
def sample_line(old: int, new: int, order: Order) -> Line:
    """What nnU-Net does along a coarse axis: samples at the new slices' middles."""
    at = np.asarray(old / new * (np.arange(new) + 0.5) - 0.5)[None]
    return _line([ndimage.map_coordinates(u, at, order=order, mode="nearest") for u in np.eye(old)])


def _line(columns: list[np.ndarray]) -> Line:
    line = np.ascontiguousarray(np.stack(columns, axis=1), dtype=np.float32)
    line.setflags(write=False)
    return line


def _along(line: Line | None, volume: Floats, axis: int = 0) -> Floats:
    """A line along one axis."""
    return volume if line is None else band_of(line, volume.shape[1 if axis == 2 else 2]).along(volume, axis)


def _in_plane(slab: Floats, lines: tuple[Line | None, ...]) -> Floats:
    return _along(lines[1], _along(lines[0], slab, 1), 2)


def _clipped(values: Floats, source: Floats, axes: tuple[int, ...] | None) -> Floats:
    """Limit to the source's range: of all of it, or of each of its slices."""
    low, high = source.min(axis=axes, keepdims=True), source.max(axis=axes, keepdims=True)
    return np.clip(values, low, high)
