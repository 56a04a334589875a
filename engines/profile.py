"""Measures how long each layer of a model takes on each lane, and what a cut after it costs.

By shifted cuts: for every cut point the part before it and the part after it are made into engines and timed beside
the whole model. What both halves take more than the whole is the cost of the cut; what remains is shared out to the
layers. Numbers from inside a runtime would leave out the tensors that cross a cut and the fusions that it breaks.
While one lane is measured the others run the whole model without pause, because that is how a schedule finds them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from engines.layered import FINISH, PREPARE, Layered
from engines.stations import Station, lanes, load
from engines.surgery import cut
from inference.backends.base import Arrays, Engine
from inference.errors import JobCancelled
from inference.lanes import Lane
from inference.result import CancelledFn, Progress, ProgressFn
from inference.schedule.profile import Layer, Profile
from inference.stream.slices import Parcel, Slice, SliceTask

ROUNDS = 9


@dataclass(frozen=True, slots=True)
class Around:
    """What a task does around its network, to be timed on a real slice."""

    work: SliceTask
    item: Slice


@dataclass(frozen=True, slots=True)
class Timing:
    """One lane's times, ms.

    Attributes:
        whole: The uncut network.
        layers: Each layer, prepare and finish too.
        borders: What a cut after each layer costs, both halves together; 0 after the last.
    """

    whole: float
    layers: tuple[float, ...]
    borders: tuple[float, ...]


def profile(
    model: Layered,
    stations: Sequence[Station],
    around: Around | None = None,
    *,
    loaded: bool = True,
    rounds: int = ROUNDS,
    progress: ProgressFn = lambda _: None,
    cancelled: CancelledFn = lambda: False,
) -> Profile:
    """Measure a model on every station.

    Args:
        around: Needed exactly when the model's layers have ends.
        loaded: Whether the other lanes work meanwhile; False measures each lane alone.
        rounds: Timings of each engine; the median counts.

    Raises:
        EngineError: A backend refuses the model or a part of it.
        JobCancelled: `cancelled` answered True.
    """
    total = len(stations) * len(model.points)

    def step(place: int, done: int) -> None:
        if cancelled():
            raise JobCancelled
        progress(Progress("measure", place * len(model.points) + done, total))

    timings: dict[str, Timing] = {}
    with lanes(stations) as opened:
        for place, station in enumerate(stations):
            others = [(other, opened[other.name]) for other in stations if loaded and other is not station]
            with _busy(model, others):
                meter = _Meter(model, station, opened[station.name], rounds)
                timings[station.name] = meter.measure(around, partial(step, place))
    progress(Progress("done", total, total))
    return _profile(model, timings)


class _Meter:
    """Times engines of one model on one station."""

    def __init__(self, model: Layered, station: Station, lane: Lane, rounds: int) -> None:
        self._model, self._station, self._lane, self._rounds = model, station, lane, rounds

    def measure(self, around: Around | None, step: Callable[[int], None]) -> Timing:
        with ExitStack() as stack:
            whole = self._engine(self._model.model, stack)
            feed = around.work.prepare(around.item).tensors if around else _noise(whole)
            pairs = []
            for done, point in enumerate(self._model.points):
                step(done)
                pairs.append(self._halves(whole, point, feed))
            own = median([one for one, _, _ in pairs] or [self._median((lambda: whole.infer(feed),))[0]])
            ends = self._ends(around, whole, feed) if around else ()
        # A busy moment of the machine falls on both halves and on the whole beside them.
        halves = [(before * own / alone, after * own / alone) for alone, before, after in pairs]
        return _timing(own, halves, ends)

    def _halves(self, whole: Engine, point: cut.CutPoint, feed: Arrays) -> tuple[float, float, float]:
        with ExitStack() as stack:
            files = cut.parts_for(self._model.model, self._model.sha256, (point,))
            before, after = (self._engine(file, stack) for file in files)
            crossing = {**feed, **before.infer(feed)}
            rest = {spec.name: crossing[spec.name] for spec in after.inputs}
            found = self._median((lambda: whole.infer(feed), lambda: before.infer(feed), lambda: after.infer(rest)))
        return found[0], found[1], found[2]

    def _ends(self, around: Around, whole: Engine, feed: Arrays) -> tuple[float, ...]:
        """Prepare and finish, with the network between them as in a stream: it leaves them cold caches."""
        parcel = Parcel(around.item.k, whole.infer(feed))
        works = (
            lambda: around.work.prepare(around.item),
            lambda: whole.infer(feed),
            lambda: around.work.finish(parcel),
        )
        prepare, _, finish = self._median(works)
        return prepare, finish

    def _engine(self, file: Path, stack: ExitStack) -> Engine:
        engine = load(self._station, self._lane, file)
        stack.callback(engine.close)
        return engine

    def _median(self, works: Sequence[Callable[[], Any]]) -> tuple[float, ...]:
        """Median time of each, ms; they take turns after one round that does not count."""
        seconds: list[list[float]] = [[] for _ in works]

        def take_turns() -> None:
            for turn in range(self._rounds + 1):
                for work, spent in zip(works, seconds, strict=True):
                    begin = time.perf_counter()
                    work()
                    if turn:
                        spent.append(time.perf_counter() - begin)

        self._lane.submit("measure", take_turns).result()
        return tuple(1e3 * median(spent) for spent in seconds)


@contextmanager
def _busy(model: Layered, others: Sequence[tuple[Station, Lane]]) -> Iterator[None]:
    """The whole model without pause on each of the other lanes."""
    stop = threading.Event()
    running: list[Future[None]] = []
    with ExitStack() as stack:
        for station, lane in others:
            engine = load(station, lane, model.model)
            stack.callback(engine.close)
            running.append(lane.submit("load", partial(_until, stop, engine)))
        try:
            yield
        finally:
            stop.set()
            for one in running:
                one.result()


def _until(stop: threading.Event, engine: Engine) -> None:
    feed = _noise(engine)
    while not stop.is_set():
        engine.infer(feed)


def _noise(engine: Engine) -> Arrays:
    random = np.random.default_rng(0)
    return {spec.name: random.uniform(-1, 1, spec.shape).astype(np.float32) for spec in engine.inputs}


def _timing(own: float, halves: list[tuple[float, float]], ends: tuple[float, ...]) -> Timing:
    """Share the whole's time out to the layers so that it never runs backwards."""
    borders = [max(0.0, before + after - own) for before, after in halves]
    reached = [0.0]
    for (before, _), border in zip(halves, borders, strict=True):
        reached.append(min(own, max(reached[-1], before - border / 2)))
    layers = [b - a for a, b in zip(reached, [*reached[1:], own], strict=True)]
    if not ends:
        return Timing(own, tuple(layers), (*borders, 0.0))
    return Timing(own, (ends[0], *layers, ends[1]), (0.0, *borders, 0.0, 0.0))


def _profile(model: Layered, timings: dict[str, Timing]) -> Profile:
    names = [block.name for block in model.blocks]
    live: list[int] = [point.live_bytes for point in model.points] + [0]
    weights = [block.weight_bytes for block in model.blocks]
    traffic = [block.traffic_bytes for block in model.blocks]
    if model.ends:
        names, live = [PREPARE, *names, FINISH], [0, *live, 0]
        weights, traffic = [0, *weights, 0], [0, *traffic, 0]
    layers = tuple(
        Layer(
            name=name,
            ms={lane: round(t.layers[at], 4) for lane, t in timings.items()},
            transition_ms={lane: round(t.borders[at], 4) for lane, t in timings.items()},
            bandwidth_gbps={lane: _gbps(traffic[at], t.layers[at]) for lane, t in timings.items()},
            legal=dict.fromkeys(timings, True),
            live_bytes=live[at],
            memory_bytes=weights[at] + live[at],
        )
        for at, name in enumerate(names)
    )
    return Profile(model.name, tuple(timings), layers)


def _gbps(moved: int, ms: float) -> float:
    return round(moved / ms / 1e6, 2) if ms > 0 else 0.0
