"""The facts behind `insula bench soak`: engines in turn for minutes, and what drifts meanwhile."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from itertools import cycle
from typing import Any

from engines import machine, vector
from engines.derive import graph_of
from engines.drift import Drift, Log, Sample, drift, settled, slope_per_s
from engines.library import Bundle
from inference.backends import graph, registry
from inference.backends.base import Arrays, Engine
from inference.health.energy import Energy
from inference.health.reading import Reading, Throttled
from inference.health.sampler import Sampler
from inference.health.watch import Watch
from inference.health.words import reading_document
from inference.result import CancelledFn, Precision, Progress, ProgressFn

LOOK_S = 1.0
LEAST_S = 0.05
_MB = 1e6
_PER_MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Wish:
    """What to run: precisions in turn, on a backend and device or the best there are."""

    precisions: tuple[Precision, ...] = (Precision.FP32,)
    backend: str | None = None
    device: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Runner:
    """A loaded engine, its input, and how long each of its runs took in ms."""

    model: str
    choice: registry.Choice
    precision: Precision
    engine: Engine
    feed: Arrays
    ms: Log = field(default_factory=Log)

    def run(self) -> None:
        begin = time.perf_counter()
        self.engine.infer(self.feed)
        end = time.perf_counter()
        self.ms.add(end, 1e3 * (end - begin))


@dataclass(slots=True, eq=False)
class Looks:
    """What many readings of the machine told; the readings themselves are not kept.

    `cpu_percent` is the processor time that this process had between two readings, 100 for one core: where it moves,
    other programs took part of the machine and the engines' times say so too.
    """

    cpu_percent: Log = field(default_factory=Log)
    own_mb: Log = field(default_factory=Log)
    clock_mhz: Log = field(default_factory=Log)
    celsius: Log = field(default_factory=Log)
    states: Counter[Throttled] = field(default_factory=Counter)
    reasons: dict[Throttled, str] = field(default_factory=dict)
    before: tuple[float, float] | None = None

    def take(self, reading: Reading) -> None:
        self._take_cpu(reading.at_s, time.process_time())
        memory, hottest, mhz, throttle = reading.memory, reading.hottest, reading.cpu_mhz, reading.throttle
        if memory is not None and memory.own_bytes is not None:
            self.own_mb.add(reading.at_s, memory.own_bytes / _MB)
        if hottest is not None:
            self.celsius.add(reading.at_s, hottest.celsius)
        if mhz is not None:
            self.clock_mhz.add(reading.at_s, mhz)
        self.states[throttle.state] += 1
        self.reasons[throttle.state] = throttle.reason

    def _take_cpu(self, at_s: float, spent_s: float) -> None:
        if self.before is not None and at_s - self.before[0] > LEAST_S:
            self.cpu_percent.add(at_s, 100.0 * (spent_s - self.before[1]) / (at_s - self.before[0]))
        self.before = at_s, spent_s


def soak(
    bundles: Iterable[Bundle],
    seconds: float,
    wish: Wish | None = None,
    progress: ProgressFn = lambda _: None,
    cancelled: CancelledFn = lambda: False,
    sampler: Sampler | None = None,
) -> dict[str, Any]:
    """Run every bundle's engine on its test vector, one after the other, again and again.

    Args:
        seconds: For how long, after one warm-up of each engine.
        cancelled: Ends it early; what was measured until then is returned with `cancelled` true.
        sampler: Reads the machine; None: everything there is.

    Returns:
        `{"machine", "seconds", "cancelled", "engines", "own_cpu", "memory", "clock", "temperature", "throttled",
        "power", "readings", "last_reading"}`.

    Raises:
        EngineError: A bundle is damaged, or no backend runs what was wished.
    """
    asked, looks = wish or Wish(), Looks()
    with ExitStack() as stack:
        # On a thread of its own: looks between two runs would always find the machine at rest.
        watch = Watch(sampler, LOOK_S, looks.take)
        stack.callback(watch.close)
        runners = [_runner(bundle, precision, asked, stack) for bundle in bundles for precision in asked.precisions]
        for runner in runners:
            runner.engine.infer(runner.feed)
        with watch.measuring(LOOK_S):
            watch.start()
            begin = time.perf_counter()
            finished = _turns(runners, seconds, progress, cancelled)
            end = time.perf_counter()
        return report(runners, looks, watch.sample(), watch.energy(begin, end), finished)


def _turns(runners: Sequence[Runner], seconds: float, progress: ProgressFn, cancelled: CancelledFn) -> bool:
    """One engine after the other until the time is over; False when it was cancelled."""
    begin = time.perf_counter()
    for runner in cycle(runners):
        spent = time.perf_counter() - begin
        if spent >= seconds or cancelled():
            return spent >= seconds
        progress(Progress("soak", round(spent), round(seconds)))
        runner.run()
    return True


def _runner(bundle: Bundle, precision: Precision, wish: Wish, stack: ExitStack) -> Runner:
    choice = registry.choose(wish.backend, precision, wish.device)
    model = graph_of(bundle, precision, choice.backend.name)
    engine = choice.backend.load(model, precision, choice.device)
    stack.callback(engine.close)
    feed = vector.samples(bundle.vector, graph.read(bundle.model))[0].feed
    return Runner(bundle.task.name, choice, precision, engine, feed)


def report(runners: Sequence[Runner], looks: Looks, last: Reading, energy: Energy, finished: bool) -> dict[str, Any]:
    """What `soak` returns, from what was gathered."""
    absent = last.absent()
    return {
        "machine": asdict(machine.facts()),
        "seconds": round(energy.seconds, 1),
        "cancelled": not finished,
        "engines": [_engine(runner) for runner in runners],
        "own_cpu": _moved("percent", drift(looks.cpu_percent.samples()), "It was too short to tell."),
        "memory": _memory(looks.own_mb.samples(), absent.get("memory")),
        "clock": _moved("mhz", drift(looks.clock_mhz.samples()), absent.get("clocks")),
        "temperature": _moved("c", drift(looks.celsius.samples()), absent.get("thermal")),
        "throttled": _throttled(looks),
        "power": _power(energy, sum(len(runner.ms.value) for runner in runners)),
        "readings": looks.states.total(),
        "last_reading": reading_document(last),
    }


def _engine(runner: Runner) -> dict[str, Any]:
    found = drift(runner.ms.samples())
    return {
        "model": runner.model,
        "backend": runner.choice.backend.name,
        "device": runner.choice.device,
        "precision": runner.precision.value,
        "runs": len(runner.ms.value),
        **_moved("ms", found, "It was not run."),
    }


def _moved(unit: str, found: Drift | None, absent: str | None) -> dict[str, Any]:
    """First, last and median of a figure, or why there is none."""
    if found is None:
        return {"absent": absent or "No source told it."}
    return {
        f"first_tenth_{unit}": round(found.first, 3),
        f"last_tenth_{unit}": round(found.last, 3),
        f"median_{unit}": round(found.middle, 3),
        "drift_percent": None if found.percent is None else round(found.percent, 2),
        "absent": None,
    }


def _memory(held: Sequence[Sample], absent: str | None) -> dict[str, Any]:
    """This program's resident memory; the slope is taken after the first tenth, in which caches fill."""
    slope = slope_per_s(settled(held))
    return {
        **_moved("mb", drift(held), absent),
        "peak_mb": round(max(one.value for one in held), 1) if held else None,
        "slope_mb_per_min": None if slope is None else round(slope * _PER_MINUTE, 3),
    }


def _throttled(looks: Looks) -> dict[str, Any]:
    """Yes when any reading said so, and how many of those that knew."""
    held, known = looks.states[Throttled.YES], looks.states[Throttled.YES] + looks.states[Throttled.NO]
    state = Throttled.YES if held else Throttled.NO if known else Throttled.UNKNOWN
    return {
        "state": state.value,
        "percent_of_readings": round(100.0 * held / known, 1) if known else None,
        "reason": looks.reasons.get(state, "Nobody looked."),
    }


def _power(energy: Energy, runs: int) -> dict[str, Any]:
    """Efficiency counts one run of any engine as one frame."""
    per_watt, watts = energy.per_watt(runs), energy.mean_watts
    return {
        "joules": None if energy.joules is None else round(energy.joules, 2),
        "mean_watts": None if watts is None else round(watts, 3),
        "fps": round(runs / energy.seconds, 3) if energy.seconds > 0 else None,
        "fps_per_watt": None if per_watt is None else round(per_watt, 4),
        "covers": list(energy.covers),
        "absent": energy.absent or None,
    }
