"""The whole proof of one bundle: its cases, its ladder, and where inside the network a step went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from engines import machine, vector
from engines.library import Bundle, require_intact
from engines.parity.cases import Case, of_vector, under_stress
from engines.parity.gates import Budget
from engines.parity.inside import Inside, Layer, evenly
from engines.parity.judge import judge_for
from engines.parity.ladder import Ladder, Rung, climb
from engines.parity.numbers import Numbers
from engines.parity.phantoms import FIRST_SEED, phantoms
from engines.parity.step import Step, steps
from engines.verify import GATES, RMS_GATES
from inference.backends import graph
from inference.errors import EngineError, JobCancelled
from inference.result import CancelledFn, Precision, Progress, ProgressFn

PLACES = 14
"""Tensors along the network whose error a report shows."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How to prove.

    Attributes:
        heads: Digital heads whose pictures are cases, where the phantom shows what the task asks for.
        graphs: Other graphs of the network that shall be steps too.
        every: Every device of each backend.
        inside: Also follow the error of each lower precision through the network.
    """

    heads: int = 3
    budget: Budget = field(default_factory=Budget)
    graphs: tuple[Path, ...] = ()
    every: bool = False
    inside: bool = False


@dataclass(frozen=True, slots=True)
class Fault:
    """Where a step that failed leaves the first one: None where no single layer is beyond the gate."""

    step: str
    case: str
    layer: Layer | None


@dataclass(frozen=True, slots=True)
class Course:
    """The error of a step along the network."""

    step: str
    precision: Precision
    layers: tuple[Layer, ...]


@dataclass(frozen=True, slots=True)
class Proof:
    """All that was found about one bundle."""

    task: str
    version: str
    sha256: str
    insula: str
    machine: machine.Machine
    ladder: Ladder
    faults: tuple[Fault, ...]
    courses: tuple[Course, ...]

    @property
    def passed(self) -> bool:
        return self.ladder.passed


def prove(
    bundle: Bundle,
    wish: Wish,
    more: Sequence[Case] = (),
    original: Step | None = None,
    progress: ProgressFn = lambda _: None,
    cancelled: CancelledFn = lambda: False,
) -> Proof:
    """Climb a bundle's ladder.

    Args:
        more: Further cases, made from the user's own data.
        original: What the model was before it became a graph: a step in front of all others.

    Raises:
        EngineError: The bundle is damaged.
        JobCancelled: `cancelled` said so.
    """
    require_intact(bundle)
    border = graph.read(bundle.model)
    samples = vector.samples(bundle.vector, border)
    seeds = range(FIRST_SEED, FIRST_SEED + wish.heads)
    cases = [
        *of_vector(samples),
        *under_stress(border.inputs),
        *phantoms(bundle.task, seeds, progress, cancelled),
        *more,
    ]
    first = () if original is None else (original,)
    every = [*first, *steps(bundle, samples, wish.graphs, wish.every)]
    ladder = climb(every, cases, judge_for(bundle.task), wish.budget, progress, cancelled)
    look = _Look(every, ladder, cases, progress, cancelled)
    return Proof(
        bundle.task.name,
        bundle.task.version,
        bundle.sha256,
        version("insula"),
        machine.facts(),
        ladder,
        look.faults(),
        look.courses() if wish.inside else (),
    )


class _Look:
    """Goes inside the steps of a climbed ladder."""

    def __init__(
        self, every: Sequence[Step], ladder: Ladder, cases: Sequence[Case], progress: ProgressFn, cancelled: CancelledFn
    ) -> None:
        self._steps = {step.name: step for step in every}
        self._ladder, self._progress, self._cancelled = ladder, progress, cancelled
        self._cases = {case.name: case for case in cases}
        self._first = next(step for step in every if step.graph() is not None)

    def faults(self) -> tuple[Fault, ...]:
        """For each step that answered and failed."""
        wrong = [rung for rung in self._ladder.rungs if not rung.passed and rung.readings and self._has_inside(rung)]
        return tuple(fault for rung in wrong for fault in self._fault(rung))

    def courses(self) -> tuple[Course, ...]:
        """For one step of each lower precision, on the first picture."""
        chosen: dict[Precision, Rung] = {}
        for rung in self._ladder.rungs:
            if not rung.exact and rung.readings and self._has_inside(rung):
                chosen.setdefault(rung.precision, rung)
        return tuple(course for rung in chosen.values() for course in self._course(rung))

    def _has_inside(self, rung: Rung) -> bool:
        return rung.name != self._first.name and self._steps[rung.name].graph() is not None

    def _fault(self, rung: Rung) -> list[Fault]:
        self._tell(f"looking inside {rung.name}")
        pictures = [r for r in rung.readings if r.origin.is_picture or rung.exact]
        case = max(pictures, key=lambda reading: reading.first.rms_rel).case
        with suppress(EngineError):  # a backend may refuse the marked graph; then the ladder's own figures must do
            inside = Inside(self._first, self._steps[rung.name])
            found = inside.search(self._cases[case].feed, lambda numbers: beyond(numbers, rung.precision))
            return [Fault(rung.name, case, found.first)]
        return []

    def _course(self, rung: Rung) -> list[Course]:
        self._tell(f"following {rung.name}")
        feed = next(self._cases[r.case].feed for r in rung.readings if r.origin.is_picture)
        with suppress(EngineError):
            inside = Inside(self._first, self._steps[rung.name])
            layers = inside.look(feed, [*evenly(inside.tensors[:-1], PLACES - 1), inside.tensors[-1]])
            return [Course(rung.name, rung.precision, tuple(layers))]
        return []

    def _tell(self, stage: str) -> None:
        if self._cancelled():
            raise JobCancelled
        self._progress(Progress(stage, 0, 1))


def beyond(numbers: Numbers, precision: Precision) -> bool:
    """Whether a tensor is further off than a precision's gates allow."""
    return numbers.max_rel > GATES[precision] or numbers.rms_rel > RMS_GATES[precision] or numbers.constant
