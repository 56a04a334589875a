"""Foot of the window: what each lane did and when, and what the machine has left."""

from __future__ import annotations

from dataclasses import dataclass

import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget

from inference.result import Kind, Result
from viewer.jobs import ENGINE, READ, SCENE, Job, Jobs, JobState, Lane
from viewer.scene.theme import Theme
from viewer.state.catalogue import Catalogue
from viewer.state.display import Colour
from viewer.ui.health_strip import HealthStrip
from viewer.ui.jobs_panel import duration_text
from viewer.ui.parts import Elided, Swatch, column, empty, label, row
from viewer.ui.style import mixed, qcolor

LANE_HEIGHT = 0.62
LEAST_SPAN_S = 1.0
NETWORK_STAGES = ("slices", "tiles", "infer")


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of the timeline: seconds, which lane, which colour."""

    lane: Lane
    start: float
    end: float
    colour: Colour


def rows(jobs: tuple[Job, ...]) -> tuple[Lane, ...]:
    """Lanes from the top: reading, every engine lane of these jobs, drawing."""
    engines = dict.fromkeys(job.request.lane for job in jobs if job.request.lane.engine and not job.request.silent)
    return (READ, *(engines or (ENGINE,)), SCENE)


def kind_colours(theme: Theme) -> dict[Kind | Lane, Colour]:
    """Bars of engines by what they make, other lanes by what they do."""
    return {
        Kind.VOLUME: theme.synthetic,
        Kind.BOXES: theme.labels.box,
        Kind.MASK: theme.labels.lesions[0],
        READ: theme.labels.agreement,
        SCENE: mixed(theme.quiet, theme.panel, 0.2),
        ENGINE: theme.accent,
    }


def bars(jobs: tuple[Job, ...], kinds: dict[str, Kind], theme: Theme, now: float) -> tuple[Bar, ...]:
    """Every stage of every job of the newest study; what surrounds the network itself is drawn darker."""
    newest = max((job.request.generation for job in jobs), default=0)
    made = []
    for job in jobs:
        if job.request.generation != newest or job.state is JobState.WAITING:
            continue
        colours = kind_colours(theme)
        kind = kinds.get(job.request.key.split(" ")[0])
        lane = job.request.lane
        colour = colours[kind] if kind is not None else colours[ENGINE if lane.engine else lane]
        for span in job.spans:
            around = lane.engine and span.stage not in NETWORK_STAGES
            shade = mixed(colour, theme.panel, 0.45) if around else colour
            end = now if span is job.spans[-1] and job.state is JobState.RUNNING else span.end
            made.append(Bar(lane, span.start, end, shade))
    return tuple(made)


def idle_percent(found: tuple[Bar, ...], lane: Lane) -> float:
    """Share of the whole time in which a lane did nothing, in percent."""
    if not found:
        return 100.0
    whole = max(bar.end for bar in found) - min(bar.start for bar in found)
    busy = sum(bar.end - bar.start for bar in found if bar.lane == lane)
    return 100.0 * (1.0 - min(1.0, busy / whole)) if whole > 0 else 100.0


class TimingStrip(QWidget):
    """One lane per queue; figures of the last results on the right."""

    def __init__(self, theme: Theme, jobs: Jobs) -> None:
        super().__init__()
        self.setObjectName("Foot")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(104)
        self._theme, self._jobs = theme, jobs
        self._kinds: dict[str, Kind] = {}
        self.plot = _plot(theme)
        self._device, self.health = label("This machine", "strong"), HealthStrip()
        self._lanes: tuple[Lane, ...] = ()
        self._names, self._idles, self._idle = column(), column(), dict[Lane, QLabel]()
        self._figures = column(4)
        whole = row(0, (0, 10, 0, 8))
        whole.addWidget(self._left())
        whole.addLayout(self._names)
        whole.addSpacing(12)
        whole.addWidget(self.plot, 1)
        whole.addSpacing(12)
        whole.addLayout(self._idles)
        right = QWidget()
        right.setFixedWidth(320)
        self._figures.setContentsMargins(16, 0, 16, 0)
        right.setLayout(self._figures)
        whole.addSpacing(12)
        whole.addWidget(right)
        self.setLayout(whole)
        self.bars: tuple[Bar, ...] = ()
        self.refresh()

    def refresh(self) -> None:
        """Draw the lanes as they stand now."""
        now = self._jobs.now()
        self.bars = bars(self._jobs.jobs, self._kinds, self._theme, now)
        self._show_lanes(rows(self._jobs.jobs))
        self.plot.clear()
        if self.bars:
            self._draw(self.bars)
        for lane, words in self._idle.items():
            used = any(bar.lane == lane for bar in self.bars)
            words.setText(f"idle {idle_percent(self.bars, lane):.0f} %" if used else "idle")

    def show_catalogue(self, catalogue: Catalogue) -> None:
        """Figures of what has been made, and colours by what each task makes."""
        self._kinds = {task: result.kind for (task, _), result in catalogue.results.items()} | dict(catalogue.kinds)
        self.health.show_catalogue(catalogue)
        empty(self._figures)
        newest: dict[str, Result] = {task: result for (task, _), result in catalogue.results.items()}
        for task, result in list(newest.items())[:4]:
            line = row(7)
            line.addWidget(Swatch(kind_colours(self._theme)[result.kind]))
            line.addWidget(Elided(task, "small"), 1)
            line.addWidget(label(_speed(catalogue, task), "small"))
            self._figures.addLayout(line)
        self._figures.addStretch()
        if newest:
            where = next(iter(newest.values())).provenance
            self._device.setText(f"{where.device} · {where.backend}")

    def _draw(self, found: tuple[Bar, ...]) -> None:
        begin = min(bar.start for bar in found)
        end = max(max(bar.end for bar in found), begin + LEAST_SPAN_S)
        for bar in (bar for bar in found if bar.lane in self._lanes):
            item = pg.BarGraphItem(
                x0=[bar.start - begin],
                x1=[max(bar.end, bar.start + 0.002 * (end - begin)) - begin],
                y=[len(self._lanes) - 1 - self._lanes.index(bar.lane)],
                height=LANE_HEIGHT,
                brush=qcolor(bar.colour),
                pen=None,
            )
            self.plot.addItem(item)
        self.plot.setXRange(0, end - begin, padding=0.005)

    def _left(self) -> QWidget:
        left = QWidget()
        left.setFixedWidth(252)
        inside = column(3, (16, 0, 8, 0))
        inside.addWidget(self._device)
        inside.addWidget(self.health)
        inside.addStretch()
        left.setLayout(inside)
        return left

    def _show_lanes(self, lanes: tuple[Lane, ...]) -> None:
        """One row a lane; a study on other lanes than the last brings other rows."""
        if lanes == self._lanes:
            return
        self._lanes, self._idle = lanes, {lane: label("", "small") for lane in lanes}
        empty(self._names)
        empty(self._idles)
        for lane, words in self._idle.items():
            words.setFixedWidth(64)
            self._names.addWidget(label(lane.name, "small"), 1)
            self._idles.addWidget(words, 1)
        self.plot.setYRange(-0.5, len(lanes) - 0.5, padding=0)


def _speed(catalogue: Catalogue, task: str) -> str:
    """Seconds of each precision, finest first: "FP32 2.7 s · FP16 1.5 s"."""
    made = {at: result for (name, at), result in catalogue.results.items() if name == task}
    return " · ".join(
        f"{at.value.upper()} {duration_text(result.seconds.total)}"
        for at, result in sorted(made.items(), key=lambda pair: pair[0].value, reverse=True)
    )


def _plot(theme: Theme) -> pg.PlotWidget:
    plot = pg.PlotWidget(background=theme.panel)
    plot.setAccessibleName("Timeline of the jobs")
    plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    plot.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    plot.hideAxis("left")
    plot.hideAxis("bottom")
    plot.hideButtons()
    plot.getPlotItem().setContentsMargins(0, 0, 0, 0)
    return plot
