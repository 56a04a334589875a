"""Engines loaded on a lane work on its cores alone: told from the processor time and affinity of every thread."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from inference.backends.base import Engine
from inference.backends.cores import confined_to
from inference.backends.onnxruntime import OnnxRuntimeBackend
from inference.backends.openvino import OpenVinoBackend
from inference.lanes import Lane, LaneSpec
from inference.result import Precision

TASKS = Path("/proc/self/task")
CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
pytestmark = pytest.mark.skipif(not TASKS.is_dir() or len(CORES) < 2, reason="needs Linux and two cores")
BACKENDS = {"openvino": OpenVinoBackend, "onnxruntime": OnnxRuntimeBackend}
BUSY_S = 0.6


def ticks() -> dict[int, int]:
    """Processor time of each living thread so far."""
    found = {}
    for task in TASKS.iterdir():
        with suppress(OSError):  # a thread that has just ended
            words = (task / "stat").read_text().rpartition(")")[2].split()
            found[int(task.name)] = int(words[11]) + int(words[12])
    return found


def keep_busy(engine: Engine, given: dict[str, np.ndarray]) -> None:
    end = time.thread_time() + BUSY_S
    while time.thread_time() < end:
        engine.infer(given)


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("core", CORES[:2])
def test_only_the_lanes_cores_work(net, feed, name: str, core: int) -> None:
    lane = Lane(LaneSpec("cpu0", cores=frozenset({core})))
    engine = lane.submit("load", lambda: BACKENDS[name]().load(net("solid"), Precision.FP32, "CPU")).result(timeout=60)
    before = ticks()
    lane.submit("run", lambda: keep_busy(engine, feed("solid"))).result(timeout=60)
    busy = [task for task, spent in ticks().items() if spent - before.get(task, 0) > 2]
    where = {task: os.sched_getaffinity(task) for task in busy if task != threading.main_thread().native_id}
    lane.submit("close", engine.close).result(timeout=60)
    lane.close()
    assert where
    assert set.union(*where.values()) == {core}


def test_a_free_thread_is_not_confined() -> None:
    assert confined_to() is None
    lane = Lane(LaneSpec("cpu0", cores=frozenset(CORES[:1])))
    assert lane.submit("ask", confined_to).result(timeout=5) == 1
    lane.close()


@pytest.mark.parametrize("name", BACKENDS)
def test_the_answer_does_not_depend_on_the_lane(net, feed, name: str) -> None:
    backend = BACKENDS[name]()
    free = backend.load(net("solid"), Precision.FP32, "CPU").infer(feed("solid"))["y"]
    lane = Lane(LaneSpec("cpu0", cores=frozenset(CORES[1:2])))
    work = lane.submit("all", lambda: backend.load(net("solid"), Precision.FP32, "CPU").infer(feed("solid"))["y"])
    np.testing.assert_allclose(work.result(timeout=60), free, rtol=0, atol=1e-5 * np.ptp(free))
    lane.close()
