"""Keys and mouse on one sheet, over the panes."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QWidget

from viewer.ui.parts import column, label, row

MOUSE = (
    ("Left drag", "window and level (or the chosen tool)"),
    ("Left click", "linked point"),
    ("Shift + drag", "move the linked point"),
    ("Middle drag", "pan"),
    ("Right drag", "zoom"),
    ("Right click", "menu"),
    ("Wheel", "scroll slices"),
    ("Double click", "one pane and back"),
)
LOOKING = (
    ("↑ ↓", "slice"),
    ("PgUp PgDn", "ten slices"),
    ("Home End", "first, last slice"),
    ("← →", "pane"),
    ("1 … 9", "window presets"),
    ("0   `", "auto window, header window"),
    ("W P Z S", "window, pan, zoom, scroll tool"),
    ("I   R", "invert, reset"),
    ("X   C", "crosshair, cine"),
    ("Space", "corner text: all, minimal, none"),
)
RESULTS = (
    ("F", "change FP16 / FP32 on the same slice"),
    ("D", "show where they disagree"),
    ("G", "masks and boxes on or off"),
    ("[   ]", "opacity of masks"),
    ("Q held", "hide everything AI made"),
    ("Ctrl+O", "open a folder; with Shift a file"),
    ("Ctrl+S", "screenshot of what you see"),
    ("F11", "full screen"),
    ("Esc", "close this, leave one pane"),
)


class HelpOverlay(QWidget):
    """Dims the window and shows the sheet; any click or Esc closes it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._over = parent
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        sheet = QFrame()
        sheet.setObjectName("Sheet")
        inside = row(44, (34, 28, 34, 30))
        for title, lines in (("MOUSE", MOUSE), ("LOOKING", LOOKING), ("AI AND FILES", RESULTS)):
            part = column(12)
            part.addWidget(label(title, "section"))
            part.addLayout(_lines(lines))
            part.addStretch()
            inside.addLayout(part)
        sheet.setLayout(inside)
        whole = column()
        whole.addWidget(sheet, alignment=Qt.AlignmentFlag.AlignCenter)
        self.setLayout(whole)
        self.hide()

    def toggle(self) -> None:
        if not self.isHidden():
            self.hide()
            return
        self.setGeometry(self._over.rect())
        self.show()
        self.raise_()
        self.setFocus()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(QRectF(self.rect()), QColor(5, 7, 10, 190))
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.hide()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        self.hide()


def _lines(lines: tuple[tuple[str, str], ...]) -> QGridLayout:
    grid = QGridLayout()
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setHorizontalSpacing(14)
    grid.setVerticalSpacing(9)
    for number, (key, what) in enumerate(lines):
        cap = label(key)
        cap.setObjectName("Key")
        grid.addWidget(cap, number, 0, Qt.AlignmentFlag.AlignLeft)
        grid.addWidget(label(what), number, 1)
    return grid
