"""The dialog asks, follows its job, and the new task runs on the study that is open."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtWidgets import QDialogButtonBox
from pytestqt.qtbot import QtBot

from inference.errors import InputRefused
from inference.result import Progress
from viewer.adding import Addition
from viewer.controller import Controller
from viewer.jobs import MODELS, Desk, Jobs
from viewer.ui.add_model import AddModelDialog

pytestmark = [pytest.mark.gui, pytest.mark.usefixtures("nothing_left")]


class Adder:
    """Work that goes from stage to stage when it is let."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.error: Exception | None = None

    def __call__(self, desk: Desk) -> str:
        desk.progress(Progress("import", 0, 4))
        desk.progress(Progress("build", 1, 4))
        while not self.go.wait(0.01):
            if desk.cancelled():
                from inference.errors import JobCancelled

                raise JobCancelled
        if self.error is not None:
            raise self.error
        return "stroke-lesion"


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    made = Jobs()
    yield made
    made.close()


@pytest.fixture
def adder() -> Adder:
    return Adder()


@pytest.fixture
def dialog(qtbot: QtBot, jobs: Jobs, adder: Adder, tmp_path: Path) -> AddModelDialog:
    made = AddModelDialog(jobs)
    made.wanted.connect(
        lambda wanted: jobs.submit("add model", f"Add {wanted.source.name}", MODELS, adder, lambda _: None)
    )
    qtbot.addWidget(made)
    (tmp_path / "net").mkdir()
    made.source.setText(str(tmp_path / "net"))
    return made


def stage(dialog: AddModelDialog) -> list[str]:
    return [figure.text() for _, figure in dialog.stages.values()]


def test_what_the_fields_say_is_what_is_asked(dialog: AddModelDialog, tmp_path: Path) -> None:
    dialog.channels.setText("dwi, Adc")
    dialog.studies.setText("studies")
    dialog.mirror.setChecked(False)
    wanted = Addition(tmp_path / "net", ("DWI", "ADC"), Path("studies"), False, False)
    assert dialog.addition == wanted


def test_nothing_can_be_added_from_nowhere(dialog: AddModelDialog) -> None:
    assert dialog.add.isEnabled()
    for nowhere in ("", "   ", "/no/such/model"):
        dialog.source.setText(nowhere)
        assert not dialog.add.isEnabled()


def test_the_stage_that_runs_is_shown_and_the_end_is_said(qtbot: QtBot, dialog: AddModelDialog, adder: Adder) -> None:
    dialog.add.click()
    qtbot.waitUntil(lambda: stage(dialog)[2] == "…")
    assert stage(dialog)[0].endswith("s")
    assert stage(dialog)[3:] == ["", ""]
    adder.go.set()
    qtbot.waitUntil(lambda: "is installed" in dialog.verdict.text())
    assert dialog.bar.isHidden()


def test_a_refusal_is_said_in_the_dialog(qtbot: QtBot, dialog: AddModelDialog, adder: Adder) -> None:
    adder.error = InputRefused("It is no model.", "Give another.")
    adder.go.set()
    dialog.add.click()
    qtbot.waitUntil(lambda: dialog.verdict.text() == "It is no model. Give another.")


def test_cancel_stops_the_job_and_says_that_it_can_go_on(qtbot: QtBot, dialog: AddModelDialog) -> None:
    dialog.add.click()
    qtbot.waitUntil(lambda: stage(dialog)[2] == "…")
    dialog.buttons.button(QDialogButtonBox.StandardButton.Cancel).click()
    qtbot.waitUntil(lambda: "goes on where this ended" in dialog.verdict.text())


def test_the_new_task_runs_on_the_open_study_and_another_study_does_not_stop_it(
    qtbot: QtBot, jobs: Jobs, loader: Any, runner: Any, adder: Adder
) -> None:
    known, runner.tasks = runner.tasks, runner.tasks[:2]
    controller = Controller(loader, runner, jobs, lambda _: np.zeros((4, 4, 4), np.uint8))
    noted: list[str] = []
    controller.noted.connect(noted.append)
    controller.add_model("Add net", adder)
    with qtbot.waitSignal(controller.listed, timeout=10000):
        controller.open(Path("whole"))
    qtbot.waitUntil(lambda: len(controller.catalogue.results) == 4)
    assert {task for task, _ in controller.catalogue.results} == {task.name for task in known[:2]}
    adder.go.set()
    with qtbot.waitSignal(controller.settled, timeout=10000):
        pass
    qtbot.waitUntil(lambda: len(controller.catalogue.results) == 6)
    assert noted == ["stroke-lesion is installed"]
    assert controller.catalogue.kinds[known[2].name] is known[2].kind
