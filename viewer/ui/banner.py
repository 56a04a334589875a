"""One sentence across the window: a problem, or something done. The window stays usable."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton, QWidget

from viewer.ui.parts import dress, label, row


class Banner(QWidget):
    """Hidden until told; the newest sentence stands until it is dismissed."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("Banner")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._text = label("", "", "Problem")
        self._text.setWordWrap(True)
        self._close = QPushButton("✕")
        self._close.setProperty("role", "icon")
        self._close.setFixedSize(24, 24)
        self._close.setAccessibleName("Dismiss")
        self._close.clicked.connect(self.hide)
        inside = row(10, (16, 8, 12, 8))
        self._sign = label("⚠")
        inside.addWidget(self._sign)
        inside.addWidget(self._text, 1)
        inside.addWidget(self._close)
        self.setLayout(inside)
        self.hide()

    def tell(self, sentence: str, problem: bool = True) -> None:
        self._text.setText(sentence)
        self._sign.setText("⚠" if problem else "✓")
        dress(self, "problem", "true" if problem else "false")
        for part in (self._text, self._sign, self._close):
            dress(part, "problem", "true" if problem else "false")
        self.show()

    @property
    def text(self) -> str:
        return self._text.text() if not self.isHidden() else ""
