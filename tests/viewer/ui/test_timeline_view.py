"""The timeline in the window: bars, idle words, plans from files, problems in a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from inference.lanes import Span
from inference.schedule.objective import Objective
from inference.schedule.profile import Layer, Profile, write
from viewer.jobs import ENGINE, READ, Job, Jobs, JobState, Request
from viewer.jobs import Span as JobSpan
from viewer.scene.theme import theme
from viewer.state.timeline import chart_of_profiles, chart_of_spans
from viewer.ui.jobs_panel import JobsPanel
from viewer.ui.timeline_view import TimelineDialog, chart_of_jobs

pytestmark = pytest.mark.gui

SPANS = (Span("Read", "Open", 0.0, 1.0), Span("Engine", "Stroke lesion", 1.0, 4.0))


@pytest.fixture
def dialog(qtbot: QtBot) -> TimelineDialog:
    made = TimelineDialog(theme(), chart_of_spans("Jobs", SPANS, ("Read", "Engine")), chart_of_profiles)
    qtbot.addWidget(made)
    with qtbot.waitExposed(made):
        made.show()
    return made


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, ...]:
    def profile(name: str, *columns: tuple[float, float]) -> Profile:
        both, none = {"gpu": True, "dla": True}, {"gpu": 0.0, "dla": 0.0}
        layers = (Layer(f"{i}", {"gpu": g, "dla": d}, none, none, both) for i, (g, d) in enumerate(columns))
        return Profile(name, ("gpu", "dla"), tuple(layers))

    pair = (profile("a", (4, 2), (2, 6)), profile("b", (2, 6), (7, 2)))
    return tuple(write(p, tmp_path / f"{p.model}.json") for p in pair)


def ticks_of(dialog: TimelineDialog, side: str) -> list[str]:
    axis: Any = dialog.view.plot.getPlotItem().getAxis(side)
    return [words for _, words in axis._tickLevels[0]]


def test_lanes_and_idle_shares_stand_beside_the_rows(dialog: TimelineDialog) -> None:
    assert ticks_of(dialog, "left") == ["Read", "Engine"]
    assert ticks_of(dialog, "right") == ["idle 75.0 %", "idle 25.0 %"]


def test_the_bar_under_the_pointer_is_named(dialog: TimelineDialog) -> None:
    bar = dialog.view.bar_at(2.0, 0.0)
    assert bar is not None
    assert bar.model == "Stroke lesion"
    assert dialog.view.bar_at(2.0, 1.0) is None


def test_profiles_become_a_plan_for_either_objective(dialog: TimelineDialog, files: tuple[Path, ...]) -> None:
    dialog.plan_files(files)
    assert dialog.objective is Objective.PERIOD
    assert dialog.view.title.text() == "Period 4 ms"
    dialog.objectives.button(1).click()
    assert dialog.view.title.text().startswith("Makespan ")
    assert ticks_of(dialog, "left") == ["gpu", "dla"]
    assert dialog.problem.isHidden()


def test_a_wrong_file_is_said_and_the_picture_stays(dialog: TimelineDialog, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{}")
    dialog.plan_files((tmp_path / "x.json",))
    assert not dialog.problem.isHidden()
    assert "lacks" in dialog.problem.text()
    assert dialog.view.title.text() == "Jobs"


def test_the_picture_has_the_colours_of_the_work(dialog: TimelineDialog, qtbot: QtBot) -> None:
    image = dialog.grab().toImage()
    seen = {image.pixelColor(x, y).name() for x in range(0, image.width(), 7) for y in range(0, image.height(), 5)}
    assert "#2b7fff" in seen
    assert "#ffb02e" in seen


def test_the_jobs_panel_asks_for_it(qtbot: QtBot) -> None:
    jobs = Jobs()
    panel = JobsPanel(jobs)
    qtbot.addWidget(panel)
    with qtbot.waitSignal(panel.timeline_wanted, timeout=2000):
        panel.timeline.click()
    jobs.close()


def test_jobs_become_spans_of_their_lanes() -> None:
    request = Request(1, "key", "Stroke lesion", ENGINE)
    done = Job(request, JobState.DONE, started=1.0, ended=4.0, spans=(JobSpan("tiles", 1.0, 4.0),))
    running = Job(Request(2, "k", "Open", READ), JobState.RUNNING, started=4.0, spans=(JobSpan("read", 4.0, 4.1),))
    chart = chart_of_jobs((done, running), now=5.0)
    assert chart.lanes == ("Read", "Engine", "Scene")
    assert [(bar.lane, bar.model, bar.start_s, bar.end_s) for bar in chart.bars] == [
        (1, "Stroke lesion", 0.0, 3.0),
        (0, "Open", 3.0, 4.0),
    ]
    assert chart.idle_percent == pytest.approx((75, 25, 100))
