"""The steady state: a timetable that repeats every period, so that the busiest device never waits.

Frames follow each other at one period's distance, several of them under way at once. The period is the load of the
busiest device. Every segment gets a start; its device is free for it in every period, because work on a device forms
one arc on the circle of the period and the arc only ever grows at its ends.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import islice

from inference.schedule.cost import Task, loads
from inference.schedule.orders import orders

Work = tuple[tuple[Task, ...], ...]
MOST_ORDERS = 720
EPSILON_MS = 1e-9


@dataclass(frozen=True, slots=True)
class Cycle:
    """A timetable.

    Attributes:
        period_ms: Time between two frames of one model.
        starts_ms: For each model and segment, when frame 0 begins it; frame n begins it n periods later.
        latency_ms: For each model, from a frame's first start to its last end.
    """

    period_ms: float
    starts_ms: tuple[tuple[float, ...], ...]
    latency_ms: tuple[float, ...]

    @property
    def in_flight(self) -> int:
        """Frames of one model that are under way at once, at most."""
        if self.period_ms <= 0:
            return 1
        return max(max(1, math.ceil(ms / self.period_ms - 1e-6)) for ms in self.latency_ms)

    def queues(self, work: Work, frames: int) -> dict[str, list[tuple[int, int, int]]]:
        """(model, segment, frame) in the order in which each device serves them."""
        entries = [
            (start + frame * self.period_ms, frame, m, s)
            for m, model in enumerate(self.starts_ms)
            for s, start in enumerate(model)
            for frame in range(frames)
        ]
        made: dict[str, list[tuple[int, int, int]]] = {}
        for _, frame, m, s in sorted(entries):
            made.setdefault(work[m][s].segment.device, []).append((m, s, frame))
        return made


@dataclass(slots=True)
class _Arc:
    """Where on the circle a device is taken, and how much must still find room."""

    begin: float
    length: float
    remaining: float


def cycle(work: Work) -> Cycle:
    """The timetable with the shortest latency of all orders that are tried; exact in its period."""
    period = max(loads(work).values())
    made = (_placed(work, order, period) for order in islice(orders(tuple(map(len, work))), MOST_ORDERS))
    return min(made, key=lambda c: (c.in_flight, max(c.latency_ms), sum(c.latency_ms)))


def _placed(work: Work, order: tuple[tuple[int, int], ...], period: float) -> Cycle:
    starts = [[0.0] * len(model) for model in work]
    arcs: dict[str, _Arc] = {}
    left = loads(work)
    for m, s in order:
        task = work[m][s]
        ready = starts[m][s - 1] + work[m][s - 1].ms + work[m][s - 1].transition_ms if s else 0.0
        device = task.segment.device
        left[device] -= task.ms
        starts[m][s] = _place(arcs, device, ready, task.ms, left[device], period)
    latency = tuple(begin[-1] + model[-1].ms - begin[0] for begin, model in zip(starts, work, strict=True))
    return Cycle(period, tuple(map(tuple, starts)), latency)


def _place(arcs: dict[str, _Arc], device: str, ready: float, ms: float, remaining: float, period: float) -> float:
    """The start of a segment, and its device's arc grown by it."""
    arc = arcs.get(device)
    if arc is None or period <= 0:
        arcs[device] = _Arc(ready, ms, remaining)
        return ready
    gap = _ahead(arc.begin + arc.length, ready, period)
    if arc.length + gap + ms + remaining <= period + EPSILON_MS:
        arc.length += gap + ms
        return ready
    after = ready + _ahead(ready, arc.begin + arc.length, period)
    before = ready + _ahead(ready, arc.begin - ms, period)
    if before < after - EPSILON_MS:
        arc.begin = before
    arc.length += ms
    return min(before, after) if before < after - EPSILON_MS else after


def _ahead(a: float, b: float, period: float) -> float:
    """How far one goes forward on the circle from a to b."""
    way = (b - a) % period
    return 0.0 if period - way < EPSILON_MS else way
