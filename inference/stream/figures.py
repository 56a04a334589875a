"""What a stream did: frames per second, idle time, latency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from inference.errors import InputRefused
from inference.lanes import Span
from inference.schedule.simulate import idle_percent
from inference.stream.route import Answered

LEAST = 3


@dataclass(frozen=True, slots=True)
class LaneFigures:
    """One lane over the steady part of a run.

    Attributes:
        fps: Slices per second whose work on this lane was done.
        busy_fps: The same while the lane was busy: what it could serve if it never waited.
        idle_percent: Share of the time in which it did nothing.
    """

    lane: str
    fps: float
    busy_fps: float
    idle_percent: float


@dataclass(frozen=True, slots=True)
class Figures:
    """A run over slices; the steady part lies between the first and the last answer.

    Attributes:
        slices: Answered.
        fps: Slices per second, every model's answer there.
        period_ms: Time from one answer to the next, mean.
        latency_p50_ms, latency_p95_ms: From a slice's arrival to its last answer.
        lanes: In the order asked for.
    """

    slices: int
    fps: float
    period_ms: float
    latency_p50_ms: float
    latency_p95_ms: float
    lanes: tuple[LaneFigures, ...]


def figures(answered: Sequence[Answered], spans: Sequence[Span], lanes: Sequence[str]) -> Figures:
    """Count a finished run.

    Raises:
        InputRefused: Fewer than three slices show no steady part.
    """
    if len(answered) < LEAST:
        raise InputRefused(f"A stream of {len(answered)} slices has no rate.", f"Give it {LEAST} slices or more.")
    done = np.sort([one.done_s for one in answered])
    begin, end = float(done[0]), float(done[-1])
    latency_ms = 1e3 * np.array([one.latency_s for one in answered])
    period_s = (end - begin) / (len(done) - 1)
    return Figures(
        slices=len(answered),
        fps=1.0 / period_s,
        period_ms=1e3 * period_s,
        latency_p50_ms=float(np.percentile(latency_ms, 50)),
        latency_p95_ms=float(np.percentile(latency_ms, 95)),
        lanes=tuple(_lane(lane, tuple(spans), (begin, end)) for lane in lanes),
    )


def _lane(lane: str, spans: tuple[Span, ...], window_s: tuple[float, float]) -> LaneFigures:
    """A slice counts where its last piece of work on the lane ended, when that was inside the window."""
    begin, end = window_s
    last: dict[str, float] = {}
    for span in spans:
        if span.lane == lane:
            slice_number = span.label.rpartition("#")[2]
            last[slice_number] = max(last.get(slice_number, 0.0), span.end_s)
    finished = sum(begin < at <= end for at in last.values())
    idle = idle_percent(spans, lane, window_s)
    fps = finished / (end - begin)
    busy = 1.0 - idle / 100.0
    return LaneFigures(lane, fps, fps / busy if busy > 0 else 0.0, idle)
