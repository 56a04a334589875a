"""What a timeline shows, whoever draws it: lanes as rows, one bar for each piece of work, idle time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from inference.lanes import Span
from inference.schedule.objective import Objective
from inference.schedule.plan import Segment
from inference.schedule.profile import read
from inference.schedule.search import Schedule, schedule
from inference.schedule.simulate import Timeline, idle_percent

SHOWN_PERIODS = 3
MOST_PROFILES = 2
SLIVER = 1e-6  # of the chart: what rounding leaves at a border is no bar


@dataclass(frozen=True, slots=True)
class Bar:
    """One piece of work; seconds from the chart's left border, cut off at both borders.

    Attributes:
        lane: Row, counted from the top.
        model: Whose it is: the colour.
        words: Layers or stage, written into the bar where they fit.
    """

    lane: int
    start_s: float
    end_s: float
    model: str
    words: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A timeline ready to draw.

    Attributes:
        title: The figure that matters.
        notes: Short sentences beneath it.
        lanes: Rows from the top.
        idle_percent: Of each row.
        models: In the order of their colours.
        length_s: From border to border.
        marks_s: Where a new period begins.
    """

    title: str
    notes: tuple[str, ...]
    lanes: tuple[str, ...]
    idle_percent: tuple[float, ...]
    models: tuple[str, ...]
    bars: tuple[Bar, ...]
    length_s: float
    marks_s: tuple[float, ...] = ()


def chart_of_schedule(found: Schedule) -> Chart:
    """A plan: one round for the makespan, some periods of the stream for the period."""
    line = found.timeline
    period_s = line.period_ms / 1e3
    begin = line.window_s[0]
    length = line.window_s[1] - begin
    marks: tuple[float, ...] = ()
    if found.objective is Objective.PERIOD and 0 < SHOWN_PERIODS * period_s < length:
        length = SHOWN_PERIODS * period_s
        marks = tuple(n * period_s for n in range(1, SHOWN_PERIODS))
    bars = tuple(_bars(line.spans, line.lanes, begin, begin + length))
    word = "Period" if found.objective is Objective.PERIOD else "Makespan"
    return Chart(
        title=f"{word} {found.value_ms:.3g} ms",
        notes=(_plan_note(found), _baseline_note(found)),
        lanes=line.lanes,
        idle_percent=tuple(_idle(line)),
        models=_models(line.spans),
        bars=bars,
        length_s=length,
        marks_s=marks,
    )


def chart_of_profiles(files: tuple[Path, ...], objective: Objective) -> Chart:
    """The best plan of one or two profiles with one cut each; found in well under a second.

    Raises:
        InsulaError: A file is no profile, or no plan is legal.
    """
    return chart_of_schedule(schedule(tuple(read(file) for file in files[:MOST_PROFILES]), objective))


def chart_of_spans(title: str, spans: Iterable[Span], lanes: tuple[str, ...] = ()) -> Chart:
    """What lanes really did.

    Args:
        lanes: Rows; empty: every lane that has a span, in order of appearance.
    """
    spans = tuple(spans)
    rows = lanes or tuple(dict.fromkeys(span.lane for span in spans))
    begin = min((span.start_s for span in spans), default=0.0)
    end = max((span.end_s for span in spans), default=0.0)
    return Chart(
        title=title,
        notes=(f"{len(spans)} pieces of work in {time_text(end - begin)}",) if spans else ("Nothing has run yet.",),
        lanes=rows,
        idle_percent=tuple(idle_percent(spans, lane, (begin, end)) for lane in rows),
        models=_models(spans),
        bars=tuple(_bars(spans, rows, begin, end)),
        length_s=end - begin,
    )


def ticks(length_s: float, most: int = 10) -> tuple[float, ...]:
    """Round times from 0 to the end of an axis, no more than `most` steps."""
    if length_s <= 0:
        return (0.0,)
    power = 10.0**-15
    while True:
        for step in (power, 2 * power, 5 * power):
            if length_s / step <= most:
                return tuple(step * n for n in range(int(length_s / step + 1e-9) + 1))
        power *= 10


def time_text(seconds: float) -> str:
    """ "2.52 ms", "1.4 s": the unit that reads best."""
    if seconds >= 1:
        return f"{seconds:.3g} s" if seconds < 100 else f"{seconds:.0f} s"
    return f"{seconds * 1e3:.3g} ms" if seconds >= 1e-3 or seconds == 0 else f"{seconds * 1e6:.3g} µs"


def _bars(spans: Iterable[Span], lanes: tuple[str, ...], begin: float, end: float) -> Iterable[Bar]:
    for span in spans:
        start, stop = max(span.start_s, begin), min(span.end_s, end)
        if stop - start > SLIVER * (end - begin) and span.lane in lanes:
            model, words = _parts(span)
            yield Bar(lanes.index(span.lane), start - begin, stop - begin, model, words)


def _parts(span: Span) -> tuple[str, str]:
    """Model and the rest of a label: "googlenet 0-5" """
    model, _, rest = span.label.rpartition(" ")
    return (model, rest) if model and rest[:1].isdigit() else (span.label, "")


def _models(spans: Iterable[Span]) -> tuple[str, ...]:
    return tuple(sorted({_parts(span)[0] for span in spans}))


def _idle(line: Timeline) -> Iterable[float]:
    shares = line.idle_percent()
    return (shares[lane] for lane in line.lanes)


def _plan_note(found: Schedule) -> str:
    parts = []
    for model in found.plan.models:
        steps = " → ".join(f"{s.device} {_layers(s)}" for s in model.segments)
        parts.append(f"{model.model}: {steps}")
    return "   ·   ".join(parts)


def _layers(segment: Segment) -> str:
    return f"{segment.first}–{segment.last}" if segment.last > segment.first else f"{segment.first}"


def _baseline_note(found: Schedule) -> str:
    base = found.baselines
    figures = (
        ("GPU only", base.gpu_only_ms),
        ("two streams", base.gpu_two_streams_ms),
        ("naive split", base.naive_split_ms),
        ("lower bound", found.lower_bound_ms),
    )
    said = "   ·   ".join(f"{name} {ms:.3g} ms" for name, ms in figures if ms is not None)
    return f"{said}   ·   {'proven optimal' if found.optimal else 'not proven'}"
