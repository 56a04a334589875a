"""Small pieces that several panels use."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLayout, QSizePolicy, QVBoxLayout, QWidget

from viewer.state.display import Colour
from viewer.ui.style import qcolor


def label(text: str = "", role: str = "", name: str = "") -> QLabel:
    """A label in one of the style sheet's roles; plain text only, so that no header can bring mark-up."""
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    if role:
        made.setProperty("role", role)
    if name:
        made.setAccessibleName(name)
    return made


def badge(text: str, kind: str) -> QLabel:
    """A small coloured word."""
    made = label(text)
    made.setProperty("badge", kind)
    made.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
    return made


def column(spacing: int = 0, margins: tuple[int, int, int, int] = (0, 0, 0, 0)) -> QVBoxLayout:
    made = QVBoxLayout()
    made.setSpacing(spacing)
    made.setContentsMargins(*margins)
    return made


def row(spacing: int = 0, margins: tuple[int, int, int, int] = (0, 0, 0, 0)) -> QHBoxLayout:
    made = QHBoxLayout()
    made.setSpacing(spacing)
    made.setContentsMargins(*margins)
    return made


def empty(layout: QLayout) -> None:
    """Take everything out of a layout and let Qt delete it."""
    while (item := layout.takeAt(0)) is not None:
        widget, inner = item.widget(), item.layout()
        if widget is not None:
            widget.hide()
            widget.deleteLater()
        elif inner is not None:
            empty(inner)


def dress(widget: QWidget, name: str, value: object) -> None:
    """Set a style property and let the style sheet look at it again."""
    if widget.property(name) != value:
        widget.setProperty(name, value)
        widget.style().unpolish(widget)
        widget.style().polish(widget)


class Elided(QLabel):
    """One line that ends in "..." where it does not fit; the whole of it is in the tool tip."""

    def __init__(self, text: str = "", role: str = "") -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        if role:
            self.setProperty("role", role)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setText(text)

    def setText(self, text: str) -> None:
        super().setText(text)
        self.setAccessibleName(text)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        shown = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, self.width())
        painter.drawText(self.rect(), int(self.alignment() | Qt.AlignmentFlag.AlignVCenter), shown)
        painter.end()
        self.setToolTip(self.text() if shown != self.text() else "")


class Swatch(QWidget):
    """A small square of a colour; `hatched` gives it the second sign."""

    def __init__(self, colour: Colour, hatched: bool = False) -> None:
        super().__init__()
        self._colour, self._hatched = colour, hatched
        self.setFixedSize(11, 11)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(qcolor(self._colour, 110 if self._hatched else 255))
        painter.drawRoundedRect(QRectF(0, 0, 11, 11), 3, 3)
        if self._hatched:
            painter.setPen(qcolor(self._colour))
            for shift in (3, 7, 11, 15):
                painter.drawLine(shift - 10 if shift > 10 else 0, shift if shift <= 10 else 10, min(shift, 10), 0)
        painter.end()


class Card(QFrame):
    """A row that can be clicked or chosen with the keyboard."""

    clicked = Signal()
    double_clicked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("Card")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.clicked.emit()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.double_clicked.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.clicked.emit()
        else:
            event.ignore()
