"""The window: panels around the panes. It shows a display state and tells wishes; it decides nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QImage, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QFileDialog, QMainWindow, QScrollArea, QStackedWidget, QWidget

from inference.backends.base import Support
from inference.health.reading import Reading
from inference.result import Precision
from viewer.jobs import Jobs
from viewer.scene.theme import Theme
from viewer.state import actions
from viewer.state.catalogue import Catalogue
from viewer.state.display import DisplayState
from viewer.state.timeline import chart_of_profiles
from viewer.ui.add_model import AddModelDialog
from viewer.ui.banner import Banner
from viewer.ui.comparison_panel import ComparisonPanel
from viewer.ui.empty_state import EmptyState
from viewer.ui.findings_panel import FindingsPanel
from viewer.ui.help_overlay import HelpOverlay
from viewer.ui.histogram import Histogram
from viewer.ui.jobs_panel import JobsPanel
from viewer.ui.keys import WISHES, leave_one_pane
from viewer.ui.ledger_dialog import LedgerDialog
from viewer.ui.notes_panel import NotesPanel
from viewer.ui.pane_grid import PaneGrid
from viewer.ui.pane_menu import PaneMenu
from viewer.ui.parts import column, row
from viewer.ui.series_panel import SeriesPanel
from viewer.ui.timeline_view import TimelineDialog, chart_of_jobs
from viewer.ui.timing_strip import TimingStrip
from viewer.ui.tools import Tool
from viewer.ui.top_bar import TopBar
from viewer.wish import Wish, disagreement

Picture = NDArray[np.uint8]
CINE_MS = 66
TIMELINE_MS = 250
FILE_KINDS = ";;".join(
    (
        "Studies (*.dcm *.nii *.nii.gz *.nrrd *.nhdr *.mha *.mhd *.zip)",
        "Pictures (*.png *.jpg *.jpeg *.tif *.tiff *.bmp)",
        "All files (*)",
    )
)


class MainWindow(QMainWindow):
    """Signals: `wished` a Wish; the others say what was asked for beside the view."""

    wished = Signal(object)
    open_wanted = Signal(object)
    series_wanted = Signal(str)
    screenshot_wanted = Signal()
    export_wanted = Signal(object)
    model_wanted = Signal(object)

    def __init__(self, theme: Theme, jobs: Jobs) -> None:
        super().__init__()
        self.setWindowTitle("Insula")
        self.setAcceptDrops(True)
        self.setMinimumSize(1080, 640)
        self._theme, self._job_queue = theme, jobs
        self.display: DisplayState | None = None
        self.catalogue = Catalogue()
        self.top = TopBar(theme)
        self.banner = Banner()
        self.series = SeriesPanel(theme)
        self.panes = PaneGrid(theme)
        self.empty = EmptyState(theme)
        self.findings = FindingsPanel()
        self.comparison = ComparisonPanel(theme)
        self.notes = NotesPanel()
        self.histogram = Histogram(theme)
        self.jobs = JobsPanel(jobs)
        self.timing = TimingStrip(theme, jobs)
        self._middle = QStackedWidget()
        self._middle.addWidget(self.empty)
        self._middle.addWidget(self.panes)
        self.setCentralWidget(self._arranged())
        self.help = HelpOverlay(self)
        self.supports: Mapping[Precision, Support] = {}
        self._timeline = QTimer(self)
        self._timeline.setSingleShot(True)
        self._timeline.setInterval(TIMELINE_MS)
        self._timeline.timeout.connect(self.timing.refresh)
        self._cine = QTimer(self)
        self._cine.setInterval(CINE_MS)
        self._cine.timeout.connect(self._next_of_cine)
        self._connect()

    # --- showing --------------------------------------------------------------------------------------------------

    def show_display(self, display: DisplayState) -> None:
        """Show what is true."""
        self.display = display
        self._middle.setCurrentWidget(self.panes if self.catalogue.study is not None else self.empty)
        self.panes.show_display(display)
        for part in (self.top, self.series, self.findings, self.comparison, self.notes, self.histogram):
            part.show_display(display)
        self.top.show_support(self.supports, display.precision)

    def show_catalogue(self, catalogue: Catalogue) -> None:
        """Show what is there."""
        if catalogue.study is not self.catalogue.study:
            self.series.forget_pictures()
            self.banner.hide()
            self._cine.stop()
        self.catalogue = catalogue
        self.series.show_catalogue(catalogue)
        self.timing.show_catalogue(catalogue)

    def show_support(self, supports: Mapping[Precision, Support]) -> None:
        """How this machine runs each precision."""
        self.supports = supports
        if self.display is not None:
            self.top.show_support(supports, self.display.precision)

    def show_health(self, reading: Reading) -> None:
        """How warm the machine is, what it draws and what it has left."""
        self.timing.health.show_health(reading)

    def show_jobs(self) -> None:
        """Jobs moved on; the timeline is drawn at a calm pace."""
        if not self._timeline.isActive():
            self._timeline.start()

    def refresh_jobs(self) -> None:
        """Draw jobs and timeline as they stand now, without waiting for their pace."""
        self.jobs.refresh()
        self.timing.refresh()

    def tell(self, sentence: str) -> None:
        """A problem, in one sentence."""
        self.banner.tell(sentence)

    def note(self, sentence: str) -> None:
        """Something done, in one sentence."""
        self.banner.tell(sentence, problem=False)

    def capture(self, display: DisplayState | None = None) -> Picture:
        """Exactly what the window shows, RGBA uint8 (height, width, 4) at device pixels.

        Args:
            display: Shown for this picture only, for instance one without patient text; None: what is shown now.
        """
        shown = self.display
        if display is None or shown is None:
            return self._grab()
        self.show_display(display)
        try:
            return self._grab()
        finally:
            self.show_display(shown)

    def _grab(self) -> Picture:
        """Painted into an image of 8 bits a colour, whatever depth the screen has."""
        ratio = self.devicePixelRatioF()
        image = QImage(round(self.width() * ratio), round(self.height() * ratio), QImage.Format.Format_RGB32)
        image.setDevicePixelRatio(ratio)
        self.render(image)
        rgba = image.convertToFormat(QImage.Format.Format_RGBA8888)
        held = np.frombuffer(rgba.constBits(), dtype=np.uint8)
        return held.reshape(rgba.height(), rgba.bytesPerLine() // 4, 4)[:, : rgba.width()].copy()

    # --- asking ---------------------------------------------------------------------------------------------------

    def ask_for_study(self) -> None:
        """Let the user choose a folder."""
        folder = QFileDialog.getExistingDirectory(self, "Open the folder of a study")
        if folder:
            self.open_wanted.emit(Path(folder))

    def ask_for_file(self) -> None:
        """Let the user choose one file or a zip."""
        file, _ = QFileDialog.getOpenFileName(self, "Open a file", "", FILE_KINDS)
        if file:
            self.open_wanted.emit(Path(file))

    def ask_for_model(self) -> None:
        """Let the user choose a model to add, and show how far it is."""
        dialog = AddModelDialog(self._job_queue, self)
        dialog.wanted.connect(self.model_wanted)
        dialog.show()

    def ask_where_to_export(self) -> None:
        """Let the user choose a folder for the results."""
        folder = QFileDialog.getExistingDirectory(self, "Folder for the results")
        if folder:
            self.export_wanted.emit(Path(folder))

    def show_ledger(self) -> None:
        """Every file and what became of it."""
        if self.catalogue.study is not None:
            LedgerDialog(self.catalogue.study, self).exec()

    def show_timeline(self) -> None:
        """What the lanes did and when."""
        chart = chart_of_jobs(self._job_queue.jobs, self._job_queue.now())
        TimelineDialog(self._theme, chart, chart_of_profiles, self).exec()

    def choose_tool(self, tool: Tool) -> None:
        """What the left button does from now on."""
        self.panes.set_tool(tool)
        self.top.show_tool(tool)

    # --- keys and drops -------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._control_key(key, bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
        elif key is Qt.Key.Key_Q:
            if not event.isAutoRepeat():
                self.wished.emit(lambda now: actions.hide_ai(now.view, True))
        elif (tool := next((tool for tool in Tool if tool.key is key), None)) is not None:
            self.choose_tool(tool)
        elif key in WISHES:
            self.wished.emit(WISHES[key])
        else:
            self._window_key(key)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Q and not event.isAutoRepeat():
            self.wished.emit(lambda now: actions.hide_ai(now.view, False))

    def _control_key(self, key: Qt.Key, shift: bool) -> None:
        if key is Qt.Key.Key_O:
            self.ask_for_file() if shift else self.ask_for_study()
        elif key is Qt.Key.Key_S:
            self.screenshot_wanted.emit()

    def _window_key(self, key: Qt.Key) -> None:
        if key in (Qt.Key.Key_Question, Qt.Key.Key_F1):
            self.help.toggle()
        elif key is Qt.Key.Key_F11:
            self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)
        elif key is Qt.Key.Key_Escape:
            self._escape()
        elif key is Qt.Key.Key_C:
            self._cine.stop() if self._cine.isActive() else self._cine.start()

    def _escape(self) -> None:
        self._cine.stop()
        if not self.banner.isHidden():
            self.banner.hide()
        elif self.isFullScreen():
            self.setWindowState(self.windowState() & ~Qt.WindowState.WindowFullScreen)
        else:
            self.wished.emit(leave_one_pane)

    def _next_of_cine(self) -> None:
        self.wished.emit(
            lambda now: (
                actions.go_first(now.view, now.display)
                if _at_end(now.display)
                else actions.scroll(now.view, now.display, 1)
            )
        )

    def changeEvent(self, event: QEvent) -> None:
        """A held key whose release goes to another window must not leave AI hidden."""
        left = event.type() is QEvent.Type.ActivationChange and not self.isActiveWindow()
        if left and self.display is not None and self.display.ai_hidden:
            self.wished.emit(lambda now: actions.hide_ai(now.view, False))
        super().changeEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        local = [url for url in event.mimeData().urls() if url.isLocalFile()]
        if local:
            event.acceptProposedAction()
            self.open_wanted.emit(Path(local[0].toLocalFile()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.help.setGeometry(self.rect())

    def closeEvent(self, event: QCloseEvent) -> None:
        self._cine.stop()
        self._timeline.stop()
        self.jobs.rest()
        self.panes.surface.finalise()
        super().closeEvent(event)

    # --- building -------------------------------------------------------------------------------------------------

    def _arranged(self) -> QWidget:
        middle = row()
        middle.addWidget(self.series)
        middle.addWidget(self._middle, 1)
        middle.addWidget(self._right())
        whole = column()
        whole.addWidget(self.top)
        whole.addWidget(self.banner)
        whole.addLayout(middle, 1)
        whole.addWidget(self.timing)
        made = QWidget()
        made.setLayout(whole)
        return made

    def _right(self) -> QWidget:
        inside = column(22, (16, 14, 16, 12))
        for part in (self.findings, self.comparison, self.notes, self.histogram, self.jobs):
            inside.addWidget(part)
        inside.addStretch(1)
        content = QWidget()
        content.setLayout(inside)
        area = QScrollArea()
        area.setWidget(content)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        side = QWidget()
        side.setObjectName("SidePanel")
        side.setProperty("side", "right")
        side.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        side.setFixedWidth(320)
        outer = column()
        outer.addWidget(area)
        side.setLayout(outer)
        return side

    def _connect(self) -> None:
        self.panes.wished.connect(self.wished)
        self.panes.menu_wanted.connect(self._show_menu)
        self.panes.surface.pointed.connect(
            lambda point: self._wish(lambda now: actions.move_crosshair(now.view, point))
        )
        self.series.chosen.connect(self.series_wanted)
        self.series.ledger_wanted.connect(self.show_ledger)
        self.jobs.timeline_wanted.connect(self.show_timeline)
        self.findings.chosen.connect(
            lambda chosen: self._wish(lambda now: actions.choose_finding(now.view, now.display, chosen))
        )
        self.empty.open_wanted.connect(self.ask_for_study)
        self.top.open_wanted.connect(self.ask_for_study)
        self.top.file_wanted.connect(self.ask_for_file)
        self.top.model_wanted.connect(self.ask_for_model)
        self.top.help_wanted.connect(self.help.toggle)
        self.top.tool_chosen.connect(self.choose_tool)
        self.top.screenshot_wanted.connect(self.screenshot_wanted)
        self.top.export_wanted.connect(self.ask_where_to_export)
        self.top.compare_toggled.connect(lambda: self._wish(disagreement))
        self.top.patient_text_toggled.connect(lambda: self._wish(lambda now: actions.toggle_patient_text(now.view)))
        self.top.layout_chosen.connect(lambda chosen: self._wish(lambda now: actions.set_layout(now.view, chosen)))
        self.top.precision_chosen.connect(
            lambda chosen: self._wish(lambda now: actions.set_precision(now.view, chosen))
        )

    def _wish(self, wish: Wish) -> None:
        self.wished.emit(wish)

    def _show_menu(self, index: int, at: QPoint) -> None:
        if self.display is not None:
            menu = PaneMenu(self.display, index, self)
            menu.wished.connect(self.wished)
            menu.exec(at)


def _at_end(display: DisplayState) -> bool:
    pane = display.panes[display.active]
    return getattr(pane, "index", 0) >= getattr(pane, "count", 1) - 1
