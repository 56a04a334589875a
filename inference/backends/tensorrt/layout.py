"""How a tensor lies in device memory, as strides; every vectorised and padded format is one case of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Layout:
    """Shape, strides and number format of one tensor of an engine.

    Attributes:
        shape: Elements per axis.
        strides: Per axis, in vectors of `lanes` numbers.
        dtype: Number format of one element.
        axis: The axis whose elements are grouped into vectors; -1 for none.
        lanes: Elements in one vector.
        scale: What one step of an int8 number stands for; None for floating point.
    """

    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: np.dtype[Any]
    axis: int = -1
    lanes: int = 1
    scale: float | None = None

    @property
    def size(self) -> int:
        """Numbers in the buffer, padding counted in."""
        grid = self._grid()
        last = sum((count - 1) * stride for count, stride in zip(grid, self.strides, strict=True))
        outer = max((count * stride for count, stride in zip(grid, self.strides, strict=True)), default=1)
        return max(last + 1, outer) * self.lanes

    def write(self, values: NDArray[np.float32], memory: NDArray[Any]) -> None:
        """Put fp32 values of `shape` into flat memory of `size` numbers; padding becomes zero."""
        memory[:] = 0
        for lane in range(self.lanes):
            part = values[self._every(lane)]
            target = self._view(memory, lane)
            target[tuple(slice(count) for count in part.shape)] = self._stored(part)

    def read(self, memory: NDArray[Any]) -> NDArray[np.float32]:
        """The fp32 values of `shape` from flat memory."""
        values = np.empty(self.shape, np.float32)
        for lane in range(self.lanes):
            part = values[self._every(lane)]
            part[:] = self._view(memory, lane)[tuple(slice(count) for count in part.shape)]
        return values if self.scale is None else values * np.float32(self.scale)

    def _stored(self, values: NDArray[np.float32]) -> NDArray[Any]:
        if self.scale is not None:
            values = np.clip(np.rint(values / np.float32(self.scale)), -128, 127)
        with np.errstate(over="ignore"):
            stored: NDArray[Any] = values.astype(self.dtype)
        return stored

    def _grid(self) -> tuple[int, ...]:
        """Vectors per axis."""
        return tuple(-(-count // self.lanes) if axis == self.axis else count for axis, count in enumerate(self.shape))

    def _every(self, lane: int) -> tuple[slice, ...]:
        """The elements that lie at one place in their vectors."""
        return tuple(
            slice(lane, None, self.lanes) if axis == self.axis else slice(None) for axis in range(len(self.shape))
        )

    def _view(self, memory: NDArray[Any], lane: int) -> NDArray[Any]:
        steps = tuple(stride * self.lanes * memory.itemsize for stride in self.strides)
        return as_strided(memory[lane:], self._grid(), steps)
