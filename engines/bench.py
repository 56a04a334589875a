"""The rows behind `insula bench engines`: how long one forward pass takes, beside a baseline in the same run."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from engines import machine, vector
from engines.derive import model_for
from engines.library import Bundle
from inference.backends import graph, registry
from inference.backends.base import Arrays, Engine
from inference.errors import JobCancelled
from inference.result import CancelledFn, Precision, Progress, ProgressFn

BASELINE = ("onnxruntime", Precision.FP32)
ROUNDS = 25


@dataclass(frozen=True, slots=True)
class Row:
    """One engine's time.

    Attributes:
        median_ms, best_ms: Wall time of one `infer` on the bundle's test vector, border included.
        runs: How many the median is taken of.
        baseline: "backend precision" of the engine it is held against.
        ratio: The baseline's median over this one's: 2.0 is twice as fast. None when the baseline is not there.
    """

    model: str
    backend: str
    version: str
    device: str
    precision: str
    precision_kind: str
    median_ms: float
    best_ms: float
    runs: int
    baseline: str
    ratio: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Runner:
    """A loaded engine and its times so far, in seconds."""

    choice: registry.Choice
    precision: Precision
    engine: Engine
    seconds: list[float]

    def run(self, feed: Arrays) -> None:
        begin = time.perf_counter()
        self.engine.infer(feed)
        self.seconds.append(time.perf_counter() - begin)


def report(
    bundles: Iterable[Bundle],
    seconds: float = 15.0,
    progress: ProgressFn = lambda _: None,
    cancelled: CancelledFn = lambda: False,
) -> dict[str, Any]:
    """Measure every bundle with every backend and precision that this machine offers.

    Engines of one bundle take turns, so that a busy moment of the machine falls on all of them.

    Args:
        seconds: Time for the rounds of one bundle; each engine runs at least once after a warm-up.

    Returns:
        `{"machine": {...}, "rows": [...]}`.

    Raises:
        EngineError: A bundle is damaged.
        JobCancelled: `cancelled` answered True.
    """
    chosen = tuple(bundles)
    rows: list[Row] = []
    for index, bundle in enumerate(chosen):
        progress(Progress(bundle.task.name, index, len(chosen)))
        rows.extend(measure(bundle, seconds, cancelled))
    progress(Progress("done", len(chosen), len(chosen)))
    return {"machine": asdict(machine.facts()), "rows": [asdict(row) for row in rows]}


def measure(bundle: Bundle, seconds: float, cancelled: CancelledFn = lambda: False) -> list[Row]:
    """The rows of one bundle."""
    feed = vector.samples(bundle.vector, graph.read(bundle.model))[0].feed
    with ExitStack() as stack:
        runners = [_runner(bundle, choice, precision, stack) for choice, precision in registry.offers()]
        for runner in runners:
            runner.engine.infer(feed)
        _take_turns(runners, feed, seconds, cancelled)
    return _rows(bundle.task.name, runners)


def _runner(bundle: Bundle, choice: registry.Choice, precision: Precision, stack: ExitStack) -> Runner:
    model = model_for(bundle.model, bundle.sha256, precision, bundle.vector)
    engine = choice.backend.load(model, precision, choice.device)
    stack.callback(engine.close)
    return Runner(choice, precision, engine, [])


def _take_turns(runners: list[Runner], feed: Arrays, seconds: float, cancelled: CancelledFn) -> None:
    end = time.perf_counter() + seconds
    for turn in range(ROUNDS):
        if turn and time.perf_counter() > end:
            return
        for runner in runners:
            if cancelled():
                raise JobCancelled
            runner.run(feed)


def _rows(model: str, runners: list[Runner]) -> list[Row]:
    medians = {(runner.choice.backend.name, runner.precision): 1e3 * median(runner.seconds) for runner in runners}
    against = medians.get(BASELINE)
    return [_row(model, runner, medians[(runner.choice.backend.name, runner.precision)], against) for runner in runners]


def _row(model: str, runner: Runner, own_ms: float, against_ms: float | None) -> Row:
    return Row(
        model=model,
        backend=runner.choice.backend.name,
        version=runner.choice.backend.version,
        device=runner.choice.device,
        precision=runner.precision.value,
        precision_kind=runner.choice.support.kind.value,
        median_ms=round(own_ms, 3),
        best_ms=round(1e3 * min(runner.seconds), 3),
        runs=len(runner.seconds),
        baseline=f"{BASELINE[0]} {BASELINE[1].value}",
        ratio=None if against_ms is None else round(against_ms / own_ms, 3),
    )
