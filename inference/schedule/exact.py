"""Exact search: every way to cut, every order on the devices; plans that cannot win are never simulated."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, pairwise, product

from inference.errors import JobCancelled
from inference.result import CancelledFn
from inference.schedule.contention import Contention
from inference.schedule.cost import Task, chain, loads, tasks
from inference.schedule.objective import Objective
from inference.schedule.orders import Order, orders
from inference.schedule.plan import LOADABLES, ModelPlan, Plan, Segment, is_dla, is_legal
from inference.schedule.profile import Profile
from inference.schedule.simulate import makespan_ms, period_ms

Work = tuple[tuple[Task, ...], ...]
SAME_MS = 1e-9


@dataclass(frozen=True, slots=True)
class Found:
    """The best plan of a search.

    Attributes:
        value_ms: The objective, simulated.
        bound_ms: What the search has proven that no plan of its kind can beat.
        tried: Plans that were simulated.
        plans: Plans there are.
    """

    plan: Plan
    value_ms: float
    bound_ms: float
    tried: int
    plans: int


def model_plans(profile: Profile, devices: tuple[str, ...], max_cuts: int) -> Iterator[ModelPlan]:
    """Every legal way to cut a model at most so often; neighbours are on different devices."""
    last = len(profile.layers) - 1
    for cuts in range(min(max_cuts, last) + 1):
        for ends in combinations(range(last), cuts):
            borders = (-1, *ends, last)
            for chosen in product(devices, repeat=cuts + 1):
                if all(a != b for a, b in pairwise(chosen)):
                    parts = zip(chosen, pairwise(borders), strict=True)
                    segments = tuple(Segment(device, a + 1, b) for device, (a, b) in parts)
                    if all(is_legal(profile, segment) for segment in segments):
                        yield ModelPlan(profile.model, segments)


def enumerate_plans(
    profiles: tuple[Profile, ...],
    devices: tuple[str, ...],
    objective: Objective,
    max_cuts: int,
    contention: Contention,
    loadables: int = LOADABLES,
    cancelled: CancelledFn = lambda: False,
) -> Found | None:
    """The best plan of all; of equal ones that with the better other objective. None: no plan is legal.

    Raises:
        JobCancelled: `cancelled` answered True.
    """
    ways = [[(m, tasks(p, m)) for m in model_plans(p, devices, max_cuts)] for p in profiles]
    ranked = sorted(_ranked(ways, objective, loadables), key=lambda entry: entry[0])
    best: tuple[float, float, Plan] | None = None
    tried = 0
    for bound, choice in ranked:
        if best is not None and bound > best[0] + SAME_MS:
            break
        if cancelled():
            raise JobCancelled
        tried += 1
        models = tuple(model for model, _ in choice)
        found = _judged(models, tuple(work for _, work in choice), objective, contention, best)
        best = found if best is None or _better(found, best) else best
    return None if best is None else Found(best[2], best[0], best[0], tried, len(ranked))


@lru_cache(maxsize=256)
def _every(lengths: tuple[int, ...]) -> tuple[Order, ...]:
    return tuple(orders(lengths))


def finish_ms(work: Work, order: Order) -> float:
    """Makespan of an order without contention: each segment as early as its model and its device allow."""
    free: dict[str, float] = {}
    ready = [0.0] * len(work)
    end = 0.0
    for model, segment in order:
        task = work[model][segment]
        done = max(free.get(task.segment.device, 0.0), ready[model]) + task.ms
        free[task.segment.device] = done
        ready[model] = done + task.transition_ms
        end = max(end, done)
    return end


def _ranked(
    ways: list[list[tuple[ModelPlan, tuple[Task, ...]]]], objective: Objective, loadables: int
) -> Iterator[tuple[float, tuple[tuple[ModelPlan, tuple[Task, ...]], ...]]]:
    """Each choice of ways with what its loads and chains prove about it."""
    for choice in product(*ways):
        work = tuple(part for _, part in choice)
        if _fits(work, loadables):
            bound = max(loads(work).values())
            if objective is Objective.MAKESPAN:
                bound = max(bound, *(chain(model) for model in work))
            yield bound, choice


def _fits(work: Work, most: int) -> bool:
    used: dict[str, int] = {}
    for task in (task for model in work for task in model if is_dla(task.segment.device)):
        used[task.segment.device] = used.get(task.segment.device, 0) + 1
    return all(count <= most for count in used.values())


def _judged(
    models: tuple[ModelPlan, ...],
    work: Work,
    objective: Objective,
    contention: Contention,
    best: tuple[float, float, Plan] | None,
) -> tuple[float, float, Plan]:
    """(objective, the other objective, plan in its best order)."""
    every = _every(tuple(map(len, work)))
    if contention:
        return _judged_contended(models, work, every, objective, contention, best)
    span, order = min((finish_ms(work, order), order) for order in every)
    plan = Plan(models, order)
    period = period_ms(work)
    return (span, period, plan) if objective is Objective.MAKESPAN else (period, span, plan)


def _judged_contended(
    models: tuple[ModelPlan, ...],
    work: Work,
    every: tuple[Order, ...],
    objective: Objective,
    contention: Contention,
    best: tuple[float, float, Plan] | None,
) -> tuple[float, float, Plan]:
    """The same by simulation; of the other objective only the part that needs none."""
    free = sorted((finish_ms(work, order), order) for order in every)
    if objective is Objective.PERIOD:
        return period_ms(work, contention), free[0][0], Plan(models, free[0][1])
    worth = [order for ms, order in free if best is None or ms <= best[0] + SAME_MS]
    spans = ((makespan_ms(work, Plan(models, order), contention), order) for order in worth)
    span, order = min(spans, default=(math.inf, ()))
    return span, period_ms(work), Plan(models, order)


def _better(a: tuple[float, float, Plan], b: tuple[float, float, Plan]) -> bool:
    return a[0] < b[0] - SAME_MS or (a[0] < b[0] + SAME_MS and a[1] < b[1] - SAME_MS)
