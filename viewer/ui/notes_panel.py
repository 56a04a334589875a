"""What the reader must know about the pictures on the screen: corrections, converted units, doubtful positions."""

from __future__ import annotations

from PySide6.QtWidgets import QSizePolicy, QWidget

from viewer.state.display import DisplayState
from viewer.ui.parts import column, label

SHOWN = 4


class NotesPanel(QWidget):
    """Hidden while there is nothing to know."""

    def __init__(self) -> None:
        super().__init__()
        self._title = label("NOTES", "section")
        self.text = label("", "note", "Notes")
        self.text.setWordWrap(True)
        whole = column(7)
        whole.addWidget(self._title)
        whole.addWidget(self.text)
        self.setLayout(whole)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.hide()

    def show_display(self, display: DisplayState) -> None:
        shown = "\n".join(f"⚠ {warning}" for warning in display.warnings[:SHOWN])
        more = len(display.warnings) - SHOWN
        words = f"{shown}\n{more} more: point here to read them" if more > 0 else shown
        if words != self.text.text():
            self.text.setText(words)
            self.setToolTip("\n".join(display.warnings))
        self.setVisible(bool(words))
