"""Tensor formats as TensorRT's headers define them, packed and unpacked element by element."""

from __future__ import annotations

import numpy as np

NUMPY = {"FLOAT": np.float32, "HALF": np.float16, "INT8": np.int8}
LANES = {"CHW16": 16, "CHW32": 32, "DLA_HWC4": 4}
ROW_BYTES = 64


def _up(value: int, step: int) -> int:
    return -(-value // step) * step


def strides(shape: tuple[int, ...], kind: str, dtype: str) -> tuple[int, ...]:
    """Per axis, in vectors."""
    size = np.dtype(NUMPY[dtype]).itemsize
    if kind == "DLA_HWC4":
        _, _, height, width = shape
        row = _up(width * 4 * size, ROW_BYTES) // (4 * size)
        return (height * row, height * row, row, 1)
    grid = list(shape)
    if kind in LANES:
        grid[1] = -(-grid[1] // LANES[kind])
    if kind == "DLA_LINEAR":
        grid[-1] = _up(grid[-1] * size, ROW_BYTES) // size
    steps = [1]
    for count in reversed(grid[1:]):
        steps.insert(0, steps[0] * count)
    return tuple(steps)


def length(shape: tuple[int, ...], kind: str, dtype: str) -> int:
    """Bytes."""
    return strides(shape, kind, dtype)[0] * shape[0] * LANES.get(kind, 1) * np.dtype(NUMPY[dtype]).itemsize


def _places(shape: tuple[int, ...], kind: str, dtype: str) -> np.ndarray:
    """Where each element lies, in elements."""
    lanes = LANES.get(kind, 1)
    index = np.indices(shape)
    lane = index[1] % lanes if lanes > 1 else 0
    if lanes > 1:
        index[1] //= lanes
    steps = np.array(strides(shape, kind, dtype)).reshape(-1, *[1] * len(shape))
    return (index * steps).sum(axis=0) * lanes + lane


def unpack(memory: np.ndarray, shape: tuple[int, ...], kind: str, dtype: str, reach: float | None) -> np.ndarray:
    """fp32 values of device bytes."""
    values = memory.view(NUMPY[dtype])[_places(shape, kind, dtype)].astype(np.float32)
    return values if reach is None else values * np.float32(reach / 127)


def pack(values: np.ndarray, memory: np.ndarray, kind: str, dtype: str, reach: float | None) -> None:
    """Put fp32 values into device bytes."""
    if reach is not None:
        values = np.clip(np.rint(values / np.float32(reach / 127)), -128, 127)
    with np.errstate(over="ignore"):
        memory.view(NUMPY[dtype])[_places(values.shape, kind, dtype)] = values.astype(NUMPY[dtype])
