"""Lanes over time: what ran, or what a plan would run, with the idle share of each lane."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QFontMetricsF
from PySide6.QtWidgets import QButtonGroup, QDialog, QFileDialog, QHBoxLayout, QPushButton, QWidget

from inference.errors import InsulaError
from inference.lanes import Span
from inference.schedule.objective import Objective
from viewer.jobs import Job
from viewer.scene.theme import Theme
from viewer.scene.timeline import model_colours, on_colour
from viewer.state.display import Colour
from viewer.state.timeline import MOST_PROFILES, Bar, Chart, chart_of_spans, ticks, time_text
from viewer.ui.parts import Elided, Swatch, column, empty, label, row
from viewer.ui.style import qcolor, sized
from viewer.ui.timing_strip import rows

Plan = Callable[[tuple[Path, ...], Objective], Chart]
BAR_HEIGHT = 0.74
LANE_PX = 62
WORDS_PX = 13
TITLE_PX = 20
PAD_PX = 6


def chart_of_jobs(jobs: tuple[Job, ...], now: float) -> Chart:
    """What the window's own lanes did; a stage that still runs ends now."""
    spans = []
    for job in jobs:
        for stage in job.spans:
            running = stage is job.spans[-1] and not job.state.over
            spans.append(Span(job.request.lane.name, job.request.title, stage.start, now if running else stage.end))
    return chart_of_spans("Jobs of this window", spans, tuple(lane.name for lane in rows(jobs)))


class TimelineView(QWidget):
    """A chart: rows of bars, words in them where they fit, idle shares on the right. Drag and wheel move in time."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.chart: Chart | None = None
        self.title, self.readout = Elided(), label("", "small", "Under the pointer")
        self.title.setFont(sized(TITLE_PX, strong=True))
        self.title.setFixedHeight(TITLE_PX + 8)
        self._notes, self._legend = column(2), row(16)
        self.plot = _plot(theme)
        self.plot.scene().sigMouseMoved.connect(self._pointed)
        foot = row(16)
        foot.addLayout(self._legend)
        foot.addStretch()
        foot.addWidget(self.readout)
        whole = column(10)
        whole.addWidget(self.title)
        whole.addLayout(self._notes)
        whole.addWidget(self.plot, 1)
        whole.addLayout(foot)
        self.setLayout(whole)

    def show_chart(self, chart: Chart) -> None:
        """Draw it, whole."""
        self.chart = chart
        self.title.setText(chart.title)
        empty(self._notes)
        for note in chart.notes:
            self._notes.addWidget(Elided(note, "small"))
        colours = model_colours(chart.models, self._theme)
        _fill_legend(self._legend, colours)
        self.plot.clear()
        self.plot.setMinimumHeight(LANE_PX * max(1, len(chart.lanes)) + 40)
        self._axes(chart)
        self._draw(chart, colours)

    def bar_at(self, seconds: float, height: float) -> Bar | None:
        """The bar under a place of the plot."""
        chart = self.chart
        if chart is None:
            return None
        hits = (bar for bar in chart.bars if bar.start_s <= seconds <= bar.end_s)
        return next((bar for bar in hits if abs(_y(chart, bar.lane) - height) <= BAR_HEIGHT / 2), None)

    def _axes(self, chart: Chart) -> None:
        length = chart.length_s or 1.0
        item = self.plot.getPlotItem()
        item.getAxis("left").setTicks([[(_y(chart, n), name) for n, name in enumerate(chart.lanes)]])
        shares = zip(range(len(chart.lanes)), chart.idle_percent, strict=True)
        item.getAxis("right").setTicks([[(_y(chart, n), f"idle {share:.1f} %") for n, share in shares]])
        item.getAxis("bottom").setTicks([[(at, time_text(at) if at else "0") for at in ticks(chart.length_s)]])
        self.plot.setLimits(xMin=0, xMax=length, yMin=-0.5, yMax=max(1, len(chart.lanes)) - 0.5)
        self.plot.setYRange(-0.5, max(1, len(chart.lanes)) - 0.5, padding=0)
        self.plot.setXRange(0, length, padding=0)

    def _draw(self, chart: Chart, colours: dict[str, Colour]) -> None:
        self.plot.addItem(_rows(chart, qcolor(self._theme.card)))
        for model, colour in colours.items():
            own = [bar for bar in chart.bars if bar.model == model]
            self.plot.addItem(_bars(chart, own, qcolor(colour), qcolor(self._theme.panel)))
            for bar in own:
                self._write(chart, bar, qcolor(on_colour(colour)))
        for at in chart.marks_s:
            pen = pg.mkPen(qcolor(self._theme.quiet), style=Qt.PenStyle.DashLine)
            self.plot.addItem(pg.InfiniteLine(at, pen=pen))

    def _write(self, chart: Chart, bar: Bar, colour: QColor) -> None:
        pixel_s = (chart.length_s or 1.0) / max(1.0, self.plot.getViewBox().width())
        room = (bar.end_s - bar.start_s) / pixel_s - 2 * PAD_PX
        metrics = QFontMetricsF(sized(WORDS_PX))
        choices = (f"{bar.model}  {bar.words}".rstrip(), bar.words, bar.model)
        said = next((text for text in choices if text and metrics.horizontalAdvance(text) <= room), "")
        if said:
            words = pg.TextItem(said, color=colour, anchor=(0.0, 0.5))
            words.setFont(sized(WORDS_PX))
            words.setPos(bar.start_s + PAD_PX * pixel_s, _y(chart, bar.lane))
            self.plot.addItem(words, ignoreBounds=True)

    def _pointed(self, at: QPointF) -> None:
        place = self.plot.getViewBox().mapSceneToView(at)
        bar = self.bar_at(place.x(), place.y())
        took = "" if bar is None else time_text(bar.end_s - bar.start_s)
        self.readout.setText("" if bar is None else f"{bar.model} {bar.words}  ·  {took}".replace("  ·", " ·"))

    def resizeEvent(self, event: object) -> None:
        """Words fit differently now."""
        if self.chart is not None:
            self.show_chart(self.chart)


class TimelineDialog(QDialog):
    """The window's own lanes, or a plan made from profiles.

    Args:
        plan: Makes a chart of profile files for an objective.
    """

    def __init__(self, theme: Theme, chart: Chart, plan: Plan, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Timeline")
        self.resize(1120, 420)
        self._plan = plan
        self._files: tuple[Path, ...] = ()
        self.view = TimelineView(theme)
        self.problem = label("", "bad", "Problem")
        self.problem.hide()
        self.objectives = QButtonGroup(self)
        whole = column(12, (22, 18, 22, 16))
        whole.addLayout(self._head())
        whole.addWidget(self.problem)
        whole.addWidget(self.view, 1)
        self.setLayout(whole)
        self.view.show_chart(chart)

    def plan_files(self, files: tuple[Path, ...]) -> None:
        """Plan one or two profiles and show that instead; a problem is said in a sentence."""
        self._files = files
        for button in self.objectives.buttons():
            button.setEnabled(True)
        self._show_plan()

    @property
    def objective(self) -> Objective:
        return Objective.PERIOD if self.objectives.checkedId() == 0 else Objective.MAKESPAN

    def _show_plan(self) -> None:
        if not self._files:
            return
        try:
            self.view.show_chart(self._plan(self._files, self.objective))
            self.problem.hide()
        except InsulaError as error:
            self.problem.setText(str(error))
            self.problem.show()

    def _ask(self) -> None:
        files, _ = QFileDialog.getOpenFileNames(self, "Profiles of one or two models", "", "Profiles (*.json)")
        if files:
            self.plan_files(tuple(Path(file) for file in files[:MOST_PROFILES]))

    def _head(self) -> QHBoxLayout:
        head = row(0)
        for number, (words, end) in enumerate((("Period", "first"), ("Makespan", "last"))):
            button = QPushButton(words)
            button.setCheckable(True)
            button.setProperty("role", "segment")
            button.setProperty("end", end)
            button.setChecked(number == 0)
            button.setEnabled(False)
            button.setToolTip("What the plan makes short: time between frames, or time for one frame of each model")
            self.objectives.addButton(button, number)
            head.addWidget(button)
        self.objectives.idClicked.connect(lambda _: self._show_plan())
        self.ask = QPushButton("Plan from profiles…")
        self.ask.setProperty("role", "raised")
        self.ask.clicked.connect(self._ask)
        head.addSpacing(12)
        head.addWidget(self.ask)
        head.addStretch()
        return head


def _y(chart: Chart, lane: int) -> float:
    """Rows from the top, the plot's axis from the bottom."""
    return float(len(chart.lanes) - 1 - lane)


def _rows(chart: Chart, colour: QColor) -> pg.BarGraphItem:
    """The ground on which bars lie: what stays visible is idle."""
    places = [_y(chart, lane) for lane in range(len(chart.lanes))]
    ends = [chart.length_s or 1.0] * len(places)
    return pg.BarGraphItem(x0=[0.0] * len(places), x1=ends, y=places, height=BAR_HEIGHT, brush=colour, pen=None)


def _bars(chart: Chart, own: list[Bar], colour: QColor, border: QColor) -> pg.BarGraphItem:
    return pg.BarGraphItem(
        x0=[bar.start_s for bar in own],
        x1=[bar.end_s for bar in own],
        y=[_y(chart, bar.lane) for bar in own],
        height=BAR_HEIGHT,
        brush=colour,
        pen=pg.mkPen(border, width=1),
    )


def _fill_legend(legend: QHBoxLayout, colours: dict[str, Colour]) -> None:
    empty(legend)
    for model, colour in colours.items():
        entry = row(7)
        entry.addWidget(Swatch(colour))
        entry.addWidget(label(model, "small"))
        legend.addLayout(entry)


def _plot(theme: Theme) -> pg.PlotWidget:
    plot = pg.PlotWidget(background=theme.panel)
    plot.setAccessibleName("Timeline")
    plot.setMouseEnabled(x=True, y=False)
    plot.setMenuEnabled(False)
    plot.hideButtons()
    item = plot.getPlotItem()
    item.showAxis("right")
    item.setContentsMargins(4, 6, 4, 4)
    for side in ("left", "right", "bottom"):
        axis = item.getAxis(side)
        axis.setStyle(tickLength=0, tickAlpha=0, tickTextOffset=10, hideOverlappingLabels=False)
        axis.setTickFont(sized(WORDS_PX, strong=side == "left"))
        axis.setPen(pg.mkPen(None))
        axis.setTextPen(qcolor(theme.text if side == "left" else theme.quiet))
    item.getAxis("right").setWidth(92)
    return plot


__all__ = ["TimelineDialog", "TimelineView", "chart_of_jobs"]
