"""An engine in device memory: its context, buffers and stream, on the thread that holds the CUDA context."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.backends.base import Arrays
from inference.backends.tensorrt import border, cuda, listeners
from inference.backends.tensorrt.layout import Layout
from inference.backends.tensorrt.library import tensorrt
from inference.backends.tensorrt.placement import Placement
from inference.errors import EngineError, JobCancelled

# Runs as short as this are waited for without a look at whether they were cancelled.
_SHORT_S = 0.05
_LOOK_S = 0.002
_HINT = "Close other programs that use the GPU, or choose another backend."


@dataclass(frozen=True, slots=True)
class LayerTime:
    """How long one layer took, in milliseconds; a whole DLA piece counts as one layer."""

    name: str
    ms: float


@dataclass(frozen=True, slots=True)
class _Port:
    """One input or output."""

    name: str
    inward: bool
    layout: Layout
    buffer: cuda.Buffer


class NotDeserialised(EngineError):
    """The library does not take an engine file, whole as it is."""


class Session:
    """All methods need the GPU's context current, and no two run at a time.

    Args:
        plan: The engine file's bytes.
        ranges: Largest absolute value of each int8 input and output.
        mapped: Use memory that host and device share.

    Raises:
        NotDeserialised: The library refuses the bytes.
        EngineError: There is not enough memory.
    """

    def __init__(self, plan: bytes, placement: Placement, ranges: Mapping[str, float], mapped: bool) -> None:
        trt = tensorrt()
        self._log = listeners.log()
        begin = self._log.mark()
        trt.init_libnvinfer_plugins(self._log, "")
        self._runtime = trt.Runtime(self._log)
        if placement.uses_dla:
            # Chosen before the engine is read: afterwards it has no effect and every engine lands on core 0.
            self._runtime.DLA_core = placement.core
        self.engine = self._runtime.deserialize_cuda_engine(plan)
        if self.engine is None:
            raise NotDeserialised(
                f"TensorRT does not take the engine file: {self._log.first(begin)}.",
                "Empty the cache folder that `insula doctor` names.",
            )
        self._ports: list[_Port] = []
        self._stream: Any = None
        self._done: Any = None
        self._unsettled = False
        try:
            self._context = self._contextual()
            self._open(ranges, mapped)
            self._stream = cuda.driver().Stream()
            flags = cuda.driver().event_flags
            # Who waits sleeps: other lanes need the core.
            self._done = cuda.driver().Event(flags.DISABLE_TIMING | flags.BLOCKING_SYNC)
        except BaseException:
            self.free()
            raise
        self._last_s = float("inf")

    def run(self, feed: Arrays, cancelled: Callable[[], bool]) -> dict[str, NDArray[np.float32]]:
        """Answer one feed of checked names and shapes.

        Raises:
            EngineError: The library failed.
            JobCancelled: `cancelled` said so. What was begun ends by itself; the next run waits for it.
        """
        self.settle()
        begin = time.perf_counter()
        self._start(feed)
        self._wait(cancelled)
        self._last_s = time.perf_counter() - begin
        return {port.name: port.layout.read(port.buffer.host) for port in self._ports if not port.inward}

    def settle(self) -> None:
        """Wait for what a cancelled run left behind."""
        if self._unsettled:
            self._stream.synchronize()
            self._unsettled = False

    def profile(self, feed: Arrays, runs: int) -> tuple[LayerTime, ...]:
        """The median time of each layer over several runs after a first one that does not count."""
        self.settle()
        watch = listeners.stopwatch()
        context = self._contextual()
        context.profiler = watch
        context.enqueue_emits_profile = False
        self._address(context)
        for port in self._inputs():
            self._upload(port, feed)
        seen: dict[str, list[float]] = {}
        for index in range(runs + 1):
            watch.layers.clear()
            self._enqueue(context)
            self._stream.synchronize()
            context.report_to_profiler()
            if index > 0:
                for name, ms in watch.layers:
                    seen.setdefault(name, []).append(ms)
        return tuple(LayerTime(name, median(times)) for name, times in seen.items())

    def free(self) -> None:
        """Give everything back now: pycuda does so under the current context alone, whoever lets go of it later."""
        for port in self._ports:
            port.buffer.free()
        self._ports = []
        self._done = self._stream = None
        # In this order: each was made by the next.
        self._context = self.engine = self._runtime = None

    def _contextual(self) -> Any:
        begin = self._log.mark()
        context = self.engine.create_execution_context()
        if context is None:
            raise EngineError(f"TensorRT has no memory to run the engine: {self._log.first(begin)}.", _HINT)
        return context

    def _open(self, ranges: Mapping[str, float], mapped: bool) -> None:
        for index in range(self.engine.num_io_tensors):
            name = str(self.engine.get_tensor_name(index))
            layout = border.layout(self.engine, self._context, name, ranges)
            inward = self.engine.get_tensor_mode(name) == tensorrt().TensorIOMode.INPUT
            memory = cuda.buffer((layout.size,), layout.dtype, mapped)
            self._ports.append(_Port(name, inward, layout, memory))
        self._address(self._context)

    def _address(self, context: Any) -> None:
        for port in self._ports:
            if not context.set_tensor_address(port.name, port.buffer.address):
                raise EngineError(f"TensorRT does not take the memory for {port.name}.", _HINT)

    def _inputs(self) -> list[_Port]:
        return [port for port in self._ports if port.inward]

    def _upload(self, port: _Port, feed: Arrays) -> None:
        port.layout.write(feed[port.name], port.buffer.host)
        port.buffer.upload(self._stream)

    def _start(self, feed: Arrays) -> None:
        for port in self._inputs():
            self._upload(port, feed)
        self._enqueue(self._context)
        for port in self._ports:
            if not port.inward:
                port.buffer.download(self._stream)
        self._done.record(self._stream)
        self._unsettled = True

    def _enqueue(self, context: Any) -> None:
        begin = self._log.mark()
        if not context.execute_async_v3(self._stream.handle):
            self._stream.synchronize()
            raise EngineError(f"TensorRT could not run the engine: {self._log.first(begin)}.", _HINT)

    def _wait(self, cancelled: Callable[[], bool]) -> None:
        if self._last_s < _SHORT_S:
            self._done.synchronize()
        while not self._done.query():
            if cancelled():
                raise JobCancelled
            time.sleep(_LOOK_S)
        self._unsettled = False
        if cancelled():
            raise JobCancelled
