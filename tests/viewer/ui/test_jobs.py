"""Work goes out numbered, answers come back on the GUI thread, late ones to nobody, and no thread is left behind."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QThread
from pytestqt.qtbot import QtBot

from inference.errors import BadOutput, InsulaError, JobCancelled
from inference.result import Progress
from viewer.jobs import ENGINE, READ, SCENE, Desk, JobFailed, Jobs, JobState, time_left

pytestmark = [pytest.mark.gui, pytest.mark.usefixtures("nothing_left")]


@pytest.fixture
def jobs(qtbot: QtBot) -> Iterator[Jobs]:
    made = Jobs()
    yield made
    made.close()


def wait_all(qtbot: QtBot, jobs: Jobs) -> None:
    qtbot.waitUntil(lambda: not jobs.busy, timeout=5000)


def test_work_runs_elsewhere_and_the_answer_comes_here(qtbot: QtBot, jobs: Jobs) -> None:
    places: list[Any] = []
    here = QThread.currentThread()
    jobs.submit("k", "Add", READ, lambda _: (QThread.currentThread() is here, 41 + 1), places.append)
    jobs.submit("k", "Thread", READ, lambda _: 0, lambda _: places.append(QThread.currentThread() is here))
    wait_all(qtbot, jobs)
    assert places == [(False, 42), True]


def test_numbers_rise_and_one_lane_keeps_the_order(qtbot: QtBot, jobs: Jobs) -> None:
    done: list[int] = []
    numbers = [jobs.submit("k", "t", ENGINE, lambda _, n=n: n, done.append).number for n in range(20)]
    wait_all(qtbot, jobs)
    assert done == list(range(20))
    assert numbers == sorted(set(numbers))


def test_lanes_do_not_wait_for_each_other(qtbot: QtBot, jobs: Jobs) -> None:
    gate, done = threading.Event(), []
    jobs.submit("slow", "slow", READ, lambda _: gate.wait(5), lambda _: done.append("slow"))
    jobs.submit("fast", "fast", SCENE, lambda _: None, lambda _: done.append("fast"))
    qtbot.waitUntil(lambda: done == ["fast"])
    gate.set()
    qtbot.waitUntil(lambda: done == ["fast", "slow"])


def test_an_insula_error_keeps_its_sentence(qtbot: QtBot, jobs: Jobs) -> None:
    errors: list[InsulaError] = []

    def work(_: Desk) -> None:
        raise BadOutput("The answer is NaN.", "Run it in fp32.")

    jobs.submit("k", "t", ENGINE, work, lambda _: None, errors.append)
    wait_all(qtbot, jobs)
    assert [type(error) for error in errors] == [BadOutput]
    assert jobs.jobs[-1].state is JobState.FAILED
    assert jobs.jobs[-1].error == "The answer is NaN. Run it in fp32."


def test_a_foreign_error_becomes_one_sentence_and_its_text_stays_out_of_the_log(
    qtbot: QtBot, jobs: Jobs, canary: str, caplog: pytest.LogCaptureFixture
) -> None:
    errors: list[InsulaError] = []

    def work(_: Desk) -> None:
        raise ValueError(f"cannot read {canary}")

    with caplog.at_level(logging.DEBUG):
        jobs.submit("k", "t", ENGINE, work, lambda _: None, errors.append)
        wait_all(qtbot, jobs)
    assert isinstance(errors[0], JobFailed)
    assert str(errors[0]).startswith("The job failed unexpectedly (ValueError).")
    assert canary not in str(errors[0])
    assert "ValueError" in caplog.text


def test_a_running_job_can_be_cancelled(qtbot: QtBot, jobs: Jobs) -> None:
    errors: list[InsulaError] = []

    def work(desk: Desk) -> None:
        while not desk.cancelled():
            threading.Event().wait(0.005)
        raise JobCancelled

    request = jobs.submit("k", "t", ENGINE, work, lambda _: None, errors.append)
    qtbot.waitUntil(lambda: jobs.jobs[-1].state is JobState.RUNNING)
    jobs.cancel(request.number)
    wait_all(qtbot, jobs)
    assert [type(error) for error in errors] == [JobCancelled]
    assert jobs.jobs[-1].state is JobState.CANCELLED


def test_a_waiting_job_that_is_cancelled_never_runs(qtbot: QtBot, jobs: Jobs) -> None:
    gate, ran = threading.Event(), []
    jobs.submit("first", "t", ENGINE, lambda _: gate.wait(5), lambda _: None)
    second = jobs.submit("second", "t", ENGINE, lambda _: ran.append(1), lambda _: None)
    jobs.cancel(second.number)
    gate.set()
    wait_all(qtbot, jobs)
    assert ran == []


def test_answers_of_an_older_study_come_to_nobody(qtbot: QtBot, jobs: Jobs) -> None:
    gate, seen = threading.Event(), []
    jobs.submit("old", "t", READ, lambda _: gate.wait(5) and "old", seen.append, seen.append, generation=1)
    jobs.submit("new", "t", SCENE, lambda _: "new", seen.append, seen.append, generation=2)
    jobs.drop_before(2)
    gate.set()
    wait_all(qtbot, jobs)
    assert seen == ["new"]


def test_parts_arrive_before_the_whole_and_newer_ones_replace_older(qtbot: QtBot, jobs: Jobs) -> None:
    seen: list[object] = []

    def work(desk: Desk) -> str:
        for number in range(100):
            desk.partial(number)
        return "whole"

    jobs.submit("k", "t", READ, work, seen.append, partial=seen.append)
    wait_all(qtbot, jobs)
    assert seen[-1] == "whole"
    assert seen[:-1] == sorted(seen[:-1])  # type: ignore[type-var]
    assert 1 <= len(seen) <= 50


def test_progress_makes_stages(qtbot: QtBot, jobs: Jobs) -> None:
    def work(desk: Desk) -> None:
        for stage in ("preprocess", "infer", "postprocess"):
            desk.progress(Progress(stage, 0, 1))
            desk.progress(Progress(stage, 1, 1))

    jobs.submit("k", "t", ENGINE, work, lambda _: None)
    wait_all(qtbot, jobs)
    job = jobs.jobs[-1]
    assert [span.stage for span in job.spans] == ["preprocess", "infer", "postprocess"]
    assert all(a.end <= b.start for a, b in zip(job.spans, job.spans[1:], strict=False))
    assert job.started <= job.spans[0].start <= job.spans[-1].end == job.ended


def test_past_runs_foretell_the_next(qtbot: QtBot, jobs: Jobs) -> None:
    jobs.submit("same", "t", ENGINE, lambda _: threading.Event().wait(0.05), lambda _: None)
    wait_all(qtbot, jobs)
    took = jobs.jobs[-1].ended - jobs.jobs[-1].started
    gate = threading.Event()
    jobs.submit("same", "t", ENGINE, lambda _: gate.wait(5), lambda _: None)
    qtbot.waitUntil(lambda: jobs.jobs[-1].state is JobState.RUNNING)
    job = jobs.jobs[-1]
    assert job.past_s == pytest.approx(took)
    assert job.seconds_left(job.started) == pytest.approx(took)
    gate.set()
    wait_all(qtbot, jobs)


def test_closing_ends_threads_though_work_waits(qtbot: QtBot) -> None:
    jobs = Jobs()
    seen: list[object] = []

    def work(desk: Desk) -> None:
        while not desk.cancelled():
            threading.Event().wait(0.005)

    for _ in range(3):
        jobs.submit("k", "t", ENGINE, work, seen.append)
    jobs.close()
    assert seen == []
    jobs.submit("k", "late", READ, lambda _: 1, seen.append)
    qtbot.wait(30)
    assert seen == []


@given(
    elapsed=st.floats(0, 1e4),
    stage=st.floats(0, 1e4),
    fraction=st.floats(0, 1),
    past=st.none() | st.floats(0, 1e4),
)
def test_time_left_is_never_negative(elapsed: float, stage: float, fraction: float, past: float | None) -> None:
    left = time_left(elapsed, min(stage, elapsed), fraction, past)
    assert left is None or left >= 0
    if fraction == 1:
        assert not left


@pytest.mark.parametrize(
    ("fraction", "past", "expected"), [(0.5, None, 2.0), (0.0, 10.0, 8.0), (0.5, 10.0, 5.0), (0.0, None, None)]
)
def test_time_left_by_pace_and_by_past(fraction: float, past: float | None, expected: float | None) -> None:
    assert time_left(2.0, 2.0, fraction, past) == expected
