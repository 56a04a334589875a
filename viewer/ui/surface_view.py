"""The 3D pane: hosts the scene's VTK renderer.

VTK draws into memory and Qt paints that picture. So what is on the screen, in a capture and in a test is the same
array, other widgets can lie above it, and no native window has to live inside Qt's (which fails on Wayland).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QImage, QMouseEvent, QPainter, QPaintEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QWidget
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkUnsignedCharArray
from vtkmodules.vtkInteractionStyle import vtkInteractorStyleTrackballCamera
from vtkmodules.vtkRenderingCore import vtkRenderWindow
from vtkmodules.vtkRenderingUI import vtkGenericRenderWindowInteractor

from viewer.scene.furniture import draw_surface_words
from viewer.scene.surface import SurfaceScene
from viewer.scene.theme import Theme, theme
from viewer.state.display import SurfacePane
from viewer.ui.slice_view import CLICK_SLACK_PX, NOTCH
from viewer.ui.style import qcolor

Picture = NDArray[np.uint8]
BASE_DPI = 72
BUTTONS = {
    Qt.MouseButton.LeftButton: "LeftButton",
    Qt.MouseButton.MiddleButton: "MiddleButton",
    Qt.MouseButton.RightButton: "RightButton",
}


def same_surfaces(a: SurfacePane, b: SurfacePane) -> bool:
    """Whether VTK would draw the same; the linked point and the words are no part of it."""
    return (a.context is b.context and a.mask is b.mask) and (
        (a.context_threshold, a.colours, a.findings) == (b.context_threshold, b.colours, b.findings)
    )


class SurfaceView(QWidget):
    """Left drag rotates, middle drag pans, right drag and wheel zoom, a click on a lesion goes there.

    Signals:
        activated: The pane was touched.
        pointed: A patient point on a surface was clicked.
        maximised: Double click.
    """

    activated = Signal()
    pointed = Signal(object)
    maximised = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(96, 96)
        self.setAccessibleName("3D view")
        self.scene = SurfaceScene()
        self._window = vtkRenderWindow()
        self._window.SetOffScreenRendering(1)
        self.scene.attach(self._window)
        self._interactor = vtkGenericRenderWindowInteractor()
        self._interactor.SetRenderWindow(self._window)
        self._interactor.SetInteractorStyle(vtkInteractorStyleTrackballCamera())
        self._interactor.EnableRenderOff()
        self._interactor.AddObserver("RenderEvent", lambda *_: self.redraw())
        self._interactor.Initialize()
        self.picture: Picture | None = None
        self._ground: Picture | None = None
        self._open = True
        self._button = Qt.MouseButton.NoButton
        self._pressed = QPointF()
        self.pane: SurfacePane | None = None

    def show_pane(self, pane: SurfacePane) -> None:
        """Show a pane whose meshes have been built."""
        before, self.pane = self.pane, pane
        if before is None or not same_surfaces(before, pane):
            self.scene.show(pane)
            self._ground = None
        self.picture = None
        self.update()

    def redraw(self) -> None:
        """Let VTK draw again at the next paint."""
        self._ground = self.picture = None
        self.update()

    def finalise(self) -> None:
        """Give the graphics memory back while the graphics context still lives."""
        if self._open:
            self._open = False
            self._interactor.RemoveAllObservers()
            self._window.Finalize()

    def device_size(self) -> tuple[int, int]:
        """(width, height) in device pixels."""
        ratio = self.devicePixelRatioF()
        return max(1, round(self.width() * ratio)), max(1, round(self.height() * ratio))

    def draw_surfaces(self) -> Picture:
        """The surfaces drawn now; RGBA uint8 (height, width, 4) at device pixels, without words."""
        width, height = self.device_size()
        if self._window.GetSize() != (width, height):
            self._window.SetDPI(round(BASE_DPI * self.devicePixelRatioF()))
            self._window.SetSize(width, height)
            self._interactor.UpdateSize(width, height)
        self._window.Render()
        pixels = vtkUnsignedCharArray()
        self._window.GetRGBACharPixelData(0, 0, width - 1, height - 1, 0, pixels, 0)
        picture: Picture = np.array(vtk_to_numpy(pixels).reshape(height, width, 4)[::-1], dtype=np.uint8)
        picture[..., 3] = 255
        return picture

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.picture is None and self._open:
            self._draw()
        painter = QPainter(self)
        if self.picture is None:
            painter.fillRect(self.rect(), qcolor(self._theme.picture))
        else:
            height, width = self.picture.shape[:2]
            image = QImage(self.picture.data, width, height, 4 * width, QImage.Format.Format_RGBA8888)
            painter.drawImage(QRectF(0, 0, self.width(), self.height()), image)
        painter.end()

    def _draw(self) -> None:
        if self._ground is None:
            self._ground = self.draw_surfaces()
        self.picture = self._ground.copy()
        if self.pane is not None:
            draw_surface_words(self.picture, self.pane, theme(), self.devicePixelRatioF())

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.redraw()

    # --- mouse ----------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        event.accept()
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        self.activated.emit()
        if self._button is Qt.MouseButton.NoButton and event.button() in BUTTONS:
            self._button, self._pressed = event.button(), event.position()
            self._tell(f"{BUTTONS[self._button]}PressEvent", event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        event.accept()
        self._tell("MouseMoveEvent", event.position())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        event.accept()
        if event.button() is not self._button:
            return
        self._tell(f"{BUTTONS[self._button]}ReleaseEvent", event.position())
        self._button = Qt.MouseButton.NoButton
        moved = (event.position() - self._pressed).manhattanLength() > CLICK_SLACK_PX
        if event.button() is Qt.MouseButton.LeftButton and not moved:
            self._pick(event.position())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        event.accept()
        if event.button() is Qt.MouseButton.LeftButton:
            self.activated.emit()
            self.maximised.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.accept()
        self.activated.emit()
        direction = "Forward" if event.angleDelta().y() > 0 else "Backward"
        for _ in range(max(1, abs(event.angleDelta().y()) // NOTCH)):
            self._tell(f"MouseWheel{direction}Event", event.position())

    def _tell(self, name: str, at: QPointF) -> None:
        if not self._open:
            return
        x, y = self._device(at)
        self._interactor.SetEventInformation(x, y, 0, 0, "\0", 0, None)
        self._interactor.InvokeEvent(name)

    def _device(self, at: QPointF) -> tuple[int, int]:
        """VTK's pixels: y runs up."""
        ratio = self.devicePixelRatioF()
        return round(at.x() * ratio), self.device_size()[1] - 1 - round(at.y() * ratio)

    def _pick(self, at: QPointF) -> None:
        point = self.scene.pick(*self._device(at))
        if point is not None:
            self.pointed.emit(point)
