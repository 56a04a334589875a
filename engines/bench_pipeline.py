"""The rows behind `insula bench pipeline`: a stream of slices through several models, in several schemes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from enum import Enum
from statistics import median

from engines.pipeline import Member, Pipeline, Run, whole_on
from engines.profile import Around, profile
from engines.stations import Station
from inference.errors import EngineError
from inference.result import CancelledFn, Progress, ProgressFn
from inference.schedule.objective import Objective
from inference.schedule.plan import Plan
from inference.schedule.profile import Profile
from inference.schedule.search import schedule
from inference.stream.forecast import in_turn_ms, swapped
from inference.stream.slices import Slice
from inference.stream.stream import DEPTH

ROUNDS = 5
ONE_CORE, ALL_CORES = "one lane, its own core", "one lane, all cores"


class Scheme(Enum):
    """How models share the lanes.

    ONE_LANE: one after the other on one lane. NAIVE: each whole on a lane of its own, in their order. SWAPPED: each
    cut once, halves swapping lanes. PLANNED: what the schedule search chooses with at most one cut. IN_TURN: slices go
    to the lanes in turn, all models of a slice on one lane; no cut, but every lane holds every model.
    """

    ONE_LANE = "one-lane"
    NAIVE = "naive"
    SWAPPED = "swapped"
    PLANNED = "planned"
    IN_TURN = "in-turn"


@dataclass(frozen=True, slots=True)
class Contestant:
    """One way to run the stream.

    Attributes:
        plans: Slices follow them in turn.
        baseline: ONE_CORE or ALL_CORES where the others are held against it, else "".
        forecast_ms: Period that the profile promises; None where there is none.
    """

    scheme: Scheme
    stations: tuple[Station, ...]
    plans: tuple[Plan, ...]
    baseline: str = ""
    forecast_ms: float | None = None

    @property
    def name(self) -> str:
        return f"{self.scheme.value} {self.stations[0].name}" if self.baseline else self.scheme.value


@dataclass(frozen=True, slots=True)
class Course:
    """What every contestant runs.

    Attributes:
        slices: Makes the slices of a round, from the first one on.
        pace_s: 0: at full speed.
    """

    members: tuple[Member, ...]
    slices: Callable[[], Sequence[Slice]]
    rounds: int = ROUNDS
    pace_s: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """A contestant's rounds."""

    contestant: Contestant
    runs: tuple[Run, ...]

    @property
    def period_ms(self) -> float:
        """Median over the rounds."""
        return median(run.figures.period_ms for run in self.runs)

    @property
    def middle(self) -> Run:
        """The round of median period."""
        return sorted(self.runs, key=lambda run: run.figures.period_ms)[len(self.runs) // 2]


def profiles(
    members: Sequence[Member],
    stations: Sequence[Station],
    item: Slice,
    progress: ProgressFn = lambda _: None,
    cancelled: CancelledFn = lambda: False,
) -> tuple[Profile, ...]:
    """Measure every model on every station while the others are loaded, with its work around the network."""
    return tuple(
        profile(m.layered, stations, Around(m.work, item), progress=progress, cancelled=cancelled) for m in members
    )


def contestants(
    members: Sequence[Member],
    stations: Sequence[Station],
    schemes: Sequence[Scheme],
    measured: tuple[Profile, ...] | None,
) -> tuple[Contestant, ...]:
    """The ways to run the stream on these stations.

    Args:
        measured: Needed for SWAPPED and PLANNED.

    Raises:
        EngineError: A scheme needs more lanes or a profile.
    """
    found: list[Contestant] = []
    for scheme in schemes:
        if scheme is Scheme.ONE_LANE:
            found += _one_lane(members, stations)
        else:
            found.append(Contestant(scheme, tuple(stations), _plans(scheme, members, stations, measured)))
    return tuple(_foreseen(one, measured) for one in found)


def compete(
    course: Course,
    entered: Sequence[Contestant],
    progress: ProgressFn = lambda _: None,
    cancelled: CancelledFn = lambda: False,
) -> tuple[Outcome, ...]:
    """Run all contestants in turns, so that a busy moment of the machine falls on all of them.

    Raises:
        EngineError: An engine cannot be loaded or fails.
        JobCancelled: `cancelled` answered True.
    """
    total = (course.rounds + 1) * len(entered)
    runs: list[list[Run]] = [[] for _ in entered]
    with ExitStack() as stack:
        pipelines = [stack.enter_context(Pipeline(course.members, one.plans, one.stations, DEPTH)) for one in entered]
        for turn in range(course.rounds + 1):
            for place, pipeline in enumerate(pipelines):
                progress(Progress("stream", turn * len(entered) + place, total))
                run = pipeline.run(course.slices(), course.pace_s, cancelled)
                if turn:  # the first round warms up
                    runs[place].append(run)
    progress(Progress("done", total, total))
    return tuple(Outcome(one, tuple(own)) for one, own in zip(entered, runs, strict=True))


def _one_lane(members: Sequence[Member], stations: Sequence[Station]) -> list[Contestant]:
    found = [_alone(members, station, ONE_CORE) for station in stations]
    every = frozenset().union(*(station.lane.cores for station in stations))
    if len(every) > max(len(station.lane.cores) for station in stations):
        wide = [replace(s, lane=replace(s.lane, name=f"{s.name}-all", cores=every)) for s in stations]
        found += [_alone(members, station, ALL_CORES) for station in wide if station.lane.device == "CPU"]
    return found


def _alone(members: Sequence[Member], station: Station, baseline: str) -> Contestant:
    return Contestant(Scheme.ONE_LANE, (station,), (_all_on(members, station.name),), baseline)


def _all_on(members: Sequence[Member], lane: str) -> Plan:
    return Plan(tuple(whole_on(member.layered, lane) for member in members))


def _plans(
    scheme: Scheme, members: Sequence[Member], stations: Sequence[Station], measured: tuple[Profile, ...] | None
) -> tuple[Plan, ...]:
    if len(stations) < 2:
        raise EngineError(f"The scheme {scheme.value} needs two lanes.", "Name two with --lanes.")
    names = tuple(station.name for station in stations)
    if scheme is Scheme.IN_TURN:
        return tuple(_all_on(members, name) for name in names)
    if scheme is Scheme.NAIVE:
        placed = zip(members, (*names, *names[-1:] * len(members)), strict=False)
        return (Plan(tuple(whole_on(member.layered, name) for member, name in placed)),)
    if measured is None:
        raise EngineError(f"The scheme {scheme.value} needs profiles.", "Measure them with `insula engines profile`.")
    if scheme is Scheme.PLANNED:
        return (schedule(measured, Objective.PERIOD, 1).plan,)
    plan = swapped(measured, names)
    if plan is None:
        raise EngineError("A model cannot be cut, so no halves can swap lanes.", "Choose the scheme naive.")
    return (plan,)


def _foreseen(one: Contestant, measured: tuple[Profile, ...] | None) -> Contestant:
    lanes = {station.name for station in one.stations}
    if measured is None or not all(lanes <= set(profile.devices) for profile in measured):
        return one
    return replace(one, forecast_ms=in_turn_ms(measured, one.plans))
