"""The rows behind `insula bench engines`: how long one forward pass takes, beside a baseline in the same run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from engines import machine, vector
from engines.derive import model_for
from engines.describe import describe
from engines.library import Bundle
from engines.timed import Timed
from engines.yardsticks import Yardstick
from inference.backends import graph, registry
from inference.backends.base import Arrays
from inference.errors import JobCancelled
from inference.result import CancelledFn, Precision, PrecisionKind, Progress, ProgressFn

BASELINE = ("onnxruntime", Precision.FP32)
EAGER = ("pytorch eager", Precision.FP32)
ROUNDS = 25
TURN_S = 0.2
MOST_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Subject:
    """A model to measure.

    Attributes:
        calibration: npz with an input that it is also measured on.
        rival: Also runs each feed, as the baseline of all.
        emulated: Also measure precisions that a backend only imitates; they are never fast.
    """

    name: str
    model: Path
    sha256: str
    calibration: Path
    rival: Rival | None = None
    emulated: bool = True


@dataclass(frozen=True, slots=True)
class Rival:
    """Something that is no backend of ours and is held against them."""

    name: str
    version: str
    infer: Callable[[Arrays], object]


@dataclass(frozen=True, slots=True)
class Row(Timed):
    """One engine, timed for one `infer` on the bundle's test vector, border included.

    Attributes:
        gmac: 1e9 multiply-adds of one pass of the graph that this engine runs.
        bound_ms: `gmac` at the rate this processor multiplies with, the least time that any engine could take; None
            where that rate is not known.
    """

    gmac: float
    bound_ms: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Runner:
    """Something loaded, what a row says of it, its 1e9 multiply-adds, and its times so far in seconds."""

    name: str
    version: str
    device: str
    precision: Precision
    kind: str
    infer: Callable[[Arrays], object]
    gmac: float = 0.0
    seconds: list[float] = field(default_factory=list)

    def run(self, feed: Arrays) -> None:
        """Take a turn: passes for a while, of which the later half counts.

        In the first passes a quick engine's threads still share a core with those of the engine before it.
        """
        passes: list[float] = []
        end = time.perf_counter() + TURN_S
        while not passes or time.perf_counter() < end:
            begin = time.perf_counter()
            self.infer(feed)
            passes.append(time.perf_counter() - begin)
        self.seconds.append(median(passes[len(passes) // 2 :]))

    @property
    def median_ms(self) -> float:
        return 1e3 * median(self.seconds)


def report(
    subjects: Iterable[Subject],
    seconds: float = 15.0,
    progress: ProgressFn = lambda _: None,
    cancelled: CancelledFn = lambda: False,
    rates: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """Measure every model with every backend and precision that this machine offers.

    Engines of one model take turns, so that a busy moment of the machine falls on all of them.

    Args:
        seconds: Time for the rounds of one model; each engine runs at least once after a warm-up, and three times
            where that stays under ten minutes.
        rates: Precision -> 1e9 multiply-adds a second that the CPU reaches at most (`engines.peak.rates`).

    Returns:
        `{"machine": {...}, "rows": [...]}`.

    Raises:
        EngineError: A model is damaged.
        JobCancelled: `cancelled` answered True.
    """
    chosen = tuple(subjects)
    rows: list[Row] = []
    for index, subject in enumerate(chosen):
        progress(Progress(subject.name, index, len(chosen)))
        rows.extend(measure(subject, seconds, cancelled, rates))
    progress(Progress("done", len(chosen), len(chosen)))
    facts = {**asdict(machine.facts()), "versions": _versions(rows), "peak_gmac_per_s": dict(rates or {})}
    return {"machine": facts, "rows": [asdict(row) for row in rows]}


def of_bundle(bundle: Bundle) -> Subject:
    return Subject(bundle.task.name, bundle.model, bundle.sha256, bundle.vector)


def of_yardstick(yardstick: Yardstick) -> Subject:
    """Makes the graph on first use, which takes a while.

    Raises:
        BackendMissing: PyTorch, which draws the network, is not installed.
    """
    from inference import cache

    model = yardstick.model
    return Subject(yardstick.name, model, cache.sha256(model), yardstick.calibration, _eager(yardstick), emulated=False)


def _eager(yardstick: Yardstick) -> Rival | None:
    if not yardstick.eager:
        return None
    from engines.architectures import yardsticks as drawn

    return Rival(EAGER[0], drawn.version(), drawn.eager(yardstick.name))


def measure(
    subject: Subject,
    seconds: float,
    cancelled: CancelledFn = lambda: False,
    rates: Mapping[str, float] | None = None,
) -> list[Row]:
    """The rows of one model."""
    feed = vector.samples(subject.calibration, graph.read(subject.model))[0].feed
    with ExitStack() as stack:
        runners = [_runner(subject, choice, precision, stack) for choice, precision in _offers(subject)]
        if subject.rival is not None:
            runners.insert(0, _rival(subject, subject.rival))
        for runner in runners:
            _stop_if(cancelled)
            runner.infer(feed)
        _take_turns(runners, feed, seconds, cancelled)
    against = next((r for r in runners if (r.name, r.precision) == _baseline(subject)), None)
    return [_row(subject, runner, against, rates or {}) for runner in runners]


def _offers(subject: Subject) -> list[tuple[registry.Choice, Precision]]:
    native = PrecisionKind.NATIVE
    return [offer for offer in registry.offers() if subject.emulated or offer[0].support.kind is native]


def _baseline(subject: Subject) -> tuple[str, Precision]:
    return EAGER if subject.rival is not None else BASELINE


def _runner(subject: Subject, choice: registry.Choice, precision: Precision, stack: ExitStack) -> Runner:
    model = model_for(subject.model, subject.sha256, precision, subject.calibration, choice.backend.name)
    engine = choice.backend.load(model, precision, choice.device)
    stack.callback(engine.close)
    kind = choice.support.kind.value
    gmac = _gmac(subject, model)
    return Runner(choice.backend.name, choice.backend.version, choice.device, precision, kind, engine.infer, gmac)


def _rival(subject: Subject, rival: Rival) -> Runner:
    return Runner(
        rival.name, rival.version, "CPU", Precision.FP32, "native", rival.infer, _gmac(subject, subject.model)
    )


def _gmac(subject: Subject, model: Path) -> float:
    return float(describe(subject.name, "", model)["gmac"])


def _take_turns(runners: list[Runner], feed: Arrays, seconds: float, cancelled: CancelledFn) -> None:
    begin = time.perf_counter()
    for turn in range(ROUNDS):
        spent = time.perf_counter() - begin
        if turn and spent > seconds and (turn >= 3 or seconds <= 0 or spent > MOST_SECONDS):
            return
        for runner in runners:
            _stop_if(cancelled)
            runner.run(feed)


def _stop_if(cancelled: CancelledFn) -> None:
    if cancelled():
        raise JobCancelled


def _row(subject: Subject, runner: Runner, against: Runner | None, rates: Mapping[str, float]) -> Row:
    baseline = _baseline(subject)
    rate = rates.get(runner.precision.value) if runner.device == "CPU" and runner.kind == "native" else None
    return Row(
        model=subject.name,
        backend=runner.name,
        version=runner.version,
        device=runner.device,
        precision=runner.precision.value,
        precision_kind=runner.kind,
        median_ms=round(runner.median_ms, 3),
        best_ms=round(1e3 * min(runner.seconds), 3),
        runs=len(runner.seconds),
        baseline=f"{baseline[0]} {baseline[1].value}",
        ratio=None if against is None else round(against.median_ms / runner.median_ms, 3),
        gmac=runner.gmac,
        bound_ms=None if rate is None else round(1e3 * runner.gmac / rate, 3),
    )


def _versions(rows: Iterable[Row]) -> dict[str, str]:
    return {row.backend: row.version for row in rows}
