"""Top bar: study, tools, precision, compare, export, and the words that must always be seen."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QMenu, QPushButton, QSizePolicy, QToolButton, QWidget

from inference.backends.base import Support
from inference.result import Precision, PrecisionKind
from viewer.scene.theme import Theme, css
from viewer.state.display import DisplayState
from viewer.state.view import Layout
from viewer.ui.parts import Elided, label, row
from viewer.ui.tools import Tool

NOTICE = "Not for diagnostic use"
SWITCHED = (Precision.FP32, Precision.FP16)
LAYOUT_WORDS = {
    Layout.ONE: "One pane",
    Layout.TWO: "Two side by side",
    Layout.THREE: "Three side by side",
    Layout.FOUR: "Two by two",
}


class TopBar(QWidget):
    """Signals tell wishes; `show_display` shows what is true."""

    open_wanted = Signal()
    file_wanted = Signal()
    model_wanted = Signal()
    tool_chosen = Signal(object)
    layout_chosen = Signal(object)
    precision_chosen = Signal(object)
    compare_toggled = Signal()
    screenshot_wanted = Signal()
    export_wanted = Signal()
    patient_text_toggled = Signal()
    help_wanted = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("TopBar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(44)
        self._study = Elided("", "quiet")
        self._study.setMinimumWidth(120)
        self.tools = {tool: _tool_button(tool) for tool in Tool}
        self.precisions = {precision: _segment(precision) for precision in SWITCHED}
        self.compare = _raised("Compare  D", "Colour what two precisions agree and disagree on (D)", checkable=True)
        self.export = _raised("Export ▾", "Screenshot of the window, or results as files")
        self._precision_note = label("", "small", "How this machine runs the precision")
        self._fill(theme)
        self._connect()

    def show_display(self, display: DisplayState) -> None:
        self._study.setText(display.study_title or "No study open")
        self.precisions[display.precision if display.precision in self.precisions else Precision.FP32].setChecked(True)
        self.compare.setChecked(display.disagreement)
        self.layouts[display.layout].setChecked(True)
        self.patient_text.setChecked(display.patient_text)

    def show_tool(self, tool: Tool) -> None:
        self.tools[tool].setChecked(True)

    def show_support(self, supports: Mapping[Precision, Support], now: Precision) -> None:
        """Grey out what this machine lacks and say how it runs the rest."""
        for precision, button in self.precisions.items():
            support = supports.get(precision)
            button.setEnabled(support is None or support.kind is not PrecisionKind.ABSENT)
            button.setToolTip(_support_text(precision, support))
        support = supports.get(now)
        self._precision_note.setText(support.kind.value if support is not None else "")
        self._precision_note.setToolTip(_support_text(now, support))

    @property
    def patient(self) -> str:
        """The words that name the study."""
        return self._study.text()

    def _fill(self, theme: Theme) -> None:
        whole = row(4, (14, 0, 14, 0))
        word = label("Insula<span>.</span>", "wordmark")
        word.setTextFormat(Qt.TextFormat.RichText)
        word.setText(f"Insula<span style='color: {css(theme.accent)}'>.</span>")
        word.setAccessibleName("Insula")
        whole.addWidget(word)
        whole.addSpacing(14)
        whole.addWidget(self._study, 3)
        whole.addSpacing(14)
        self._add_tools(whole)
        whole.addStretch(2)
        whole.addWidget(self._precision_note)
        whole.addSpacing(4)
        whole.addWidget(_joined(tuple(self.precisions.values())))
        whole.addSpacing(10)
        whole.addWidget(self.compare)
        whole.addSpacing(4)
        whole.addWidget(self.export)
        whole.addSpacing(10)
        notice = label(NOTICE, "chip")
        notice.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        whole.addWidget(notice)
        self.setLayout(whole)

    def _add_tools(self, whole: QHBoxLayout) -> None:
        self._open = _raised("Open ▾", "Open a folder or a file")
        whole.addWidget(self._open)
        whole.addSpacing(8)
        self._group = QButtonGroup(self)
        for button in self.tools.values():
            self._group.addButton(button)
            whole.addWidget(button)
        self.tools[Tool.WINDOW].setChecked(True)
        self.layout_button = QToolButton()
        self.layout_button.setText("Layout ▾")
        self.layout_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.layout_button.setMenu(self._layout_menu())
        whole.addWidget(self.layout_button)
        self._help = QPushButton("?")
        self._help.setToolTip("Keys and mouse (F1)")
        self._help.setAccessibleName("Help")
        whole.addWidget(self._help)

    def _layout_menu(self) -> QMenu:
        menu = QMenu(self)
        group = QActionGroup(self)
        self.layouts: dict[Layout, QAction] = {}
        for layout in Layout:
            action = menu.addAction(f"{LAYOUT_WORDS[layout]}   {layout.value}")
            action.setCheckable(True)
            group.addAction(action)
            action.triggered.connect(lambda _=False, chosen=layout: self.layout_chosen.emit(chosen))
            self.layouts[layout] = action
        return menu

    def _connect(self) -> None:
        opening = QMenu(self)
        opening.addAction("Folder …\tCtrl+O").triggered.connect(self.open_wanted)
        opening.addAction("File or zip …\tCtrl+Shift+O").triggered.connect(self.file_wanted)
        opening.addSeparator()
        opening.addAction("Add model …").triggered.connect(self.model_wanted)
        self._open.setMenu(opening)
        self._help.clicked.connect(self.help_wanted)
        self.compare.clicked.connect(self.compare_toggled)
        for tool, button in self.tools.items():
            button.clicked.connect(lambda _=False, chosen=tool: self.tool_chosen.emit(chosen))
        for precision, button in self.precisions.items():
            button.clicked.connect(lambda _=False, chosen=precision: self.precision_chosen.emit(chosen))
        menu = QMenu(self)
        menu.addAction("Screenshot\tCtrl+S").triggered.connect(self.screenshot_wanted)
        menu.addAction("Results as files …").triggered.connect(self.export_wanted)
        menu.addSeparator()
        self.patient_text = menu.addAction("Show patient text")
        self.patient_text.setCheckable(True)
        self.patient_text.triggered.connect(self.patient_text_toggled)
        self.export.setMenu(menu)
        self._segments = QButtonGroup(self)
        for button in self.precisions.values():
            self._segments.addButton(button)


def _support_text(precision: Precision, support: Support | None) -> str:
    name = precision.value.upper()
    if support is None:
        return f"Show results in {name} (F changes)"
    words = f"{name} is {support.kind.value} on this machine"
    return f"{words}: {support.note}" if support.note else f"{words}."


def _tool_button(tool: Tool) -> QPushButton:
    button = QPushButton(tool.value)
    button.setCheckable(True)
    button.setToolTip(f"Left button: {tool.value.lower()} ({tool.value[0]})")
    return button


def _raised(text: str, tip: str, checkable: bool = False) -> QPushButton:
    button = QPushButton(text)
    button.setProperty("role", "raised")
    button.setCheckable(checkable)
    button.setToolTip(tip)
    button.setAccessibleName(text.split("  ")[0].rstrip(" ▾"))
    return button


def _segment(precision: Precision) -> QPushButton:
    button = QPushButton(precision.value.upper())
    button.setProperty("role", "segment")
    button.setCheckable(True)
    return button


def _joined(buttons: tuple[QPushButton, ...]) -> QWidget:
    buttons[0].setProperty("end", "first")
    buttons[-1].setProperty("end", "last")
    made = QWidget()
    inside = row(0)
    for button in buttons:
        inside.addWidget(button)
    made.setLayout(inside)
    return made
