"""Measures a window from inside: when it stands, when the first slice is painted, how long a wheel step takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QEvent, QEventLoop, QObject, QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication

from viewer.state.view import Content, Layout, PaneWish, Plane
from viewer.ui.main_window import MainWindow
from viewer.ui.slice_view import NOTCH, SliceView
from viewer.wish import Wish

PLANES = (Plane.AXIAL, Plane.CORONAL, Plane.SAGITTAL)
PATIENCE_S = 120.0
TICK_MS = 20


class Asked(Protocol):
    """What takes wishes."""

    @property
    def loading(self) -> bool: ...

    def wish(self, wish: Wish) -> None: ...

    def open(self, path: Path) -> None: ...


class Windowed(Protocol):
    """What is measured."""

    @property
    def window(self) -> MainWindow: ...

    @property
    def controller(self) -> Asked: ...


class FirstPaint(QObject):
    """Notes when a view first paints a picture."""

    def __init__(self, view: SliceView) -> None:
        super().__init__()
        self.at: float | None = None
        self._view = view
        view.viewport().installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        has_picture = self._view.pane is not None and self._view.pane.volume is not None
        if event.type() is QEvent.Type.Paint and has_picture and self.at is None:
            self.at = time.perf_counter()
        return False


def until(true: Callable[[], bool]) -> None:
    """Work off events until something is true.

    Raises:
        TimeoutError: It never was.
    """
    end = time.monotonic() + PATIENCE_S
    tick = QTimer()
    tick.start(TICK_MS)
    while not true():
        # Waiting for events, instead of asking again and again, leaves the interpreter to the reading threads.
        QApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)
        if time.monotonic() > end:
            raise TimeoutError("the window did not come to an end")
    tick.stop()


def show_three_planes(measured: Windowed) -> None:
    """Three linked panes of the source: axial, coronal, sagittal."""
    panes = tuple(PaneWish(Content.SOURCE, plane=plane) for plane in PLANES)
    measured.controller.wish(
        lambda now: replace(now.view, layout=Layout.THREE, panes=(*panes, PaneWish(Content.SURFACE)), active=0)
    )


def seconds_to_window(measured: Windowed, begun: float) -> float:
    """From `begun` (seconds since the epoch) until the window is painted."""
    measured.window.show()
    until(lambda: measured.window.windowHandle() is not None and measured.window.windowHandle().isExposed())
    QApplication.processEvents()
    return time.time() - begun


def seconds_to_slices(measured: Windowed, folder: Path) -> tuple[float, float]:
    """From the wish to open until (the first slice is painted, the whole volume is painted)."""
    view = measured.window.panes.slices[0]
    watch = FirstPaint(view)
    begin = time.perf_counter()
    measured.controller.open(folder)
    until(lambda: watch.at is not None)
    until(lambda: not measured.controller.loading and view.painted is view.pane)
    assert watch.at is not None
    return watch.at - begin, time.perf_counter() - begin


def wheel_milliseconds(measured: Windowed, steps: int) -> tuple[float, ...]:
    """From a wheel event until every linked pane is painted, step by step."""
    views = measured.window.panes.slices[: len(PLANES)]
    until(lambda: all(_painted(view) for view in views))
    return tuple(_turn(views, -1 if step % 100 < 50 else 1) for step in range(steps))


def _turn(views: tuple[SliceView, ...], notches: int) -> float:
    before = [view.pane for view in views]
    viewport = views[0].viewport()
    middle = QPointF(viewport.rect().center())
    event = QWheelEvent(
        middle,
        viewport.mapToGlobal(middle),
        QPoint(),
        QPoint(0, notches * NOTCH),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    begin = time.perf_counter()
    QApplication.sendEvent(viewport, event)
    until(lambda: all(_painted(view) and view.pane is not old for view, old in zip(views, before, strict=True)))
    return (time.perf_counter() - begin) * 1000.0


def _painted(view: SliceView) -> bool:
    return view.pane is not None and view.painted is view.pane
