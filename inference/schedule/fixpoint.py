"""Contention for a solver of fixed times: solve, simulate, feed the slowdowns back, until nothing moves."""

from __future__ import annotations

import time
from dataclasses import dataclass

from inference.errors import EngineError
from inference.result import CancelledFn
from inference.schedule.contention import Contention
from inference.schedule.cost import all_tasks
from inference.schedule.cpsat import Slowdowns, Solved, solve
from inference.schedule.events import Stream, round_queues, run_layers
from inference.schedule.objective import Objective
from inference.schedule.plan import Plan
from inference.schedule.profile import Profile
from inference.schedule.simulate import makespan_ms, period_ms
from inference.schedule.steady import cycle

ROUNDS = 8
STREAM_FRAMES = 8


@dataclass(frozen=True, slots=True)
class Settled:
    """The best plan that the rounds met.

    Attributes:
        value_ms: Its objective, simulated with contention.
        bound_ms: Proven without contention; it holds with contention too.
        proven: Nothing can be better than `value_ms`.
        rounds: How often the solver ran.
        settled: The last plan led to itself.
    """

    plan: Plan
    value_ms: float
    bound_ms: float
    proven: bool
    rounds: int
    settled: bool


def value_ms(profiles: tuple[Profile, ...], plan: Plan, objective: Objective, contention: Contention) -> float:
    """A plan's objective, simulated."""
    work = all_tasks(profiles, plan)
    if objective is Objective.MAKESPAN:
        return makespan_ms(work, plan, contention)
    return period_ms(work, contention)


def settle(
    profiles: tuple[Profile, ...],
    devices: tuple[str, ...],
    objective: Objective,
    max_cuts: int,
    contention: Contention,
    loadables: int,
    seconds: float,
    cancelled: CancelledFn = lambda: False,
) -> Settled | None:
    """Solve, and under contention solve again with what the simulation measured. None: no plan is legal.

    Raises:
        BackendMissing, EngineError, JobCancelled: As `cpsat.solve`.
    """
    end = time.monotonic() + seconds
    first = solve(profiles, devices, objective, max_cuts, loadables, None, seconds, cancelled)
    if first is None:
        return None
    best = (value_ms(profiles, first.plan, objective, contention), first.plan)
    seen, solved, rounds, settled = [first.plan], first, 1, not contention
    while contention and rounds < ROUNDS and time.monotonic() < end:
        slow = slowdowns(profiles, devices, solved.plan, objective, contention)
        again = _again(profiles, devices, objective, max_cuts, loadables, slow, end - time.monotonic(), cancelled)
        if again is None:
            break
        solved, rounds = again, rounds + 1
        best = min(best, (value_ms(profiles, solved.plan, objective, contention), solved.plan), key=lambda b: b[0])
        if solved.plan in seen:
            settled = solved.plan == seen[-1]
            break
        seen.append(solved.plan)
    gap = best[0] - first.bound_ms
    return Settled(best[1], best[0], first.bound_ms, first.proven and gap <= _grain_ms(profiles), rounds, settled)


def _again(
    profiles: tuple[Profile, ...],
    devices: tuple[str, ...],
    objective: Objective,
    max_cuts: int,
    loadables: int,
    slow: Slowdowns,
    seconds: float,
    cancelled: CancelledFn,
) -> Solved | None:
    try:
        return solve(profiles, devices, objective, max_cuts, loadables, slow, seconds, cancelled)
    except EngineError:  # out of time: the plans so far stand
        return None


def slowdowns(
    profiles: tuple[Profile, ...], devices: tuple[str, ...], plan: Plan, objective: Objective, contention: Contention
) -> Slowdowns:
    """Factors for (model, layer, device): measured where the plan ran the layer, else from the mean other demand."""
    work = all_tasks(profiles, plan)
    stream = Stream(queues=round_queues(work, plan.order))
    if objective is Objective.PERIOD:
        stream = Stream(STREAM_FRAMES, cycle(work).queues(work, STREAM_FRAMES), STREAM_FRAMES)
    ran = run_layers(work, stream, contention)
    whole = max(layer.end for layer in ran)
    demand = dict.fromkeys(devices, 0.0)
    alone: dict[tuple[int, int, str], float] = {}
    taken: dict[tuple[int, int, str], float] = {}
    for one in ran:
        task = work[one.model][one.segment]
        ms, gbps = task.pieces[one.piece]
        key = (one.model, task.segment.first + one.piece, task.segment.device)
        demand[key[2]] += gbps * (one.end - one.start) / whole if whole else 0.0
        alone[key] = alone.get(key, 0.0) + ms
        taken[key] = taken.get(key, 0.0) + one.end - one.start
    measured = {key: taken[key] / alone[key] for key in alone if alone[key] > 0}
    return _guessed(profiles, devices, demand, contention) | measured


def _guessed(
    profiles: tuple[Profile, ...], devices: tuple[str, ...], demand: dict[str, float], contention: Contention
) -> dict[tuple[int, int, str], float]:
    others = {device: sum(demand.values()) - demand[device] for device in devices}
    return {
        (m, i, device): contention.slowdown(device, layer.bandwidth_gbps[device], others[device])
        for m, profile in enumerate(profiles)
        for i, layer in enumerate(profile.layers)
        for device in devices
        if layer.legal.get(device, False)
    }


def _grain_ms(profiles: tuple[Profile, ...]) -> float:
    """What rounding to microseconds can hide."""
    return 2e-3 * (sum(len(profile.layers) for profile in profiles) + len(profiles)) + 1e-6
