"""The plots of a proof."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from engines.parity.document import figures
from engines.parity.ladder import EDGES, Ladder, Rung
from engines.parity.proof import Course
from engines.parity.svg import INK, LEFT, PALE, RIGHT, TOP, WIDTH, Plot, Scale
from inference.result import Precision

COLOURS = {
    Precision.FP32: "#4a6fa5",
    Precision.FP16: "#2e8b6d",
    Precision.BF16: "#c8871e",
    Precision.INT8: "#b8433f",
}
LEAST = -8
ROW = 30


def errors(ladder: Ladder) -> str:
    """Largest difference, 99.9th percentile and root of the mean square of each step, on the pictures."""
    rungs = [rung for rung in ladder.rungs if figures(rung) is not None]
    plot = Plot(300, bottom=62, label="Difference from the first step, by step")
    scale = Scale(LEAST, 0, plot.floor, TOP + 16)
    plot.powers(scale, LEAST, 0)
    middles = plot.columns([rung.name for rung in rungs], [COLOURS[rung.precision] for rung in rungs])
    for x, rung in zip(middles, rungs, strict=True):
        found, colour = figures(rung), COLOURS[rung.precision]
        assert found is not None
        tall, small = scale.at(_power(found.max_rel)), scale.at(_power(found.rms_rel))
        plot.line(x, tall, x, small, colour, 1.2)
        plot.dot(x, tall, colour, hollow=True, hint=f"largest {found.max_rel:.2e}")
        plot.line(x - 6, scale.at(_power(found.p999_rel)), x + 6, scale.at(_power(found.p999_rel)), colour, 2)
        plot.dot(x, small, colour, hint=f"root of mean square {found.rms_rel:.2e}")
    _key(plot, "share of the output's range: circle largest, bar 99.9th percentile, dot root of mean square")
    return plot.text


def scores(ladder: Ladder) -> str:
    """One dot for each subject's score, a bar at the mean."""
    rungs = [rung for rung in ladder.rungs if len(rung.scores(ladder.measured, ladder.score))]
    values = [rung.scores(ladder.measured, ladder.score) for rung in rungs]
    low = min((float(v.min()) for v in values), default=0.0)
    low = math.floor(low * 20 - 0.5) / 20
    plot = Plot(300, bottom=62, label=f"{ladder.score} of each subject, by step")
    scale = Scale(low, 1.0, plot.floor, TOP + 16)
    plot.marks(scale, _ticks(low))
    middles = plot.columns([rung.name for rung in rungs], [COLOURS[rung.precision] for rung in rungs])
    for x, rung, row in zip(middles, rungs, values, strict=True):
        mean = scale.at(float(row.mean()))
        plot.line(x - 17, mean, x + 17, mean, INK, 2)
        for place, value in enumerate(row):
            shift = ((place * 7) % 11 - 5) * 2.2
            plot.dot(x + shift, scale.at(float(value)), COLOURS[rung.precision], 3.0, hint=f"{value:.4f}")
    against = "the truth" if ladder.measured == "truth" else "the first step"
    _key(plot, f"{ladder.score} against {against}, one dot for each subject, the bar is their mean")
    return plot.text


def histograms(ladder: Ladder) -> str:
    """How many differences are how large, one row for each step."""
    rungs = [rung for rung in ladder.rungs if any(rung.histogram[1:])]
    plot = Plot(TOP + 24 + ROW * max(1, len(rungs)) + 44, label="Histogram of differences, by step")
    across = Scale(float(EDGES[0]), float(EDGES[-1]), 190.0, WIDTH - RIGHT)
    for power in range(int(EDGES[0]), int(EDGES[-1]) + 1):
        x = across.at(power)
        plot.line(x, TOP + 16, x, plot.floor)
        plot.write(x, plot.floor + 16, "none" if power == int(EDGES[0]) else f"1e{power}" if power else "1")
    for place, rung in enumerate(rungs):
        base = TOP + 24 + ROW * (place + 1)
        plot.write(182, base - 6, rung.name, "end", 10, COLOURS[rung.precision])
        plot.path(_ridge(rung, across, base), COLOURS[rung.precision], COLOURS[rung.precision], 1.2)
    _key(
        plot,
        "share of values (height, each row to its own scale) by difference from the first step, as a share of "
        "the range",
    )
    return plot.text


def course(courses: Sequence[Course]) -> str:
    """The error along the network."""
    plot = Plot(280, label="Error along the network")
    scale, along = Scale(LEAST, 0, plot.floor, TOP + 16), Scale(0.0, 1.0, LEFT + 6, WIDTH - RIGHT - 6)
    plot.powers(scale, LEAST, 0)
    for one in courses:
        colour = COLOURS[one.precision]
        points = [(along.at(layer.depth), scale.at(_power(layer.numbers.rms_rel))) for layer in one.layers]
        plot.path(points, colour)
        for (x, y), layer in zip(points, one.layers, strict=True):
            plot.dot(x, y, colour, 2.8, hint=f"{layer.name}: {layer.numbers.rms_rel:.2e}")
    for place, one in enumerate(courses):
        plot.write(LEFT + 12 + 190 * place, plot.floor + 28, one.step, "start", 11, COLOURS[one.precision])
    plot.write(LEFT, plot.floor + 14, "input", "start", 10)
    plot.write(WIDTH - RIGHT, plot.floor + 14, "output", "end", 10)
    _key(plot, "root of mean square of each layer's output against fp32, as a share of that output's range")
    return plot.text


def _ridge(rung: Rung, across: Scale, base: float) -> list[tuple[float, float]]:
    """The outline of one histogram."""
    top = max(rung.histogram) or 1.0
    points = [(across.begin, base)]
    for left, right, share in zip(EDGES[:-1], EDGES[1:], rung.histogram, strict=True):
        y = base - (ROW - 7) * share / top
        points += [(across.at(float(left)), y), (across.at(float(right)), y)]
    return [*points, (across.end, base)]


def _key(plot: Plot, text: str) -> None:
    plot.write(LEFT, TOP, text, "start", 11, PALE)


def _power(value: float) -> float:
    return math.log10(value) if value > 0 else float(LEAST)


def _ticks(low: float) -> Iterable[float]:
    step = next(s for s in (0.01, 0.02, 0.05, 0.1, 0.2) if (1.0 - low) / s <= 8 or s == 0.2)
    count = int((1.0 - low) / step) + 1
    return [1.0 - step * place for place in range(count + 1) if 1.0 - step * place >= low - 1e-9]
