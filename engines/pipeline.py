"""A plan made ready: engines on their lanes, and the routes that slices take through them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import reduce
from types import TracebackType

from engines.layered import Layered
from engines.stations import Station, lanes, load
from inference.backends.base import Engine
from inference.errors import BadOutput
from inference.lanes import Span
from inference.result import CancelledFn
from inference.roads.stage import require_varied
from inference.schedule.plan import ModelPlan, Plan, Segment
from inference.stream.figures import Figures, figures
from inference.stream.route import Answered, Route, Step
from inference.stream.slices import Parcel, Slice, SliceAnswer, SliceTask, through
from inference.stream.stream import DEPTH, Stream

Work = Callable[..., Parcel | SliceAnswer]


@dataclass(frozen=True, slots=True)
class Member:
    """One task of a pipeline: its layers, and its work around the network."""

    layered: Layered
    work: SliceTask

    @property
    def name(self) -> str:
        return self.layered.name


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """What a pipeline did with some slices."""

    answered: tuple[Answered, ...]
    spans: tuple[Span, ...]
    figures: Figures


class Pipeline:
    """Engines of a plan, loaded on their stations' lanes; a context manager.

    Args:
        members: One for each model of a plan, in its order; their layers have ends.
        plans: Slices follow them in turn.
        stations: By the names that the plans' segments use.

    Raises:
        EngineError: A part cannot be loaded.
    """

    def __init__(
        self, members: Sequence[Member], plans: Sequence[Plan], stations: Iterable[Station], depth: int = DEPTH
    ) -> None:
        self.stations = tuple(stations)
        self._depth = depth
        self._stack = ExitStack()
        try:
            self._lanes = self._stack.enter_context(lanes(self.stations))
            self._ways = tuple(self._way(members, plan) for plan in plans)
        except BaseException:
            self._stack.close()
            raise

    def __enter__(self) -> Pipeline:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the engines' memory back and end the lanes."""
        self._stack.close()

    def stream(self) -> Stream:
        """A stream over the open lanes, for one run."""
        return Stream(self._ways, self._lanes, self._depth)

    def run(self, slices: Iterable[Slice], pace_s: float = 0.0, cancelled: CancelledFn = lambda: False) -> Run:
        """Answer all slices and count.

        Raises:
            StreamStopped, JobCancelled, InputRefused: As `Stream.run` and `figures`.
            BadOutput: A model answered one constant on every slice.
        """
        stream = self.stream()
        answered = tuple(stream.run(slices, pace_s, cancelled))
        for route in self._ways[0]:
            _require_varied(route.model, [one.answers[route.model] for one in answered])
        spans = tuple(stream.spans)
        return Run(answered, spans, figures(answered, spans, [station.name for station in self.stations]))

    def _way(self, members: Sequence[Member], plan: Plan) -> tuple[Route, ...]:
        rank = {key: place for place, key in enumerate(plan.order)}
        return tuple(
            self._route(member, model, {s: rank.get((m, s), 0) for s in range(len(model.segments))})
            for m, (member, model) in enumerate(zip(members, plan.models, strict=True))
        )

    def _route(self, member: Member, model: ModelPlan, ranks: dict[int, int]) -> Route:
        at = {station.name: station for station in self.stations}
        engines = [
            None if part is None else load(at[segment.device], self._lanes[segment.device], part)
            for segment, part in zip(model.segments, member.layered.parts(model), strict=True)
        ]
        for engine in engines:
            if engine is not None:
                self._stack.callback(engine.close)
        steps = tuple(self._step(member, model, number, engines, rank) for number, rank in ranks.items())
        return Route(member.name, steps)

    def _step(self, member: Member, model: ModelPlan, number: int, engines: Sequence[Engine | None], rank: int) -> Step:
        segment, engine = model.segments[number], engines[number]
        works: list[Work] = []
        if segment.first == 0:
            works.append(member.work.prepare)
        if engine is not None:
            works.append(through(engine, _needed(member, engines[number + 1 :])))
        if segment.last == member.layered.layers - 1:
            works.append(member.work.finish)
        step = Step(segment.device, f"{member.name} {segment.first}-{segment.last}", _chained(works), rank=rank)
        return step if engine is None else replace(step, cancel=engine.cancel)


def whole_on(layered: Layered, lane: str) -> ModelPlan:
    """A model uncut on one lane."""
    return ModelPlan(layered.name, (Segment(lane, 0, layered.layers - 1),))


def _needed(member: Member, later: Iterable[Engine | None]) -> frozenset[str]:
    inputs = {spec.name for engine in later if engine is not None for spec in engine.inputs}
    return frozenset(inputs | set(member.work.task.model.outputs))


def _chained(works: Sequence[Work]) -> Callable[[object], Parcel | SliceAnswer]:
    def run(value: object) -> Parcel | SliceAnswer:
        return reduce(lambda given, work: work(given), works, value)  # type: ignore[return-value]

    return run


def _require_varied(model: str, answers: Sequence[SliceAnswer]) -> None:
    try:
        require_varied(max((answer.spread for answer in answers), default=1.0), "place of every slice")
    except BadOutput as error:
        raise BadOutput(f"{model} answered one constant for every slice.", error.hint) from error
