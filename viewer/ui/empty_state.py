"""What stands in the middle before a study is open."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QPushButton, QWidget

from viewer.scene.theme import Theme
from viewer.ui.parts import column, label, row
from viewer.ui.style import qcolor, sized


class EmptyState(QWidget):
    """Says what to do. Signal `open_wanted`."""

    open_wanted = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        title = label("Drop a study here, or press Ctrl+O")
        title.setFont(sized(20, strong=True))
        title.setStyleSheet("font-size: 20px; font-weight: 600;")
        kinds = label("A folder, one file or a zip: DICOM, NIfTI, NRRD, MHA; a picture: PNG, JPEG, TIFF", "quiet")
        note = label("Demonstration models, not for diagnostic use", "small")
        button = QPushButton("Open a study …")
        button.setProperty("role", "main")
        button.clicked.connect(self.open_wanted)
        buttons = row()
        buttons.addStretch()
        buttons.addWidget(button)
        buttons.addStretch()
        inside = column(12)
        inside.addStretch(5)
        for widget in (title, kinds):
            widget.setAlignment(Qt.AlignmentFlag.AlignCenter)
            inside.addWidget(widget)
        inside.addSpacing(10)
        inside.addLayout(buttons)
        inside.addSpacing(6)
        note.setAlignment(Qt.AlignmentFlag.AlignCenter)
        inside.addWidget(note)
        inside.addStretch(6)
        self.setLayout(inside)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), qcolor(self._theme.ground))
        pen = QPen(qcolor(self._theme.line), 2, Qt.PenStyle.CustomDashLine)
        pen.setDashPattern([4, 4])
        painter.setPen(pen)
        side = QRectF(self.rect()).adjusted(28, 28, -28, -28)
        painter.drawRoundedRect(side, 14, 14)
        painter.end()
