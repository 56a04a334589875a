"""`insula bench pipeline` from a volume to its report: lanes, profiles, schemes, the proof."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from engines import layered, machine, stations
from engines.bench_pipeline import (
    ALL_CORES,
    ONE_CORE,
    ROUNDS,
    Course,
    Outcome,
    Scheme,
    compete,
    contestants,
    profiles,
)
from engines.library import find
from engines.pipeline import Member
from engines.pipeline_rows import rows
from engines.stations import Station
from inference.errors import InputRefused
from inference.result import CancelledFn, ProgressFn
from inference.schedule.profile import Profile
from inference.stream.slices import Slice, SliceTask, grid_of, slices_of
from inference.volume import Volume

BAND = 0.10
ATTEMPTS = 3
MOST_CUTS = 14


@dataclass(frozen=True, slots=True)
class Wish:
    """What to measure.

    Attributes:
        lanes: As `stations.parse` reads them; None: two CPU lanes of one core each with different backends.
        schemes: Names of `Scheme`; empty: all.
        pace_s: A second table at this pace; 0: none.
        prove: Only the planned schedule beside the baselines, and the verdict.
    """

    tasks: tuple[str, ...]
    schemes: tuple[str, ...] = ()
    lanes: str | None = None
    pace_s: float = 0.0
    slices: int = 60
    rounds: int = ROUNDS
    prove: bool = False


def report(
    volume: Volume, wish: Wish, progress: ProgressFn = lambda _: None, cancelled: CancelledFn = lambda: False
) -> dict[str, Any]:
    """Run a volume's slices through the tasks in every scheme asked for.

    Returns:
        `{"machine", "lanes", "models", "rows", "paced"?, "proof"?}`.

    Raises:
        InputRefused: A word is unknown, or a task needs whole volumes.
        EngineError: A task is not here, or an engine fails.
        JobCancelled: `cancelled` answered True.
    """
    placed = stations.parse(wish.lanes) if wish.lanes else stations.usual()
    members = tuple(_member(name, volume) for name in wish.tasks)
    grid = members[0].work.grid
    course = Course(members, lambda: tuple(slices_of(volume, grid, wish.slices)), wish.rounds)
    k = grid.slices[len(grid.slices) // 2]
    measure = partial(profiles, members, placed, Slice(k, volume.voxels[k]), progress, cancelled)
    found = {
        "machine": asdict(machine.facts()),
        "lanes": [station.sentence for station in placed],
        "models": [{"model": m.name, "layers": m.layered.layers} for m in members],
    }
    if wish.prove:
        return found | _proof(course, placed, measure, progress, cancelled)
    chosen = _schemes(wish.schemes)
    measured = measure() if {Scheme.SWAPPED, Scheme.PLANNED} & set(chosen) else None
    entered = contestants(members, placed, chosen, measured)
    found["rows"] = rows(compete(course, entered, progress, cancelled))
    if wish.pace_s:
        paced = Course(members, course.slices, 1, wish.pace_s)
        found["paced"] = rows(compete(paced, entered, progress, cancelled), wish.pace_s)
    return found


def verdict(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Whether the planned schedule does what its profile promises and beats one model after the other."""
    by_name = {row["scheme"]: row for row in rows(outcomes)}
    planned = by_name[Scheme.PLANNED.value]
    gain = {kind: planned["ratios"][kind]["ratio"] for kind in (ONE_CORE, ALL_CORES) if kind in planned["ratios"]}
    within = abs(planned["forecast_ratio"] - 1.0) <= BAND
    return {
        "forecast_ms": planned["forecast_ms"],
        "measured_ms": planned["period_ms"],
        "forecast_over_measured": planned["forecast_ratio"],
        "band": BAND,
        "within_band": within,
        "faster_than": gain,
        "proved": within and gain[ONE_CORE] > 1.0,
    }


def _proof(
    course: Course, placed: tuple[Station, ...], measure: Any, progress: ProgressFn, cancelled: CancelledFn
) -> dict[str, Any]:
    """Measure, plan, run; where the forecast misses, the machine has changed: measure again."""
    tried: list[float] = []
    for _ in range(ATTEMPTS):
        measured: tuple[Profile, ...] = measure()
        entered = contestants(course.members, placed, (Scheme.ONE_LANE, Scheme.PLANNED), measured)
        outcomes = compete(course, entered, progress, cancelled)
        found = verdict(outcomes)
        tried.append(found["forecast_over_measured"])
        if found["proved"]:
            break
    return {"rows": rows(outcomes), "proof": {**found, "attempts": tried}}


def _member(name: str, volume: Volume) -> Member:
    bundle = find(name)
    return Member(layered.of_bundle(bundle, True, MOST_CUTS), SliceTask(bundle.task, grid_of(bundle.task, volume)))


def _schemes(names: Sequence[str]) -> tuple[Scheme, ...]:
    try:
        return tuple(dict.fromkeys(Scheme(name) for name in names)) or tuple(Scheme)
    except ValueError as error:
        known = ", ".join(scheme.value for scheme in Scheme)
        raise InputRefused(f"{error.args[0].split()[0]} is no scheme.", f"Choose from {known}.") from error
