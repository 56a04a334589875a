"""CUDA through pycuda: one primary context per GPU, pushed and popped around each piece of work.

`pycuda.autoinit` is never used: it makes a context of its own that belongs to the thread which imported it.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from inference.backends.tensorrt.library import INSTALL
from inference.errors import BackendMissing, EngineError


@cache
def driver() -> Any:
    """The initialised pycuda.driver.

    Raises:
        BackendMissing: pycuda is absent, or CUDA cannot start.
    """
    # Each lane's stream then has a queue of its own on the way to the device; read once, when CUDA starts.
    os.environ.setdefault("CUDA_DEVICE_MAX_CONNECTIONS", "32")
    try:
        found = importlib.import_module("pycuda.driver")
    except (ImportError, OSError) as error:
        raise BackendMissing("pycuda is not installed or cannot start.", INSTALL) from error
    try:
        found.init()
    except found.Error as error:
        raise BackendMissing("CUDA cannot start on this machine.", "Check the driver with `nvidia-smi`.") from error
    return found


def count() -> int:
    """How many GPUs there are; 0 where CUDA starts without one."""
    return int(driver().Device.count())


@dataclass(frozen=True, slots=True)
class Facts:
    """What an engine file depends on, and what it may use.

    Attributes:
        sm: Compute capability, major and minor.
        integrated: The GPU shares the processor's memory, as on a Jetson.
    """

    name: str
    sm: tuple[int, int]
    memory_bytes: int
    integrated: bool


class Gpu:
    """One GPU and its primary context, which every library of the process shares.

    The context is kept for the life of the process: pycuda frees memory only under the very object it was allocated
    under, so there must not be a second one.
    """

    def __init__(self, index: int) -> None:
        found = driver()
        self._device = found.Device(index)
        self._context = self._device.retain_primary_context()

    @property
    def facts(self) -> Facts:
        major, minor = self._device.compute_capability()
        shared = self._device.get_attribute(driver().device_attribute.INTEGRATED)
        return Facts(self._device.name(), (major, minor), int(self._device.total_memory()), bool(shared))

    @contextmanager
    def current(self) -> Iterator[None]:
        """Make the context current on this thread, and what was current before afterwards."""
        self._context.push()
        try:
            yield
        finally:
            self._context.pop()


@cache
def gpu(index: int) -> Gpu:
    """A GPU by its CUDA index; always the same object.

    Raises:
        BackendMissing: There is none of that index.
    """
    if not 0 <= index < count():
        raise BackendMissing(f"There is no GPU {index} here.", "Ask `insula doctor` what this machine has.")
    return Gpu(index)


class Buffer(Protocol):
    """Host memory and what the device sees of it. All methods need the context current."""

    @property
    def host(self) -> NDArray[Any]: ...

    @property
    def address(self) -> int: ...

    def upload(self, stream: Any) -> None: ...

    def download(self, stream: Any) -> None: ...

    def free(self) -> None: ...


class PinnedBuffer:
    """Page-locked host memory beside device memory, copied without blocking."""

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.host: NDArray[Any] = driver().pagelocked_empty(shape, dtype)
        self._device = driver().mem_alloc(self.host.nbytes)

    @property
    def address(self) -> int:
        return int(self._device)

    def upload(self, stream: Any) -> None:
        driver().memcpy_htod_async(self._device, self.host, stream)

    def download(self, stream: Any) -> None:
        driver().memcpy_dtoh_async(self.host, self._device, stream)

    def free(self) -> None:
        self._device.free()
        self.host.base.free()  # type: ignore[union-attr]


class MappedBuffer:
    """Page-locked host memory that the device reads and writes in place: nothing is copied."""

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        flags = driver().host_alloc_flags.DEVICEMAP
        self.host: NDArray[Any] = driver().pagelocked_empty(shape, dtype, mem_flags=flags)
        self.address = int(self.host.base.get_device_pointer())

    def upload(self, stream: Any) -> None:
        """Nothing to do."""

    def download(self, stream: Any) -> None:
        """Nothing to do."""

    def free(self) -> None:
        self.host.base.free()  # type: ignore[union-attr]


def buffer(shape: tuple[int, ...], dtype: np.dtype[Any], mapped: bool) -> Buffer:
    """Allocate under the current context.

    Raises:
        EngineError: There is not enough memory.
    """
    try:
        return MappedBuffer(shape, dtype) if mapped else PinnedBuffer(shape, dtype)
    except driver().Error as error:
        need = int(np.prod(shape)) * dtype.itemsize / 2**20
        raise EngineError(f"The GPU has no {need:.0f} MiB left.", "Close another engine, or use fp16.") from error
