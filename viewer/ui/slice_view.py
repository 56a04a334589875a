"""A 2D pane: the picture that the scene composed, pixel for pixel, and the mouse over it."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QFrame, QGraphicsView, QWidget

from viewer.scene.mapping import pixels_per_mm, probe, screen_to_lps
from viewer.scene.slice2d import compose
from viewer.scene.theme import Theme
from viewer.state.display import SlicePane
from viewer.state.view import Annotations
from viewer.ui.style import qcolor, sized
from viewer.ui.tools import Tool

NOTCH = 120
CLICK_SLACK_PX = 3
ZOOM_PER_PIXEL = 1.01
PIXELS_PER_SLICE = 6
Picture = NDArray[np.uint8]


def same_picture(a: SlicePane | None, b: SlicePane) -> bool:
    """Whether both panes make the same picture: arrays are compared by identity, all else by value."""
    if a is None:
        return False
    pairs = ((getattr(a, field.name), getattr(b, field.name)) for field in fields(SlicePane) if field.name != "layers")
    return all(x is y or (not _holds_array(x) and x == y) for x, y in pairs) and _same_layers(a, b)


def _holds_array(value: object) -> bool:
    return hasattr(value, "voxels")


def _same_layers(a: SlicePane, b: SlicePane) -> bool:
    if len(a.layers) != len(b.layers):
        return False
    return all(
        x.mask is y.mask and (x.colours, x.opacity, x.hatched) == (y.colours, y.opacity, y.hatched)
        for x, y in zip(a.layers, b.layers, strict=True)
    )


class SliceView(pg.GraphicsView):  # type: ignore[misc]
    """Draws exactly the RGBA of `compose` at device pixels.

    Signals:
        activated: The pane was touched.
        scrolled: Slices (positive: next).
        window_dragged: Logical pixels right, down.
        panned: Millimetres of the patient right, down.
        zoomed: Factor, and the fixed point as millimetres (right, down) from the pane's centre.
        pointed: A patient point was clicked.
        maximised: Double click.
        menu_wanted: Right click, with the global position.
    """

    activated = Signal()
    scrolled = Signal(int)
    window_dragged = Signal(float, float)
    panned = Signal(float, float)
    zoomed = Signal(float, object)
    pointed = Signal(object)
    maximised = Signal()
    menu_wanted = Signal(QPoint)

    # pyqtgraph sends a resize event out of its own __init__, before ours has gone on.
    pane: SlicePane | None = None

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent, useOpenGL=False, background=theme.picture)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.FullViewportUpdate)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(96, 96)
        self.item = pg.ImageItem(axisOrder="row-major")
        self.addItem(self.item)
        self.tool = Tool.WINDOW
        self.painted: SlicePane | None = None
        self.picture: Picture | None = None
        self._theme = theme
        self._composed_for: tuple[tuple[int, int], float] = ((0, 0), 0.0)
        self._button = Qt.MouseButton.NoButton
        self._pressed = self._last = QPointF()
        self._dragging = False
        self._notches = 0.0
        self._slices = 0.0
        self._hover: QPointF | None = None
        self.probe_text = ""

    def show_pane(self, pane: SlicePane) -> None:
        """Compose and show a pane; nothing is done when it would be the same picture."""
        self.setAccessibleName(_spoken(pane))
        self.setCursor(self.tool.cursor)
        target = (self.device_size(), self.devicePixelRatioF())
        if target == self._composed_for and same_picture(self.pane, pane):
            self.pane = self.painted = pane
            return
        self.pane = pane
        self._compose()

    def device_size(self) -> tuple[int, int]:
        """(width, height) in device pixels."""
        ratio = self.devicePixelRatioF()
        return max(1, round(self.width() * ratio)), max(1, round(self.height() * ratio))

    def forget_hover(self) -> None:
        """Take the probe away, as if the mouse had left."""
        self._hover, self.probe_text = None, ""
        self.viewport().update()

    def _compose(self) -> None:
        if self.pane is None:
            return
        size, ratio = self.device_size(), self.devicePixelRatioF()
        self.picture = compose(self.pane, size, ratio)
        self._composed_for = (size, ratio)
        self.item.setImage(self.picture, levels=None, autoLevels=False)
        self.item.setScale(1.0 / ratio)
        self._look()
        self.viewport().update()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        self.painted = self.pane

    # --- what lies over the picture -------------------------------------------------------------------------------

    def drawForeground(self, painter: QPainter, rect: QRectF) -> None:
        """The probe in the lower right corner; the picture below is not composed again."""
        if not self.probe_text:
            return
        painter.save()
        painter.resetTransform()
        painter.setFont(sized(12))
        place = QRectF(self.viewport().rect()).adjusted(8, 0, -10, -8)
        flags = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignBottom)
        painter.setPen(qcolor(self._theme.picture))
        painter.drawText(place.translated(1, 1), flags, self.probe_text)
        painter.setPen(qcolor(self._theme.text))
        painter.drawText(place, flags, self.probe_text)
        painter.restore()

    def _look(self) -> None:
        """Read the value under the mouse."""
        before = self.probe_text
        self.probe_text = ""
        if self._hover is not None and self.pane is not None and self.pane.annotations is not Annotations.NONE:
            x, y = self._device(self._hover)
            self.probe_text = probe(self.pane, self.device_size(), x, y).text
        if before != self.probe_text:
            self.viewport().update()

    # --- mouse ----------------------------------------------------------------------------------------------------

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.accept()
        self._notches -= event.angleDelta().y() / NOTCH
        slices = int(self._notches)
        if slices:
            self._notches -= slices
            self.activated.emit()
            self.scrolled.emit(slices)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        event.accept()
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        self.activated.emit()
        if self._button is Qt.MouseButton.NoButton:
            self._button, self._dragging = event.button(), False
            self._pressed = self._last = event.position()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        event.accept()
        self._hover = event.position()
        self._look()
        if self._button is Qt.MouseButton.NoButton:
            return
        if not self._dragging and (self._hover - self._pressed).manhattanLength() <= CLICK_SLACK_PX:
            return
        self._dragging = True
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier and self._button is Qt.MouseButton.LeftButton:
            self._point(self._hover)
        else:
            self._drag(self._hover - self._last)
        self._last = self._hover

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        event.accept()
        if event.button() is not self._button:
            return
        self._button = Qt.MouseButton.NoButton
        if self._dragging:
            return
        if event.button() is Qt.MouseButton.LeftButton:
            self._point(event.position())
        elif event.button() is Qt.MouseButton.RightButton:
            self.menu_wanted.emit(event.globalPosition().toPoint())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        event.accept()
        if event.button() is Qt.MouseButton.LeftButton:
            self.activated.emit()
            self.maximised.emit()

    def leaveEvent(self, event: QEvent) -> None:
        self.forget_hover()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self.pane is not None:
            self._compose()

    def _drag(self, step: QPointF) -> None:
        if self._button is Qt.MouseButton.MiddleButton or self._acts(Tool.PAN):
            scale = self._pixels_per_mm()
            self.panned.emit(step.x() / scale, step.y() / scale)
        elif self._button is Qt.MouseButton.RightButton or self._acts(Tool.ZOOM):
            self.zoomed.emit(ZOOM_PER_PIXEL ** -step.y(), self._from_centre(self._pressed))
        elif self._acts(Tool.WINDOW):
            self.window_dragged.emit(step.x(), step.y())
        elif self._acts(Tool.SCROLL):
            self._slices += step.y() / PIXELS_PER_SLICE
            whole = int(self._slices)
            self._slices -= whole
            self.scrolled.emit(whole)

    def _acts(self, tool: Tool) -> bool:
        return self._button is Qt.MouseButton.LeftButton and self.tool is tool

    def _point(self, at: QPointF) -> None:
        if self.pane is not None and self.pane.volume is not None:
            self.pointed.emit(screen_to_lps(self.pane, self.device_size(), *self._device(at)))

    def _device(self, at: QPointF) -> tuple[float, float]:
        ratio = self.devicePixelRatioF()
        return at.x() * ratio, at.y() * ratio

    def _pixels_per_mm(self) -> float:
        """Logical pixels for one millimetre of the patient."""
        if self.pane is None:
            return 1.0
        return float(pixels_per_mm(self.pane, self.device_size()) / self.devicePixelRatioF())

    def _from_centre(self, at: QPointF) -> tuple[float, float]:
        scale = self._pixels_per_mm()
        return (at.x() - self.width() / 2) / scale, (at.y() - self.height() / 2) / scale


def _spoken(pane: SlicePane) -> str:
    title = pane.corners.top_left[0] if pane.corners.top_left else pane.content.value
    return f"{title}, {pane.plane.value} slice {pane.index + 1} of {pane.count}"
