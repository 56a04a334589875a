"""A cancelled job ends in time, whatever its engine thinks of it, and takes nothing else with it."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from inference.errors import JobCancelled
from inference.host.messages import Failed
from inference.lanes import LaneSpec

# The promise is half a second; a busy machine may take longer to notice the time.
IN_TIME_S = 2.5


def cancelled_after(host, wish, head, steps: int = 3) -> float:
    """Seconds from the wish to stop until the caller is free again."""
    seen: list[float] = []

    def stop() -> bool:
        if len(seen) == steps:
            seen.append(time.monotonic())
        return len(seen) > steps

    with pytest.raises(JobCancelled):
        host.run(wish, head, lambda _: seen.append(0.0) if len(seen) < steps else None, stop)
    return time.monotonic() - seen[-1]


@pytest.mark.parametrize("device", ["HANGS", "BUSY"])
def test_an_engine_that_listens_keeps_its_host(host, head, order, mask_task, device):
    host.run(order(mask_task), head)
    pid = host.pid
    assert cancelled_after(host, order(mask_task, device=device), head) < IN_TIME_S
    assert host.run(order(mask_task), head).mask is not None
    assert host.pid == pid


def test_a_deaf_one_is_ended_in_time_and_the_next_job_runs(host, pids, head, order, mask_task):
    host.run(order(mask_task), head)
    pids.add(pid := host.pid)
    assert cancelled_after(host, order(mask_task, device="DEAF"), head) < IN_TIME_S
    assert host.run(order(mask_task), head).mask is not None
    assert host.pid != pid


def test_a_real_engine_stops_inside_its_tile(host, head, order, mask_task):
    assert cancelled_after(host, order(mask_task, "openvino"), head) < IN_TIME_S
    assert host.run(order(mask_task, "openvino"), head).mask is not None


def test_a_waiting_job_leaves_without_a_word_to_the_running_one(host, head, order, mask_task, wait):
    steps, lane = [], LaneSpec("shared")
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(host.run, order(mask_task, device="BUSY", lane=lane), head, steps.append)
        assert wait(lambda: len(steps) > 2)
        pid = host.pid
        with pytest.raises(JobCancelled):
            host.run(order(mask_task, lane=lane), head, cancelled=lambda: True)
        assert running.result(20).mask is not None
    assert host.pid == pid


def test_late_answers_are_dropped(host, head, order, mask_task, wait, monkeypatch):
    """The caller leaves by an error of its own; what the host still says about that request meets nobody."""
    late: list[Failed] = []
    heard = host._heard
    monkeypatch.setattr(
        host._process, "_heard", lambda process, message: (late.append(message), heard(process, message))
    )

    class Gone(BaseException):
        pass

    def leave(_step):
        raise Gone

    with pytest.raises(Gone):
        host.run(order(mask_task, device="HANGS"), head, leave)
    assert wait(lambda: any(isinstance(message, Failed) for message in late))
    assert host._calls == {}
    assert host.run(order(mask_task), head).mask is not None


def test_two_lanes_work_at_once(host, head, order, mask_task):
    """A job on a second lane ends while the first one still runs."""
    stop, steps = threading.Event(), []
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(host.run, order(mask_task, device="HANGS"), head, steps.append, stop.is_set)
        assert host.run(order(mask_task), head).mask is not None
        assert not held.done()
        stop.set()
        with pytest.raises(JobCancelled):
            held.result(20)
