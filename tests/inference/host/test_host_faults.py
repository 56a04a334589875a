"""Engines that crash, are killed, eat all memory or go deaf: each says why, and the next job runs."""

from __future__ import annotations

import logging
import os
import secrets
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from inference.errors import EngineCrashed, EngineError, EngineHung, EngineKilled, JobCancelled, MemoryRefused
from inference.host.client import EngineHost
from inference.lanes import LaneSpec
from inference.result import Precision

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")


def sentence(error: Exception) -> str:
    assert isinstance(error, EngineError)
    assert error.message.endswith(".")
    assert error.hint.endswith(".")
    return error.message


@POSIX
@pytest.mark.parametrize(
    ("device", "kind", "says"),
    [
        ("SEGFAULT", EngineCrashed, "The engine crashed (segmentation fault) and was started anew."),
        ("ABORTS", EngineCrashed, "The engine crashed (the library gave up) and was started anew."),
        ("KILLED", EngineKilled, "The engine was ended by the system, most likely because memory ran out."),
    ],
)
def test_a_fallen_engine_says_why_and_the_next_job_runs(host, pids, head, order, mask_task, device, kind, says):
    before = host.run(order(mask_task), head)
    pids.add(fallen := host.pid)
    with pytest.raises(kind) as told:
        host.run(order(mask_task, device=device), head)
    assert sentence(told.value) == says
    after = host.run(order(mask_task), head)
    assert host.pid != fallen
    assert after.mask.labels.tobytes() == before.mask.labels.tobytes()


@POSIX
def test_the_host_starts_anew_by_itself(host, pids, head, order, mask_task, wait):
    with pytest.raises(EngineCrashed):
        host.run(order(mask_task, device="SEGFAULT"), head)
    assert wait(lambda: host.pid is not None)
    pids.add(waiting := host.pid)
    host.choose("fake", Precision.FP32, None)
    assert host.pid == waiting


@POSIX
def test_an_engine_that_goes_silent_is_stopped(pids, head, order, mask_task):
    with EngineHost(patience_s=0.5) as host:
        host.choose("fake", Precision.FP32, None)
        pids.add(host.pid)
        with pytest.raises(EngineHung) as told:
            host.run(order(mask_task, device="DEAF"), head)
        assert sentence(told.value) == "The engine did not answer for 0.5 s and was stopped."
        assert "INSULA_ENGINE_PATIENCE_S" in told.value.hint
        assert host.run(order(mask_task), head).mask is not None


@POSIX
def test_memory_that_runs_out_under_a_limit_is_a_kill_by_the_system(host, head, order, mask_task, memory_group):
    """The kernel itself ends the host: a control group leaves it 600 MB, the engine takes more."""
    host.run(order(mask_task), head)
    memory_group(host.pid, 600 << 20)
    with pytest.raises(EngineKilled) as told:
        host.run(order(mask_task, device="EATS"), head)
    assert "most likely because memory ran out" in sentence(told.value)
    assert host.run(order(mask_task), head).mask is not None


@POSIX
def test_memory_that_a_process_is_denied_is_said_and_costs_no_host(host, head, order, mask_task):
    import resource

    host.run(order(mask_task), head)
    pid, held = host.pid, int(Path(f"/proc/{host.pid}/statm").read_text().split()[0]) * resource.getpagesize()
    resource.prlimit(pid, resource.RLIMIT_AS, (held + (256 << 20), held + (256 << 20)))
    with pytest.raises(MemoryRefused, match="Memory ran out"):
        host.run(order(mask_task, device="EATS"), head)
    assert host.run(order(mask_task), head).mask is not None
    assert host.pid == pid


@POSIX
def test_whoever_waited_while_another_fell_is_asked_again(host, head, order, mask_task, wait):
    """One lane: a job that crashes and one behind it. The second never hears of it."""
    order_of_steps: list[str] = []
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(
            host.run, order(mask_task, device="HANGS", lane=LaneSpec("one")), head, lambda s: order_of_steps.append("a")
        )
        assert wait(lambda: len(order_of_steps) > 2)
        second = pool.submit(host.run, order(mask_task, lane=LaneSpec("one")), head)
        os.kill(host.pid, 11)
        with pytest.raises(EngineCrashed):
            first.result(20)
        assert second.result(20).mask is not None


@POSIX
def test_a_lane_that_is_stopped_by_force_does_not_cost_the_other_its_job(host, pids, head, order, mask_task, wait):
    stop, steps = threading.Event(), []
    with ThreadPoolExecutor(2) as pool:
        busy = pool.submit(host.run, order(mask_task, device="BUSY"), head, steps.append)
        assert wait(lambda: len(steps) > 3)
        deaf = pool.submit(host.run, order(mask_task, device="DEAF"), head, lambda _: None, stop.is_set)
        assert not wait(lambda: False, 0.5)
        stop.set()
        pids.add(host.pid)
        with pytest.raises(JobCancelled):
            deaf.result(20)
        assert busy.result(30).mask is not None
    assert [step.done for step in steps if step.stage == "tiles"].count(0) == 2


@POSIX
def test_what_a_dying_engine_wrote_reaches_the_log_and_names_no_patient(host, head, order, mask_task, caplog, canary):
    caplog.set_level(logging.INFO)
    with pytest.raises(EngineCrashed):
        host.run(order(mask_task, device="SEGFAULT"), head)
    assert "Fatal Python error: Segmentation fault" in caplog.text
    assert "faults.py" in caplog.text
    assert canary not in caplog.text


def test_a_host_that_cannot_start_says_so(head, order, mask_task, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with EngineHost() as host, pytest.raises(EngineCrashed) as told:
        host.run(order(mask_task), head)
    assert sentence(told.value) == "The process of the engines cannot be started."


def test_a_host_that_dies_at_once_is_not_started_for_ever(head, order, mask_task, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with EngineHost() as host:
        with pytest.raises(EngineCrashed, match="before it was ready"):
            host.run(order(mask_task), head)
        assert host.pid is None


def test_more_than_the_machine_has_is_refused_before_it_begins(host, head, order, huge_task):
    """100,000 channels of 64^3 voxels: 105 GB between two nodes."""
    with pytest.raises(MemoryRefused) as told:
        host.run(order(huge_task, "onnxruntime"), head)
    assert sentence(told.value).startswith("Huge needs about 262.6 GB of memory and ")


@pytest.fixture
def memory_group():
    """Put a process under a limit of memory, in a control group of version 1 or 2; skips where that is not allowed."""
    made: list[Path] = []

    def limit(pid: int, count: int) -> None:
        roots = [(Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes"), (Path("/sys/fs/cgroup"), "memory.max")]
        for root, name in roots:
            group = root / f"insula-test-{secrets.token_hex(4)}"
            with suppress(OSError):
                group.mkdir()
                made.append(group)
                (group / name).write_text(str(count))
                (group / "cgroup.procs").write_text(str(pid))
                return
        pytest.skip("control groups cannot be made here")

    yield limit
    for group in made:
        with suppress(OSError):
            group.rmdir()
