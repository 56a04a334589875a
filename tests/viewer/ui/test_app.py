"""The application as a whole: opened, finished, captured, closed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest

from inference.errors import BadOutput, EngineError, InputRefused
from inference.result import Precision
from viewer.app import Application, NotFinished, Options, start_qt
from viewer.state.display import SlicePane
from viewer.whole_file import ExportFailed

pytestmark = [pytest.mark.gui, pytest.mark.usefixtures("nothing_left")]
Make = Callable[..., Any]
KEY = Qt.Key


def press(app: Any, *keys: Qt.Key) -> None:
    for key in keys:
        QTest.keyClick(app.window, key)
        for _ in range(3):
            app.qt.processEvents()


def pane(app: Any, index: int = 0) -> SlicePane:
    found = app.controller.display.panes[index]
    assert isinstance(found, SlicePane)
    return found


def left_part(app: Any, picture: np.ndarray) -> np.ndarray:
    """Everything but jobs, memory and timeline, whose figures change by themselves."""
    right = app.window.panes.mapTo(app.window, QPoint(app.window.panes.width(), 0)).x()
    return picture[: app.window.timing.y(), :right]


def test_no_pixel_depends_on_the_patient_when_patient_text_is_off(make_app: Make, make_loader: Any) -> None:
    pictures = []
    for name in ("Phantom^Seven", "Somebody^Else With A Longer Name"):
        app = make_app(loader=make_loader(name), options={"patient_text": False})
        pictures.append(left_part(app, app.capture()))
        app.window.hide()
    np.testing.assert_array_equal(*pictures)


def test_a_drop_opens(make_app: Make, tmp_path: Path) -> None:
    app = make_app(None)
    assert app.window.empty.isVisible()
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path))])
    copy, none = Qt.DropAction.CopyAction, Qt.KeyboardModifier.NoModifier
    app.window.dropEvent(QDropEvent(QPointF(600, 400), copy, data, Qt.MouseButton.LeftButton, none))
    app.wait(30.0)
    assert app.controller.catalogue.study is not None
    assert app.controller.catalogue.study.source == tmp_path
    assert app.window.panes.isVisible()


def test_bad_input_shows_one_sentence_and_the_window_stays_usable(make_app: Make) -> None:
    app = make_app("empty")
    assert app.window.banner.text == "There is no file in this folder. Choose a folder that holds a study."
    app.controller.open(Path("whole"))
    app.wait(30.0)
    assert app.window.banner.text == ""
    press(app, KEY.Key_Down)
    assert pane(app).volume is not None


def test_a_broken_engine_leaves_a_usable_viewer(make_app: Make, bad_runner: Any) -> None:
    app = make_app(runner=bad_runner)
    assert "values that are not numbers" in app.window.banner.text
    start = pane(app).index
    press(app, KEY.Key_Down)
    assert pane(app).index == start + 1
    press(app, KEY.Key_Escape)
    assert app.window.banner.text == ""


@pytest.fixture
def ready(loader: Any, runner: Any) -> Callable[..., Application]:
    """An application that is wired but has not begun."""

    def make(path: str = "whole", **given: Any) -> Application:
        return Application(start_qt(), loader, given.get("runner", runner), Options(path=Path(path), size=(1280, 800)))

    return make


def test_a_study_becomes_a_picture(ready: Callable[..., Application], runner: Any, tmp_path: Path) -> None:
    file = tmp_path / "picture.png"
    catalogue = ready().run_until_done_and_capture(file)
    with Image.open(file) as picture:
        assert picture.size == (1280, 800)
        assert np.asarray(picture).std() > 10
    assert len(catalogue.results) == 6
    assert runner.closed


def test_a_picture_can_be_taken_at_the_first_finding(ready: Callable[..., Application], tmp_path: Path) -> None:
    application = ready()
    application.run_until_done_and_capture(tmp_path / "picture.png", at_finding=True)
    first = application.controller.now.display.findings[0].finding
    assert application.controller.view.crosshair_lps_mm == first.centroid_lps_mm


def test_a_refused_path_is_raised_and_nothing_is_written(ready: Callable[..., Application], tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="no file in this folder"):
        ready("empty").run_until_done_and_capture(tmp_path / "picture.png")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_engine_is_raised_after_the_picture(
    ready: Callable[..., Application], bad_runner: Any, tmp_path: Path
) -> None:
    file = tmp_path / "picture.png"
    with pytest.raises(BadOutput):
        ready(runner=bad_runner).run_until_done_and_capture(file)
    assert file.exists()


def test_a_job_that_hangs_does_not_hang_the_command(
    ready: Callable[..., Application], runner: Any, tmp_path: Path
) -> None:
    runner.hold.clear()
    with pytest.raises(NotFinished):
        ready().run_until_done_and_capture(tmp_path / "picture.png", patience_s=1.5)
    assert issubclass(NotFinished, EngineError)


def test_a_picture_that_cannot_be_saved_is_told(ready: Callable[..., Application], tmp_path: Path) -> None:
    (tmp_path / "missing").write_text("")
    with pytest.raises(ExportFailed):
        ready().run_until_done_and_capture(tmp_path / "missing" / "picture.png")


def test_the_wished_precision_and_layout_are_shown(loader: Any, runner: Any) -> None:
    options = Options(precision=Precision.FP16, layout="2x1", patient_text=False)
    app = Application(start_qt(), loader, runner, options)
    view = app.controller.view
    assert (view.precision, view.compare, view.layout.value, view.patient_text) == (
        Precision.FP16,
        Precision.FP32,
        "2x1",
        False,
    )
    app.close()


def test_ctrl_s_saves_what_the_window_shows(make_app: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("viewer.app.pictures_folder", lambda: tmp_path / "pictures")
    app = make_app()
    expected = left_part(app, app.capture())
    QTest.keyClick(app.window, KEY.Key_S, Qt.KeyboardModifier.ControlModifier)
    app.wait(10.0)
    (file,) = (tmp_path / "pictures").iterdir()
    assert file.name.startswith("insula-")
    assert app.window.banner.text == f"Screenshot saved as {file}"
    with Image.open(file) as picture:
        np.testing.assert_array_equal(left_part(app, np.asarray(picture)), expected)


def test_results_are_exported_as_files(make_app: Make, tmp_path: Path) -> None:
    app = make_app()
    app.export(tmp_path)
    app.wait(10.0)
    assert app.window.banner.text == f"6 results written to {tmp_path}"
    names = sorted(file.name for file in tmp_path.iterdir())
    assert len(names) == 7
    assert {"ct-to-mri-fp32-SYNTHETIC.nii.gz", "report.json"} <= set(names)


def test_an_export_that_fails_says_so(make_app: Make, tmp_path: Path) -> None:
    app = make_app()
    (tmp_path / "file").write_text("in the way")
    app.export(tmp_path / "file")
    app.wait(10.0)
    assert "could not be written" in app.window.banner.text
    assert [one.name for one in tmp_path.iterdir()] == ["file"]
