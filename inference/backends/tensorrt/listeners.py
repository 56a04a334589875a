"""What TensorRT calls back: a log, progress, calibration data, layer times. Each is a subclass of the library's own."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import count
from typing import Any

import numpy as np

from inference.backends.base import Arrays
from inference.backends.tensorrt import cuda
from inference.backends.tensorrt.library import tensorrt
from inference.result import CancelledFn, Progress, ProgressFn

_REMEMBERED = 100


@cache
def log() -> Any:
    """The one logger of the process: the library and its plugins keep the first they are given as long as they live.

    `mark()` is a moment, and `first(mark)` the first error since then on any thread, or that there is none.
    """
    trt = tensorrt()

    class Log(trt.ILogger):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self._errors: deque[tuple[int, str]] = deque(maxlen=_REMEMBERED)
            self._numbers = count()

        def log(self, severity: Any, msg: str) -> None:
            if int(severity) <= int(trt.ILogger.Severity.ERROR):
                self._errors.append((next(self._numbers), str(msg)))

        def mark(self) -> int:
            return next(self._numbers)

        def first(self, mark: int) -> str:
            return next((text for number, text in tuple(self._errors) if number > mark), "it gives no reason")

    return Log()


def monitor(progress: ProgressFn, cancelled: CancelledFn) -> Any:
    """Passes the builder's phases on, and stops it when asked to; TensorRT 10 and newer."""
    trt = tensorrt()

    class Monitor(trt.IProgressMonitor):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self._steps: dict[str, int] = {}
            self._lock = threading.Lock()

        def phase_start(self, phase_name: str, _parent: str | None, num_steps: int) -> None:
            with self._lock:
                self._steps[phase_name] = int(num_steps)
            progress(Progress(phase_name, 0, int(num_steps)))

        def step_complete(self, phase_name: str, step: int) -> bool:
            with self._lock:
                total = self._steps.get(phase_name, int(step) + 1)
            progress(Progress(phase_name, int(step) + 1, total))
            return not cancelled()

        def phase_finish(self, phase_name: str) -> None:
            with self._lock:
                self._steps.pop(phase_name, None)

    return Monitor()


def calibrator(feeds: Sequence[Arrays]) -> Any:
    """Gives the builder one input after the other to find ranges by entropy, the one method that a DLA accepts.

    Call `free` after the build, under the same context.
    """
    trt = tensorrt()

    class Calibrator(trt.IInt8EntropyCalibrator2):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            trt.IInt8EntropyCalibrator2.__init__(self)
            self._left: Iterable[Arrays] = iter(feeds)
            self._memory = {
                name: cuda.driver().mem_alloc(array.astype(np.float32).nbytes) for name, array in feeds[0].items()
            }

        def get_batch_size(self) -> int:
            return 1

        def get_batch(self, names: Sequence[str]) -> list[int] | None:
            feed = next(iter(self._left), None)
            if feed is None:
                return None
            for name in names:
                values = np.ascontiguousarray(feed[name], np.float32)
                cuda.driver().memcpy_htod(self._memory[name], values)
            return [int(self._memory[name]) for name in names]

        def read_calibration_cache(self) -> None:
            """Ranges are kept inside the engine file, whose name depends on the calibration data."""

        def write_calibration_cache(self, cache: Any) -> None:
            """See `read_calibration_cache`."""

        def free(self) -> None:
            for memory in self._memory.values():
                memory.free()

    return Calibrator()


def stopwatch() -> Any:
    """Collects layer times; its `layers` is a list of name and milliseconds in the order of a run."""
    trt = tensorrt()

    class Stopwatch(trt.IProfiler):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            trt.IProfiler.__init__(self)
            self.layers: list[tuple[str, float]] = []

        def report_layer_time(self, layer_name: str, ms: float) -> None:
            self.layers.append((str(layer_name), float(ms)))

    return Stopwatch()
