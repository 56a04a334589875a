"""Wishes in, jobs out, one display state after the other."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from inference.errors import OtherRegion
from inference.result import Precision
from inference.volume import Volume
from viewer.controller import Controller
from viewer.jobs import Jobs, JobState
from viewer.state import actions
from viewer.state.display import DisplayState, SlicePane
from viewer.state.view import Content, ViewState
from viewer.wish import put_series

pytestmark = [pytest.mark.gui, pytest.mark.usefixtures("nothing_left")]
Make = Callable[..., Controller]


def small(volume: Volume) -> np.ndarray:
    return np.zeros((4, 4, 4), dtype=np.uint8)


@pytest.fixture
def make(qtbot: QtBot, loader: Any, runner: Any) -> Iterator[Make]:
    jobs = Jobs()

    def made(**given: Any) -> Controller:
        return Controller(given.get("loader", loader), given.get("runner", runner), jobs, small, given.get("view"))

    yield made
    jobs.close()


def settle(qtbot: QtBot, controller: Controller) -> None:
    with qtbot.waitSignal(controller.settled, timeout=10000):
        pass
    qtbot.waitUntil(lambda: not controller.jobs.busy)


def opened(qtbot: QtBot, controller: Controller, path: str = "whole") -> Controller:
    controller.open(Path(path))
    settle(qtbot, controller)
    return controller


def source(display: DisplayState) -> SlicePane:
    pane = display.panes[0]
    assert isinstance(pane, SlicePane)
    return pane


def test_everything_is_read_and_run_finest_precision_first(qtbot: QtBot, make: Make, runner: Any) -> None:
    controller = opened(qtbot, make())
    assert set(controller.catalogue.volumes) == {"ct", "dwi", "adc"}
    assert [precision for _, precision in runner.order] == [Precision.FP32] * 3 + [Precision.FP16] * 3
    assert len(controller.catalogue.results) == 6
    assert controller.catalogue.result_source["stroke-lesion", Precision.FP16] == "dwi"


def test_the_precision_on_the_screen_runs_first(qtbot: QtBot, make: Make, runner: Any) -> None:
    opened(qtbot, make(view=ViewState(precision=Precision.FP16, compare=Precision.FP32)))
    assert [precision for _, precision in runner.order] == [Precision.FP16] * 3 + [Precision.FP32] * 3


def test_tasks_on_lanes_of_their_own_run_at_the_same_time(qtbot: QtBot, make: Make, make_runner: Any) -> None:
    runner = make_runner(lanes={"ct-to-mri": "dla0", "hemorrhage-detection": "gpu"})
    controller = make(runner=runner)
    runner.hold.clear()
    controller.open(Path("whole"))

    def running() -> set[str]:
        return {job.request.lane.name for job in controller.jobs.jobs if job.state is JobState.RUNNING}

    # The runner begins on threads of its own; that it did arrives here by messages.
    qtbot.waitUntil(lambda: running() == {"dla0", "gpu", "Engine"})
    assert len(runner.order) == 3
    runner.hold.set()
    settle(qtbot, controller)
    assert len(controller.catalogue.results) == 6
    by_task = {task: [at for name, at in runner.order if name == task] for task, _ in runner.order}
    assert all(order == [Precision.FP32, Precision.FP16] for order in by_task.values())


def test_the_best_series_is_read_first(qtbot: QtBot, make: Make, loader: Any) -> None:
    opened(qtbot, make())
    assert loader.read_in == ["ct", "dwi", "adc"]


def test_a_part_is_shown_while_the_rest_still_loads(qtbot: QtBot, make: Make, loader: Any) -> None:
    loader.hold.clear()
    controller = make()
    shown: list[DisplayState] = []
    controller.displayed.connect(shown.append)
    controller.open(Path("whole"))
    qtbot.waitUntil(lambda: bool(shown) and source(shown[-1]).volume is not None)
    volume = source(shown[-1]).volume
    assert volume is not None
    assert volume.valid is not None
    assert 0 < volume.valid.sum() < volume.valid.size
    assert controller.loading
    loader.hold.set()
    settle(qtbot, controller)
    whole = source(controller.display).volume
    assert whole is not None
    assert whole.valid is None


def test_answers_for_the_old_study_are_dropped(qtbot: QtBot, make: Make, runner: Any, loader: Any) -> None:
    controller = make()
    runner.hold.clear()
    controller.open(Path("first"))
    qtbot.waitUntil(lambda: bool(runner.order))
    first = controller.generation
    controller.open(Path("mr"))
    qtbot.waitUntil(lambda: controller.generation > first)
    runner.hold.set()
    settle(qtbot, controller)
    assert {task for task, _ in controller.catalogue.results} == {"stroke-lesion"}
    assert set(controller.catalogue.volumes) == {"dwi", "adc"}


def test_a_refused_path_is_told_and_the_study_stays(qtbot: QtBot, make: Make) -> None:
    controller = opened(qtbot, make())
    study = controller.catalogue.study
    told: list[str] = []
    controller.told.connect(told.append)
    controller.open(Path("empty"))
    qtbot.waitUntil(lambda: bool(told))
    assert told == ["There is no file in this folder. Choose a folder that holds a study."]
    assert controller.catalogue.study is study


def test_a_study_without_geometry_says_why(qtbot: QtBot, make: Make) -> None:
    controller = make()
    told: list[str] = []
    controller.told.connect(told.append)
    opened(qtbot, controller, "blocked")
    assert told[0].startswith("The slices of this series have no positions.")
    assert source(controller.display).volume is None


def test_broken_numbers_are_told_and_never_shown(qtbot: QtBot, make: Make, bad_runner: Any) -> None:
    controller = make(runner=bad_runner)
    told: list[str] = []
    controller.told.connect(told.append)
    opened(qtbot, controller)
    assert len(told) == 6
    assert "values that are not numbers" in told[0]
    assert controller.catalogue.results == {}
    synthetic = controller.display.panes[1]
    assert isinstance(synthetic, SlicePane)
    assert synthetic.volume is None
    assert "values that are not numbers" in synthetic.message


def test_one_failing_task_does_not_stop_the_others(qtbot: QtBot, make: Make, make_runner: Any) -> None:
    controller = opened(qtbot, make(runner=make_runner(ValueError("odd"), ("hemorrhage-detection",))))
    assert {task for task, _ in controller.catalogue.results} == {"ct-to-mri", "stroke-lesion"}
    failure = controller.catalogue.failures["hemorrhage-detection", Precision.FP32]
    assert failure.startswith("The job failed unexpectedly (ValueError).")


def test_a_task_for_another_part_of_the_body_is_set_aside_without_a_word(
    qtbot: QtBot, make: Make, make_runner: Any
) -> None:
    refusal = OtherRegion("The image shows a head.", "Choose a CT of the trunk.")
    controller = make(runner=make_runner(refusal, ("hemorrhage-detection",)))
    told: list[str] = []
    controller.told.connect(told.append)
    opened(qtbot, controller)
    assert told == []
    why = "The image shows a head. Choose a CT of the trunk."
    assert controller.catalogue.failures == {("hemorrhage-detection", p): why for p in (Precision.FP32, Precision.FP16)}
    assert {task for task, _ in controller.catalogue.results} == {"ct-to-mri", "stroke-lesion"}
    (row,) = [job for job in controller.jobs.jobs if job.request.key.startswith("hemorrhage-detection")]
    assert row.state is JobState.UNFIT
    assert row.error == why


def test_a_pane_whose_only_task_is_for_another_part_of_the_body_says_so(
    qtbot: QtBot, make: Make, make_runner: Any
) -> None:
    refusal = OtherRegion("The image does not show a head alone.", "Choose a series of the head.")
    controller = opened(qtbot, make(runner=make_runner(refusal, ("ct-to-mri",))))
    synthetic = controller.display.panes[1]
    assert isinstance(synthetic, SlicePane)
    assert synthetic.volume is None
    assert synthetic.message == str(refusal)


def test_a_cancelled_task_lets_the_next_one_run(qtbot: QtBot, make: Make, runner: Any) -> None:
    controller = make()
    runner.hold.clear()
    controller.open(Path("whole"))
    qtbot.waitUntil(lambda: bool(runner.order))
    running = next(job for job in controller.jobs.jobs if job.request.key == "ct-to-mri fp32")
    controller.jobs.cancel(running.request.number)
    qtbot.waitUntil(lambda: len(runner.order) > 1)
    runner.hold.set()
    settle(qtbot, controller)
    assert ("ct-to-mri", Precision.FP32) not in controller.catalogue.results
    assert len(controller.catalogue.results) == 5


def test_the_comparison_is_ready_before_it_is_shown(qtbot: QtBot, make: Make) -> None:
    controller = opened(qtbot, make())
    agreement = controller.display.agreement
    assert agreement is not None
    assert 0.9 < agreement.dice < 1.0
    assert agreement.volume_ml_a > agreement.volume_ml_b
    assert (agreement.a, agreement.b) == (Precision.FP32, Precision.FP16)


def test_many_wishes_make_one_display(qtbot: QtBot, make: Make) -> None:
    controller = opened(qtbot, make())
    qtbot.wait(20)
    shown: list[DisplayState] = []
    controller.displayed.connect(shown.append)
    before = source(controller.display).index
    for _ in range(3):
        controller.wish(lambda now: actions.scroll(now.view, now.display, 1))
    qtbot.waitUntil(lambda: bool(shown))
    qtbot.wait(20)
    assert len(shown) == 1
    assert source(shown[0]).index == before + 3


def test_a_wish_that_changes_nothing_shows_nothing(qtbot: QtBot, make: Make) -> None:
    controller = opened(qtbot, make())
    qtbot.wait(20)
    shown: list[DisplayState] = []
    controller.displayed.connect(shown.append)
    controller.wish(lambda now: now.view)
    qtbot.wait(30)
    assert shown == []


def test_a_study_without_ct_hangs_adc_beside_dwi(qtbot: QtBot, make: Make) -> None:
    controller = opened(qtbot, make(), "mr")
    panes = [pane for pane in controller.display.panes if isinstance(pane, SlicePane)]
    assert [pane.volume_id for pane in panes] == ["dwi", "adc", "dwi"]
    assert panes[2].content is Content.MASK
    assert panes[2].layers


def test_choosing_a_series_puts_it_into_the_active_pane(qtbot: QtBot, make: Make) -> None:
    controller = opened(qtbot, make())
    controller.choose("adc", put_series)
    assert source(controller.display).volume_id == "adc"
    controller.choose("result:stroke-lesion", put_series)
    assert source(controller.display).content is Content.MASK


def test_reading_and_running_log_no_patient_text(
    qtbot: QtBot, make: Make, make_loader: Any, canary: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        controller = opened(qtbot, make(loader=make_loader(canary)))
    assert controller.catalogue.study is not None
    assert controller.catalogue.study.patient.name == canary
    assert canary not in caplog.text
    assert all(canary not in job.request.title + job.error for job in controller.jobs.jobs)
