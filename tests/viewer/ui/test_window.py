"""The window shows exactly what was composed, does what keys and mouse ask, and survives bad input."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from inference.result import Precision
from viewer.app import Application, Options, start_qt
from viewer.scene.slice2d import compose
from viewer.state.display import SlicePane
from viewer.state.view import Annotations, Layout, ViewState
from viewer.ui.series_rows import ledger_lines
from viewer.ui.slice_view import SliceView
from viewer.ui.tools import Tool

pytestmark = pytest.mark.gui
Make = Callable[..., Any]
KEY = Qt.Key


@pytest.fixture(scope="module")
def one_app(make_loader: Callable[..., Any], make_runner: Callable[..., Any]) -> Iterator[Any]:
    """One application with a finished study for every test that leaves no trace but wishes."""
    app = Application(start_qt(), make_loader(), make_runner(), Options(path=Path("whole"), size=(1280, 800)))
    app.show()
    assert app.wait(60.0)
    yield app
    app.close()
    app.window.deleteLater()
    app.qt.processEvents()


@pytest.fixture
def app(one_app: Any) -> Any:
    """The one application with every wish taken back."""
    one_app.controller.wish(lambda _: ViewState())
    one_app.window.choose_tool(Tool.WINDOW)
    one_app.window.help.hide()
    one_app.window.banner.hide()
    one_app.window.show()
    assert one_app.wait(30.0)
    return one_app


def array_of(image: QImage) -> np.ndarray:
    rgba = image.convertToFormat(QImage.Format.Format_RGBA8888)
    held = np.frombuffer(rgba.constBits(), dtype=np.uint8)
    return held.reshape(rgba.height(), rgba.bytesPerLine() // 4, 4)[:, : rgba.width()].copy()


def on_screen(app: Any) -> np.ndarray:
    """What the X server shows where the window is."""
    app.wait(5.0)
    QTest.qWait(300)
    window = app.window
    at = window.mapToGlobal(QPoint(0, 0))
    return array_of(window.screen().grabWindow(0, at.x(), at.y(), window.width(), window.height()).toImage())


def left_part(app: Any, picture: np.ndarray) -> np.ndarray:
    """Everything but jobs, memory and timeline, whose figures change by themselves."""
    right = app.window.panes.mapTo(app.window, QPoint(app.window.panes.width(), 0)).x()
    return picture[: app.window.timing.y(), :right]


def soon(app: Any) -> None:
    """Work off what a wish has started on the GUI thread."""
    for _ in range(3):
        app.qt.processEvents()


def press(app: Any, *keys: Qt.Key) -> None:
    for key in keys:
        QTest.keyClick(app.window, key)
        soon(app)


def pane(app: Any, index: int = 0) -> SlicePane:
    found = app.controller.display.panes[index]
    assert isinstance(found, SlicePane)
    return found


def mouse(
    view: SliceView, button: Qt.MouseButton, path: list[tuple[float, float]], keys: Any = Qt.KeyboardModifier.NoModifier
) -> None:
    """Press at the first point, move along the others, release at the last."""
    target = view.viewport()

    def send(kind: QMouseEvent.Type, at: tuple[float, float], down: Qt.MouseButton) -> None:
        point = QPointF(*at)
        moving = kind is QMouseEvent.Type.MouseMove
        what = Qt.MouseButton.NoButton if moving else button
        QApplication.sendEvent(target, QMouseEvent(kind, point, target.mapToGlobal(point), what, down, keys))

    send(QMouseEvent.Type.MouseButtonPress, path[0], button)
    for at in path[1:]:
        send(QMouseEvent.Type.MouseMove, at, button)
    send(QMouseEvent.Type.MouseButtonRelease, path[-1], Qt.MouseButton.NoButton)


def wheel(view: SliceView, notches: int) -> None:
    at = QPointF(view.viewport().rect().center())
    event = QWheelEvent(
        at,
        view.viewport().mapToGlobal(at),
        QPoint(),
        QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(view.viewport(), event)


def test_a_slice_view_paints_exactly_what_was_composed(app: Any) -> None:
    for index in range(3):
        view = app.window.panes.slices[index]
        expected = compose(view.pane, view.device_size(), view.devicePixelRatioF())
        np.testing.assert_array_equal(array_of(view.grab().toImage()), expected)


def test_a_capture_equals_the_screen_pixel_for_pixel(app: Any) -> None:
    screen = on_screen(app)
    np.testing.assert_array_equal(app.capture(), screen)


def test_the_3d_pane_is_in_the_capture(app: Any) -> None:
    surface = app.window.panes.surface
    corner = surface.mapTo(app.window, QPoint(0, 0))
    part = app.capture()[corner.y() : corner.y() + surface.height(), corner.x() : corner.x() + surface.width()]
    np.testing.assert_array_equal(part, surface.picture)
    reddish = (part[..., 0].astype(int) - part[..., 2] > 60).sum()
    assert reddish > 50


def test_a_capture_without_patient_text_holds_none_and_leaves_the_screen(app: Any) -> None:
    before = left_part(app, app.capture())
    without = left_part(app, app.capture(patient_text=False))
    np.testing.assert_array_equal(left_part(app, app.capture()), before)
    assert "Phantom" in app.window.top.patient
    app.controller.wish(lambda now: replace(now.view, patient_text=False))
    soon(app)
    np.testing.assert_array_equal(left_part(app, app.capture()), without)
    assert "Phantom" not in app.window.top.patient
    assert (before != without).any()


def test_arrows_and_pages_scroll(app: Any) -> None:
    start = pane(app).index
    press(app, KEY.Key_Down, KEY.Key_Down, KEY.Key_Up)
    assert pane(app).index == start + 1
    press(app, KEY.Key_Home)
    assert pane(app).index == 0
    press(app, KEY.Key_PageDown)
    assert pane(app).index == 10
    press(app, KEY.Key_End)
    assert pane(app).index == 11


def test_f_flips_the_precision_on_the_same_slice(app: Any) -> None:
    before, picture = pane(app), app.window.panes.slices[1].picture.copy()
    press(app, KEY.Key_F)
    assert app.controller.display.precision is Precision.FP16
    assert (pane(app).index, pane(app).window) == (before.index, before.window)
    assert app.window.top.precisions[Precision.FP16].isChecked()
    assert (app.window.panes.slices[1].picture != picture).any()
    press(app, KEY.Key_F)
    assert app.controller.display.precision is Precision.FP32
    np.testing.assert_array_equal(app.window.panes.slices[1].picture, picture)


def test_d_shows_where_two_precisions_disagree(app: Any) -> None:
    press(app, KEY.Key_D)
    layer = pane(app, 2).layers[0]
    assert set(np.unique(layer.mask.labels)) == {0, 1, 2}
    assert app.window.top.compare.isChecked()
    assert app.window.comparison.values[0].text().startswith("0.9")
    press(app, KEY.Key_D)
    assert not app.controller.display.disagreement


def test_q_hides_everything_ai_made_while_it_is_held(app: Any) -> None:
    QTest.keyPress(app.window, KEY.Key_Q)
    soon(app)
    assert pane(app, 1).volume is None
    assert app.controller.display.findings == ()
    QTest.keyRelease(app.window, KEY.Key_Q)
    soon(app)
    assert pane(app, 1).volume is not None


CHANGES: tuple[tuple[Qt.Key, Callable[[Any], Any], Any], ...] = (
    (KEY.Key_G, lambda app: app.controller.view.overlay, False),
    (KEY.Key_X, lambda app: app.controller.view.crosshair, False),
    (KEY.Key_Space, lambda app: app.controller.view.annotations, Annotations.MINIMAL),
    (KEY.Key_I, lambda app: pane(app).inverted, True),
    (KEY.Key_BracketLeft, lambda app: app.controller.view.overlay_opacity, 0.35),
    (KEY.Key_BracketRight, lambda app: app.controller.view.overlay_opacity, 0.45),
    (KEY.Key_4, lambda app: pane(app).preset, "Bone"),
    (KEY.Key_0, lambda app: pane(app).preset, "Auto"),
    (KEY.Key_Right, lambda app: app.controller.view.active, 1),
    (KEY.Key_Left, lambda app: app.controller.view.active, 0),
    (KEY.Key_P, lambda app: app.window.panes.slices[0].tool, Tool.PAN),
    (KEY.Key_Z, lambda app: app.window.panes.slices[0].tool, Tool.ZOOM),
    (KEY.Key_S, lambda app: app.window.panes.slices[0].tool, Tool.SCROLL),
    (KEY.Key_W, lambda app: app.window.panes.slices[0].tool, Tool.WINDOW),
    (KEY.Key_Question, lambda app: app.window.help.isVisible(), True),
    (KEY.Key_F1, lambda app: app.window.help.isVisible(), False),
)


def test_each_key_changes_what_it_says(app: Any) -> None:
    for key, field, changed in CHANGES:
        assert field(app) != changed, key
        press(app, key)
        assert field(app) == changed, key


def test_r_takes_zoom_and_window_back(app: Any) -> None:
    fresh = pane(app)
    press(app, KEY.Key_4, KEY.Key_I, KEY.Key_R)
    assert (pane(app).window, pane(app).inverted) == (fresh.window, False)


def test_left_drag_sets_the_window_and_right_drag_the_zoom(app: Any) -> None:
    view, before = app.window.panes.slices[0], pane(app)
    mouse(view, Qt.MouseButton.LeftButton, [(100, 100), (140, 100), (180, 100)])
    assert pane(app).window.width > before.window.width
    assert pane(app).window.level == pytest.approx(before.window.level)
    mouse(view, Qt.MouseButton.LeftButton, [(100, 140), (100, 100)])
    assert pane(app).window.level < before.window.level
    mouse(view, Qt.MouseButton.RightButton, [(100, 140), (100, 100)])
    assert pane(app).zoom > 1.2


def test_middle_drag_moves_the_picture_with_the_mouse(app: Any) -> None:
    view = app.window.panes.slices[0]
    mouse(view, Qt.MouseButton.MiddleButton, [(100, 100), (130, 120)])
    app.wait(5.0)
    from viewer.scene.mapping import pixels_per_mm

    scale = pixels_per_mm(pane(app), view.device_size())
    assert np.multiply(pane(app).pan_mm, scale) == pytest.approx((30, 20))


def test_a_click_sets_the_linked_point_and_a_drag_does_not(app: Any) -> None:
    view = app.window.panes.slices[0]
    before = pane(app).position_lps_mm
    mouse(view, Qt.MouseButton.LeftButton, [(100, 100), (160, 100)])
    assert pane(app).position_lps_mm == before
    middle = view.viewport().rect().center()
    mouse(view, Qt.MouseButton.LeftButton, [(middle.x() + 30, middle.y())])
    x, y, z = pane(app).position_lps_mm
    assert x > 10
    assert z == pytest.approx(before[2])
    assert pane(app, 2).position_lps_mm == (x, y, z)


def test_shift_drag_moves_the_linked_point(app: Any) -> None:
    view, before = app.window.panes.slices[0], pane(app).window
    middle = view.viewport().rect().center()
    path = [(middle.x(), middle.y()), (middle.x() - 40, middle.y())]
    mouse(view, Qt.MouseButton.LeftButton, path, Qt.KeyboardModifier.ShiftModifier)
    assert pane(app).position_lps_mm[0] < -10
    assert pane(app).window == before


def test_the_wheel_scrolls_all_linked_panes(app: Any) -> None:
    before = pane(app, 0).index, pane(app, 2).index
    wheel(app.window.panes.slices[0], -2)
    assert (pane(app, 0).index, pane(app, 2).index) == (before[0] + 2, before[1] + 2)


def test_a_right_click_opens_the_menu_and_a_right_drag_does_not(app: Any) -> None:
    view = app.window.panes.slices[0]
    asked: list[QPoint] = []
    view.menu_wanted.disconnect()
    view.menu_wanted.connect(asked.append)
    mouse(view, Qt.MouseButton.RightButton, [(50, 50), (50, 90)])
    assert asked == []
    mouse(view, Qt.MouseButton.RightButton, [(50, 50)])
    assert len(asked) == 1


def test_double_click_shows_one_pane_and_back(app: Any) -> None:
    view = app.window.panes.slices[2]
    QTest.mouseDClick(view.viewport(), Qt.MouseButton.LeftButton)
    soon(app)
    assert app.controller.display.visible == (2,)
    assert view.width() == app.window.panes.width()
    press(app, KEY.Key_Escape)
    assert app.controller.display.visible == (0, 1, 2, 3)


def test_the_probe_reads_the_voxel_and_composes_nothing(app: Any) -> None:
    view = app.window.panes.slices[0]
    picture = view.picture
    middle = view.viewport().rect().center()
    at = QPointF(middle)
    none = Qt.MouseButton.NoButton
    move = QMouseEvent(
        QMouseEvent.Type.MouseMove, at, view.viewport().mapToGlobal(at), none, none, Qt.KeyboardModifier.NoModifier
    )
    QApplication.sendEvent(view.viewport(), move)
    assert view.probe_text.startswith("36 HU")
    assert view.picture is picture
    grabbed = array_of(view.grab().toImage())
    assert (grabbed != picture).any()
    rows, columns = np.nonzero((grabbed != picture).any(axis=2))
    assert rows.min() > 0.8 * view.height()
    assert columns.min() > 0.4 * view.width()
    view.forget_hover()
    np.testing.assert_array_equal(array_of(view.grab().toImage()), picture)


def test_layouts_place_their_panes_two_pixels_apart(app: Any) -> None:
    for layout in Layout:
        _check_layout(app, layout)


def _check_layout(app: Any, layout: Layout) -> None:
    app.window.top.layouts[layout].trigger()
    app.wait(5.0)
    visible = app.controller.display.visible
    assert len(visible) == layout.columns * layout.rows
    widgets = [app.window.panes.widget(index) for index in visible]
    assert all(widget.isVisible() for widget in widgets)
    widths = {widget.width() for widget in widgets}
    assert max(widths) - min(widths) <= 1
    if layout.columns > 1:
        assert widgets[1].x() - widgets[0].geometry().right() == 3


def test_findings_jump(app: Any) -> None:
    findings = app.window.findings
    rows = [findings.model.data(findings.model.index(n, 0)) for n in range(findings.model.rowCount())]
    assert set(rows) == {"IPH", "ischaemic"}
    row = rows.index("ischaemic")
    findings.table.clicked.emit(findings.model.index(row, 0))
    soon(app)
    assert app.controller.display.chosen_finding == row
    assert pane(app).position_lps_mm == pytest.approx((-24.0, 6.0, 0.0))


def test_cards_say_what_the_gate_found_and_results_stand_apart(app: Any) -> None:
    cards = {card.row.id: card.row for card in app.window.series.cards}
    assert [cards[uid].badge for uid in ("ct", "dwi", "adc")] == ["geometry ok"] * 3
    assert cards["result:ct-to-mri"].badge == "SYNTHETIC"
    assert ledger_lines(app.controller.catalogue.study) == (
        "45 files found",
        "44 shown in 3 series",
        "1 file set aside",
    )


def test_jobs_end_as_done_and_the_timeline_shows_their_lanes(app: Any) -> None:
    app.window.jobs.refresh()
    app.window.timing.refresh()
    assert {bar.lane.name for bar in app.window.timing.bars} == {"Read", "Engine", "Scene"}
    assert not app.jobs.busy
    assert all(bar.end >= bar.start for bar in app.window.timing.bars)


def test_a_click_on_a_lesion_in_3d_goes_there(app: Any) -> None:
    surface = app.window.panes.surface
    points: list[Any] = []
    surface.pointed.connect(points.append)
    lesion = np.array(app.controller.display.findings[-1].finding.centroid_lps_mm)
    red = np.argwhere(surface.picture[..., 0].astype(int) - surface.picture[..., 2] > 90)
    y, x = red[len(red) // 2]
    QTest.mouseClick(surface, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(int(x), int(y)))
    assert len(points) == 1
    assert np.linalg.norm(np.array(points[0]) - lesion) < 40


def test_a_drag_turns_the_head_without_picking(app: Any) -> None:
    surface = app.window.panes.surface
    points: list[Any] = []
    surface.pointed.connect(points.append)
    before = surface.scene.renderer.GetActiveCamera().GetPosition()
    QTest.mousePress(surface, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(150, 150))
    QTest.mouseMove(surface, QPoint(190, 170))
    QTest.mouseRelease(surface, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(190, 170))
    assert surface.scene.renderer.GetActiveCamera().GetPosition() != before
    assert points == []


def test_tab_reaches_the_tools_and_enter_opens_a_series(app: Any) -> None:
    assert app.window.top.tools[Tool.PAN].focusPolicy() & Qt.FocusPolicy.TabFocus
    card = next(card for card in app.window.series.cards if card.row.id == "adc")
    assert card.accessibleName().startswith("Series adc")
    QTest.keyClick(card, KEY.Key_Return)
    soon(app)
    assert pane(app).volume_id == "adc"
