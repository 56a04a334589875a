"""A lane: one device's queue, worked off in order by one thread."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LaneSpec:
    """Where a lane works.

    Attributes:
        name: Row on the timeline: "gpu", "dla0", "cpu0".
        device: As `Backend.load` takes it: "GPU", "DLA0", "CPU".
        cores: Processor cores for its thread and for every thread that an engine loaded on it starts; empty: all.
    """

    name: str
    device: str = "CPU"
    cores: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Span:
    """One piece of work on a lane's timeline; seconds of `time.perf_counter`."""

    lane: str
    label: str
    start_s: float
    end_s: float


class Lane:
    """Runs work one piece after the other on a thread of its own.

    Load engines through `submit` too: threads that a runtime starts then inherit the lane's cores, and a CUDA
    context stays with the one thread that uses it.

    Args:
        record: Takes the span of every finished piece of work, on the lane's thread.
    """

    def __init__(self, spec: LaneSpec, record: Callable[[Span], None] = lambda _: None) -> None:
        self.spec = spec
        self._record = record
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"insula-{spec.name}", initializer=self._begin)

    def submit(self, label: str, work: Callable[[], T]) -> Future[T]:
        """Queue work; its answer or error comes through the future."""
        return self._thread.submit(self._timed, label, work)

    def close(self) -> None:
        """Drop what still waits, let the running piece end, and end the thread."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _begin(self) -> None:
        if self.spec.cores and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, self.spec.cores)

    def _timed(self, label: str, work: Callable[[], T]) -> T:
        begin = time.perf_counter()
        try:
            return work()
        finally:
            self._record(Span(self.spec.name, label, begin, time.perf_counter()))
