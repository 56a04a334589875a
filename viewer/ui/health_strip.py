"""Power, temperature, clock, load and memory in a few words; what is absent is a dash whose tool tip says why."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtWidgets import QSizePolicy, QWidget

from inference.health.reading import Part, Reading, Throttled
from inference.result import Result
from viewer.state.catalogue import Catalogue
from viewer.ui.parts import column, dress, label, row

ABSENT = "–"
LEAST_GHZ = 1000.0
TIP_LINES = 14
LINES = (("power", "temperature"), ("clock", "load"), ("memory", "efficiency"))


@dataclass(frozen=True, slots=True)
class Fact:
    """One figure of the strip.

    Attributes:
        name: What it is, for the dash and for readers of the screen.
        text: The figure with its unit; "" where it is absent.
        tip: Where it comes from, or why it is absent.
        before, after: Quiet words around it.
        alarm: It deserves the warning's colour.
    """

    name: str
    text: str
    tip: str
    before: str = ""
    after: str = ""
    alarm: bool = False

    @property
    def words(self) -> str:
        """All of it in one line."""
        return " ".join(word for word in (self.before, self.text, self.after) if word) if self.text else self.dash

    @property
    def dash(self) -> str:
        return f"{self.name} {ABSENT}"


def facts(reading: Reading) -> tuple[Fact, ...]:
    """Power, temperature, clock, load and memory, in that order."""
    return _power(reading), _temperature(reading), _clock(reading), _load(reading), _memory(reading)


def efficiency(catalogue: Catalogue) -> Fact | None:
    """Slices per second and watt over all results, each task beside it; None where no result knows its energy."""
    series = {} if catalogue.study is None else {one.uid: one.grid for one in catalogue.study.series}
    rows: list[tuple[str, int, float]] = []
    for key, result in catalogue.results.items():
        grid = series.get(catalogue.result_source.get(key, ""))
        if grid is not None and result.energy is not None and result.energy.joules:
            rows.append((_title(result), grid.shape[0], result.energy.joules))
    if not rows:
        return None
    slices, joules = sum(row[1] for row in rows), sum(row[2] for row in rows)
    every = [f"{title}: {count / spent:.2f} FPS/W, {spent:.1f} J" for title, count, spent in rows]
    tip = _lines("Slices per second and watt, idle power included", every)
    return Fact("efficiency", f"{slices / joules:.2f}", tip, after="FPS/W")


class Figure(QWidget):
    """One fact: the figure strong, the words around it quiet; a dash where it is absent."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._before, self._text, self._after = label("", "small"), label("", "reading", name), label("", "small")
        inside = row(4)
        for part in (self._before, self._text, self._after):
            inside.addWidget(part)
            part.hide()
        self.setLayout(inside)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.fact: Fact | None = None

    def show_fact(self, fact: Fact) -> None:
        if fact == self.fact:
            return
        self.fact = fact
        shown = (fact.before, fact.text, fact.after) if fact.text else (fact.dash, "", "")
        for part, words in zip((self._before, self._text, self._after), shown, strict=True):
            part.setText(words)
            part.setVisible(bool(words))
        dress(self._text, "role", "note" if fact.alarm else "reading")
        self.setToolTip(fact.tip)
        self.setAccessibleName(fact.words)
        self.setAccessibleDescription(fact.tip)


class HealthStrip(QWidget):
    """Three lines of figures. It shows a reading and reads nothing itself."""

    def __init__(self) -> None:
        super().__init__()
        self.figures: dict[str, Figure] = {}
        whole = column(3)
        for names in LINES:
            line = row(12)
            for name in names:
                self.figures[name] = Figure(name)
                line.addWidget(self.figures[name])
            line.addStretch(1)
            whole.addLayout(line)
        self.figures["efficiency"].hide()
        self.setLayout(whole)

    def show_health(self, reading: Reading) -> None:
        """Show what is true now."""
        for fact in facts(reading):
            self.figures[fact.name].show_fact(fact)

    def show_catalogue(self, catalogue: Catalogue) -> None:
        """Show what the results cost; nothing where that is not known."""
        fact = efficiency(catalogue)
        self.figures["efficiency"].setVisible(fact is not None)
        if fact is not None:
            self.figures["efficiency"].show_fact(fact)


def _title(result: Result) -> str:
    return f"{result.task} {result.provenance.precision.value.upper()}"


def _power(reading: Reading) -> Fact:
    if reading.watts is None:
        return Fact("power", "", reading.watts_absent)
    rails = [f"{rail.name} {rail.watts:.1f} W" for part in reading.powered for rail in part.rails]
    return Fact("power", f"{reading.watts:.1f} W", _lines(f"Power told by {', '.join(reading.covers)}", rails))


def _temperature(reading: Reading) -> Fact:
    hottest = reading.hottest
    if hottest is None:
        return Fact("temperature", "", _why(reading, "thermal") or "No sensor of a processor tells its temperature.")
    every = [f"{one.name} {one.celsius:.0f} °C" for one in reading.temperatures]
    return Fact("temperature", f"{hottest.celsius:.0f} °C", _lines(f"Warmest: {hottest.name}", every))


def _clock(reading: Reading) -> Fact:
    """The processor's clock; held down it becomes an alarm with the reason."""
    throttle = reading.throttle
    if throttle.state is Throttled.YES:
        return Fact("clock", f"⚠ {_frequency(reading.cpu_mhz) or 'clock'} held down", throttle.reason, alarm=True)
    if reading.cpu_mhz is None:
        return Fact("clock", "", _why(reading, "clocks"))
    every = [f"{one.name} {one.mhz:.0f} MHz" for one in reading.clocks]
    return Fact(
        "clock", _frequency(reading.cpu_mhz), _lines("Mean of the processor's clocks", [*every, throttle.reason])
    )


def _load(reading: Reading) -> Fact:
    busy = next((one.percent for one in reading.loads if one.name == "processor"), None)
    if busy is None:
        return Fact("load", "", "The processor's load is known from the second reading on, where the system tells it.")
    every = [f"{one.name} {one.percent:.0f} %" for one in reading.loads]
    return Fact("load", f"{busy:.0f} %", _lines("Of all cores, since the last reading", every), after="busy")


def _memory(reading: Reading) -> Fact:
    memory = reading.memory
    if memory is None:
        return Fact("memory", "", _why(reading, "memory"))
    shown = memory.used_bytes if memory.own_bytes is None else memory.own_bytes
    whose = "In use in all" if memory.own_bytes is None else "Held by this program, its engines included"
    others = f"In use in all: {memory.used_bytes / 1e9:.1f} GB"
    whole = f"of {memory.total_bytes / 1e9:.0f} GB"
    return Fact("memory", f"{shown / 1e9:.1f}", f"{whose}.\n{others}", before="memory", after=whole)


def _frequency(mhz: float | None) -> str:
    if mhz is None:
        return ""
    return f"{mhz / 1e3:.2f} GHz" if mhz >= LEAST_GHZ else f"{mhz:.0f} MHz"


def _why(reading: Reading, source: str) -> str:
    part = next((one for one in reading.parts if one.source == source), Part(source, "Nobody asked for it."))
    return part.absent


def _lines(title: str, lines: list[str]) -> str:
    """A title and not too many lines under it."""
    more = [f"and {len(lines) - TIP_LINES} more"] if len(lines) > TIP_LINES else []
    return "\n".join([title, *lines[:TIP_LINES], *more])
