"""Find where to cut each model so that the parts keep every device busy, and say how good that is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from inference.result import CancelledFn
from inference.schedule.baselines import Baselines, baselines
from inference.schedule.bounds import lower_bound_ms
from inference.schedule.contention import NONE, Contention
from inference.schedule.exact import enumerate_plans
from inference.schedule.fixpoint import settle
from inference.schedule.objective import Objective
from inference.schedule.plan import LOADABLES, Plan
from inference.schedule.profile import Profile, ProfileInvalid
from inference.schedule.simulate import Timeline, lanes_of, simulate

DRAWN_FRAMES = 24


class Method(Enum):
    """How the plan was found."""

    ENUMERATION = "exact enumeration"
    CP_SAT = "CP-SAT"


@dataclass(frozen=True, slots=True)
class Schedule:
    """The plan, and what stands beside it.

    Attributes:
        value_ms: The objective, simulated, contention included.
        lower_bound_ms: No plan with any number of cuts is faster.
        proven_ms: No plan with so many cuts is faster: the optimum without contention, or the solver's bound.
        optimal: `value_ms` is proven to be the best for so many cuts.
        timeline: One round for the makespan, a stream for the period.
        searched: Plans that were simulated (enumeration) or rounds of the solver.
        plans: Plans there are; None where they were not counted.
    """

    objective: Objective
    plan: Plan
    timeline: Timeline
    value_ms: float
    lower_bound_ms: float
    proven_ms: float
    optimal: bool
    method: Method
    searched: int
    plans: int | None
    baselines: Baselines


def schedule(
    profiles: tuple[Profile, ...],
    objective: Objective = Objective.PERIOD,
    max_cuts: int = 1,
    contention: Contention = NONE,
    loadables: int = LOADABLES,
    seconds: float = 20.0,
    cancelled: CancelledFn = lambda: False,
    method: Method | None = None,
) -> Schedule:
    """Plan some models on the devices that their profiles name.

    Args:
        max_cuts: Of each model.
        loadables: Compiled subgraphs that one DLA core holds, over all models.
        seconds: For CP-SAT; enumeration always ends.
        method: None: enumeration for two models and one cut, CP-SAT beyond.

    Raises:
        ProfileInvalid: There is no profile, or no legal plan.
        BackendMissing: CP-SAT is needed and OR-Tools is not installed.
        EngineError: Time ran out before any plan was found.
        JobCancelled: `cancelled` answered True.
    """
    if not profiles or max_cuts < 0:
        raise ProfileInvalid("There is nothing to plan.", "Give at least one profile and no fewer than 0 cuts.")
    small = len(profiles) <= 2 and max_cuts <= 1
    chosen = method or (Method.ENUMERATION if small else Method.CP_SAT)
    find = _enumerated if chosen is Method.ENUMERATION else _solved
    best = find(profiles, objective, max_cuts, contention, loadables, seconds, cancelled)
    frames = DRAWN_FRAMES if objective is Objective.PERIOD else 1
    return Schedule(
        objective=objective,
        plan=best.plan,
        timeline=simulate(profiles, best.plan, contention, frames),
        value_ms=best.value_ms,
        lower_bound_ms=min(best.value_ms, lower_bound_ms(profiles, objective is Objective.MAKESPAN)),
        proven_ms=min(best.value_ms, best.proven_ms),
        optimal=best.optimal,
        method=chosen,
        searched=best.searched,
        plans=best.plans,
        baselines=baselines(profiles, objective, contention, loadables),
    )


@dataclass(frozen=True, slots=True)
class _Best:
    plan: Plan
    value_ms: float
    proven_ms: float
    optimal: bool
    searched: int
    plans: int | None


def _enumerated(
    profiles: tuple[Profile, ...],
    objective: Objective,
    max_cuts: int,
    contention: Contention,
    loadables: int,
    _seconds: float,
    cancelled: CancelledFn,
) -> _Best:
    def best_under(table: Contention) -> _Best:
        found = enumerate_plans(profiles, lanes_of(profiles), objective, max_cuts, table, loadables, cancelled)
        if found is None:
            raise _nothing_legal()
        return _Best(found.plan, found.value_ms, found.value_ms, True, found.tried, found.plans)

    best = best_under(contention)
    free = best_under(NONE).value_ms if contention else best.value_ms
    return _Best(best.plan, best.value_ms, free, True, best.searched, best.plans)


def _solved(
    profiles: tuple[Profile, ...],
    objective: Objective,
    max_cuts: int,
    contention: Contention,
    loadables: int,
    seconds: float,
    cancelled: CancelledFn,
) -> _Best:
    found = settle(profiles, lanes_of(profiles), objective, max_cuts, contention, loadables, seconds, cancelled)
    if found is None:
        raise _nothing_legal()
    return _Best(found.plan, found.value_ms, found.bound_ms, found.proven, found.rounds, None)


def _nothing_legal() -> ProfileInvalid:
    return ProfileInvalid(
        "No plan lets every layer run where it may within the loadables of the accelerator.",
        "Allow more cuts, or rewrite the layers that the accelerator refuses with `insula engines rewrite`.",
    )
