"""Every step answers every case; each answer is held against the first one, the one before, and the truth."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.parity.cases import Case, Origin
from engines.parity.gates import Budget, Gate, gates
from engines.parity.judge import Judge, Scores
from engines.parity.numbers import Answer, Numbers, differ
from engines.parity.statistics import friedman, wilcoxon
from engines.parity.step import Place, Step
from inference.backends.tensorrt.placement import PlacementRefused
from inference.errors import EngineError, JobCancelled, PrecisionAbsent
from inference.result import CancelledFn, Precision, Progress, ProgressFn

BINS = 48
"""Of the histogram of differences: powers of ten from 1e-9 to 1 of the range."""
ALIKE_DIGITS = 6
"""Scores are tested so rounded: the order of a sum shifts the tenth digit of all of them the same way."""
EDGES = np.linspace(-9.0, 0.0, BINS + 1)


@dataclass(frozen=True, slots=True)
class Reading:
    """One step's answer to one case.

    Attributes:
        first: The difference from the first step that answered this case.
        previous: The difference from the step before; None at the first.
        alike: The task's scores against the first step's answer.
        truth: The task's scores against the truth; empty where nobody knows it.
    """

    case: str
    subject: str
    origin: Origin
    first: Numbers
    previous: Numbers | None
    alike: Scores
    truth: Scores


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of the ladder.

    Attributes:
        readings: One for each case that it answered.
        gates: What it had to hold; empty for the first step.
        histogram: Share of differences from the first step in each bin of `EDGES`, over the pictures.
        seconds: For all its cases, making the engine ready included.
        failure: Why it could not answer; "" where it did.
        refused: The failure is no fault: the model has no place there.
    """

    name: str
    place: Place
    precision: Precision
    exact: bool
    readings: tuple[Reading, ...]
    gates: tuple[Gate, ...]
    histogram: tuple[float, ...]
    seconds: float
    failure: str = ""
    refused: bool = False

    @property
    def passed(self) -> bool:
        return self.refused or (not self.failure and all(gate.passed for gate in self.gates))

    def scores(self, of: str, name: str) -> NDArray[np.float64]:
        """One score by subject, the mean of its pictures; `of` is "truth" or "alike"."""
        found: dict[str, list[float]] = {}
        for reading in self.readings:
            scores: Scores = getattr(reading, of)
            if reading.origin.is_picture and name in scores:
                found.setdefault(reading.subject, []).append(scores[name])
        return np.array([np.mean(values) for values in found.values()], dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Ladder:
    """All steps of one network.

    Attributes:
        measured: "truth" where cases have one, else "alike".
        score: The name of the score in which steps are compared over subjects.
        friedman: p over all steps that answered every picture.
        wilcoxon: Step -> p of it against the first of those.
    """

    rungs: tuple[Rung, ...]
    cases: tuple[Case, ...]
    measured: str
    score: str
    friedman: float | None
    wilcoxon: Mapping[str, float | None]

    @property
    def passed(self) -> bool:
        return all(rung.passed for rung in self.rungs)

    def drop(self, rung: Rung) -> float | None:
        """Points (hundredths) of the main score lost against the first whole step; None where nothing is known."""
        first, mine = self._whole()[0].scores(self.measured, self.score), rung.scores(self.measured, self.score)
        return float(100 * (first.mean() - mine.mean())) if len(mine) and len(mine) == len(first) else None

    def _whole(self) -> list[Rung]:
        return whole(self.rungs, self.measured, self.score)


def whole(rungs: Sequence[Rung], measured: str, score: str) -> list[Rung]:
    """Steps that answered every picture."""
    most = max((len(rung.scores(measured, score)) for rung in rungs), default=0)
    return [rung for rung in rungs if len(rung.scores(measured, score)) == most]


def climb(
    steps: Sequence[Step],
    cases: Sequence[Case],
    judge: Judge[Any],
    budget: Budget,
    progress: ProgressFn = lambda _: None,
    cancelled: CancelledFn = lambda: False,
) -> Ladder:
    """Run every step on every case, one engine at a time.

    Raises:
        JobCancelled: `cancelled` said so.
    """
    memory = _Memory({}, {}, {})
    rungs: list[Rung] = []
    for done, step in enumerate(steps):
        progress(Progress(step.name, done, len(steps)))
        rungs.append(_rung(step, cases, judge, budget, memory, cancelled))
    measured = "truth" if any(case.truth is not None for case in cases) else "alike"
    score = judge.main if measured == "truth" else judge.alike
    full = whole(rungs, measured, score)
    table = np.round(np.array([rung.scores(measured, score) for rung in full]).T, ALIKE_DIGITS)
    pairs = {rung.name: wilcoxon(table[:, 0], table[:, at]) for at, rung in enumerate(full) if at}
    return Ladder(tuple(rungs), tuple(cases), measured, score, friedman(table) if table.size else None, pairs)


@dataclass(slots=True)
class _Memory:
    """By case: the first answer, the last one, and the first one's scores against the truth."""

    first: dict[str, Answer] = field(default_factory=dict)
    last: dict[str, Answer] = field(default_factory=dict)
    truth: dict[str, Scores] = field(default_factory=dict)


def _rung(
    step: Step, cases: Sequence[Case], judge: Judge[Any], budget: Budget, memory: _Memory, cancelled: CancelledFn
) -> Rung:
    begin, readings, counts, failure, refused = time.perf_counter(), [], np.zeros(BINS), "", False
    is_first = not memory.first
    try:
        with closing(step):
            for case in cases:
                if cancelled():
                    raise JobCancelled
                answer = step.run(case.feed)
                if answer is not None:
                    readings.append(_reading(case, answer, judge, memory))
                    counts += _counts(answer, memory.first[case.name]) if case.origin.is_picture else 0
    except EngineError as error:
        failure, refused = str(error), isinstance(error, PlacementRefused | PrecisionAbsent)
    shares = tuple(float(share) for share in counts / max(counts.sum(), 1.0))
    found = () if is_first else gates(step.precision, step.exact, readings, judge, budget, memory.truth)
    spent = time.perf_counter() - begin
    return Rung(
        step.name, step.place, step.precision, step.exact, tuple(readings), found, shares, spent, failure, refused
    )


def _reading(case: Case, answer: Answer, judge: Judge[Any], memory: _Memory) -> Reading:
    first = memory.first.setdefault(case.name, answer)
    previous = memory.last.get(case.name)
    said, said_first = judge.read(answer), judge.read(first)
    truth = judge.score(said, case.truth) if case.truth is not None else {}
    memory.truth.setdefault(case.name, truth)
    memory.last[case.name] = answer
    return Reading(
        case.name,
        case.subject,
        case.origin,
        differ(answer, first),
        None if previous is None else differ(answer, previous),
        judge.compare(said, said_first),
        truth,
    )


def _counts(answer: Answer, first: Answer) -> NDArray[np.float64]:
    total = np.zeros(BINS)
    for name, reference in first.items():
        if name in answer:
            extent = float(np.ptp(reference)) or 1.0
            gap = np.abs(answer[name].astype(np.float64) - reference) / extent
            total += np.histogram(np.log10(np.clip(gap, 1e-9, 1.0)), EDGES)[0]
    return total
