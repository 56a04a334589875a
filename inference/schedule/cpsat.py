"""Search with OR-Tools CP-SAT: more cuts, more models, more devices than enumeration can serve.

Each model has `max_cuts + 1` slots. A cut's place is one-hot, a slot's duration on a device is the difference of two
prefix sums, and a slot is an optional interval on each device. Times are whole microseconds, rounded up in the plan
that is searched for; what rounding can hide is taken off the proven bound.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from inference.errors import BackendMissing, EngineError, JobCancelled
from inference.result import CancelledFn
from inference.schedule.bounds import lower_bound_ms
from inference.schedule.objective import Objective
from inference.schedule.plan import LOADABLES, ModelPlan, Plan, Segment, is_dla
from inference.schedule.profile import Profile

US = 1000
POLL_S = 0.1
Slowdowns = Mapping[tuple[int, int, str], float]


@dataclass(frozen=True, slots=True)
class Solved:
    """What the solver says, before any simulation.

    Attributes:
        bound_ms: No plan of this kind is faster (for the slowdowns that were given).
        proven: The solver closed its gap.
    """

    plan: Plan
    bound_ms: float
    proven: bool


@dataclass(slots=True)
class _Slot:
    """One slot of a model: where it ends, on which device, when."""

    end: list[Any]
    on: dict[str, Any]
    used: Any
    start: Any
    stop: Any
    length: dict[str, Any]


class _Problem:
    """The model that CP-SAT solves."""

    def __init__(
        self,
        profiles: tuple[Profile, ...],
        devices: tuple[str, ...],
        objective: Objective,
        max_cuts: int,
        loadables: int,
        slowdowns: Slowdowns,
    ) -> None:
        self.cp = _cp_model()
        self.model = self.cp.CpModel()
        self.profiles, self.devices, self.objective = profiles, devices, objective
        self.slowdowns = slowdowns
        self.horizon = self._horizon(max_cuts)
        self.goal = self.model.new_int_var(0, self.horizon, "goal")
        self.intervals: dict[str, list[Any]] = {d: [] for d in devices}
        self.loads: dict[str, list[Any]] = {d: [] for d in devices}
        self.slots = [self._model(m, min(max_cuts, len(p.layers) - 1) + 1) for m, p in enumerate(profiles)]
        self._share_devices(loadables)
        floor = lower_bound_ms(profiles, objective is Objective.MAKESPAN)  # slowdowns and rounding only add to it
        self.model.add(self.goal >= math.ceil(floor * US - 1e-3))
        self.model.minimize(self.goal)

    def _horizon(self, max_cuts: int) -> int:
        most = 0
        for m, profile in enumerate(self.profiles):
            for i in range(len(profile.layers)):
                most += max(self._us(m, i, d) for d in profile.devices)
            leave = [max(layer.transition_ms.values()) for layer in profile.layers]
            most += sum(_up(ms) for ms in sorted(leave)[-max_cuts:]) if max_cuts else 0
        return most

    def _us(self, model: int, layer: int, device: str) -> int:
        found = self.profiles[model].layers[layer]
        slow = self.slowdowns.get((model, layer, device), 1.0)
        return _up(found.ms[device] * slow) if found.legal.get(device, False) else 0

    def _model(self, m: int, count: int) -> list[_Slot]:
        profile, cp = self.profiles[m], self.model
        n = len(profile.layers)
        devices = [d for d in self.devices if d in profile.devices]
        places = [self._place(n, 0)] + [self._place(n, None) for _ in range(count - 1)] + [self._place(n, n)]
        slots: list[_Slot] = []
        for k in range(count):
            slot = self._slot(m, places[k], places[k + 1], devices)
            if slots:
                self._follow(profile, slots[-1], slot, devices)
            slots.append(slot)
        cp.add(slots[0].used == 1)
        if self.objective is Objective.MAKESPAN:
            cp.add(self.goal >= slots[-1].stop)
        return slots

    def _place(self, n: int, fixed: int | None) -> list[Any]:
        """One-hot: before which layer a slot ends; n: the model is through."""
        here = [self.model.new_bool_var("") for _ in range(n + 1)]
        self.model.add_exactly_one(here)
        if fixed is not None:
            self.model.add(here[fixed] == 1)
        return here

    def _slot(self, m: int, begin: list[Any], end: list[Any], devices: list[str]) -> _Slot:
        cp, n = self.model, len(self.profiles[m].layers)
        used = cp.new_bool_var("")
        first, last = _value(begin, range(n + 1)), _value(end, range(n + 1))
        cp.add(last >= first + 1).only_enforce_if(used)
        cp.add(last == first).only_enforce_if(used.negated())
        cp.add(first == n).only_enforce_if(used.negated())
        start, stop = (cp.new_int_var(0, self.horizon, "") for _ in range(2))
        slot = _Slot(end, {}, used, start, stop, {})
        for device in devices:
            self._on_device(m, slot, begin, device)
        cp.add(sum(slot.on.values()) == used)
        cp.add(stop == start + sum(slot.length.values()))
        return slot

    def _on_device(self, m: int, slot: _Slot, begin: list[Any], device: str) -> None:
        """The slot as an optional interval on one device."""
        cp, layers = self.model, self.profiles[m].layers
        on = cp.new_bool_var("")
        sums = list(accumulate((self._us(m, i, device) for i in range(len(layers))), initial=0))
        bad = list(accumulate((not layer.legal.get(device, False) for layer in layers), initial=0))
        length = cp.new_int_var(0, sums[-1], "")
        stop = cp.new_int_var(0, self.horizon, "")
        cp.add(length == _value(slot.end, sums) - _value(begin, sums)).only_enforce_if(on)
        cp.add(length == 0).only_enforce_if(on.negated())
        if bad[-1]:
            cp.add(_value(slot.end, bad) == _value(begin, bad)).only_enforce_if(on)
        slot.on[device], slot.length[device] = on, length
        self.intervals[device].append(cp.new_optional_interval_var(slot.start, length, stop, on, ""))
        self.loads[device].append(length)

    def _follow(self, profile: Profile, before: _Slot, after: _Slot, devices: list[str]) -> None:
        """A slot comes after the one before it, and after its transition when it runs at all."""
        cp = self.model
        cp.add(after.used <= before.used)
        cp.add(after.start >= before.stop)
        for device in devices:
            cp.add_at_most_one(before.on[device], after.on[device])
            leave = [0, *(_up(layer.transition_ms[device]) for layer in profile.layers)]
            gone = cp.add(after.start >= before.stop + _value(before.end, leave))
            gone.only_enforce_if(before.on[device], after.used)

    def _share_devices(self, loadables: int) -> None:
        for device in self.devices:
            if self.objective is Objective.MAKESPAN:
                self.model.add_no_overlap(self.intervals[device])
            self.model.add(self.goal >= sum(self.loads[device]))
            if is_dla(device):
                on = [s.on[device] for slots in self.slots for s in slots if device in s.on]
                self.model.add(sum(on) <= loadables)

    def plan(self, solver: Any) -> Plan:
        models: list[ModelPlan] = []
        starts: list[tuple[int, int, int, int]] = []
        for m, slots in enumerate(self.slots):
            segments: list[Segment] = []
            first = 0
            for slot in (s for s in slots if solver.value(s.used)):
                end = next(place for place, here in enumerate(slot.end) if solver.value(here))
                device = next(d for d, on in slot.on.items() if solver.value(on))
                starts.append((solver.value(slot.start), solver.value(slot.stop), m, len(segments)))
                segments.append(Segment(device, first, end - 1))
                first = end
            models.append(ModelPlan(self.profiles[m].model, tuple(segments)))
        timed = self.objective is Objective.MAKESPAN  # a period knows no order: frames overlap
        order = tuple((m, s) for _, _, m, s in sorted(starts)) if timed else ()
        return Plan(tuple(models), order)


def solve(
    profiles: tuple[Profile, ...],
    devices: tuple[str, ...],
    objective: Objective,
    max_cuts: int,
    loadables: int = LOADABLES,
    slowdowns: Slowdowns | None = None,
    seconds: float = 20.0,
    cancelled: CancelledFn = lambda: False,
) -> Solved | None:
    """Solve once. None: no plan is legal.

    Args:
        slowdowns: (model, layer, device) to a factor on the layer's time; missing ones are 1.
        seconds: After which the best plan so far is taken.

    Raises:
        BackendMissing: OR-Tools is not installed.
        EngineError: Time ran out before any plan was found.
        JobCancelled: `cancelled` answered True.
    """
    problem = _Problem(profiles, devices, objective, max_cuts, loadables, slowdowns or {})
    solver = problem.cp.CpSolver()
    solver.parameters.max_time_in_seconds = seconds
    solver.parameters.num_workers = max(1, min(8, os.cpu_count() or 1))
    solver.parameters.random_seed = 1
    if cancelled():
        raise JobCancelled
    with _watched(solver, cancelled):
        status = solver.solve(problem.model)
    if cancelled():
        raise JobCancelled
    if status == problem.cp.INFEASIBLE:
        return None
    if status not in (problem.cp.OPTIMAL, problem.cp.FEASIBLE):
        raise EngineError("The time ran out before a plan was found.", "Give more seconds or fewer cuts.")
    layers = sum(len(profile.layers) for profile in profiles) + (max_cuts + 1) * len(profiles)
    exact = all(_whole(profile) for profile in profiles) and not slowdowns
    bound = max(0.0, (solver.best_objective_bound - (0 if exact else layers)) / US)
    return Solved(problem.plan(solver), bound, status == problem.cp.OPTIMAL)


def _whole(profile: Profile) -> bool:
    """Whether all times are whole microseconds, so that rounding hides nothing."""
    times = (t for layer in profile.layers for t in (*layer.ms.values(), *layer.transition_ms.values()))
    return all(abs(t * US - round(t * US)) < 1e-6 for t in times)


def _up(ms: float) -> int:
    return math.ceil(ms * US - 1e-6)


def _value(one_hot: Sequence[Any], values: Sequence[int] | range) -> Any:
    return sum(v * b for v, b in zip(values, one_hot, strict=True))


@contextmanager
def _watched(solver: Any, cancelled: CancelledFn) -> Iterator[None]:
    """Ends the search soon after the job is cancelled, also while no better plan turns up."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(POLL_S):
            if cancelled():
                solver.stop_search()

    thread = threading.Thread(target=watch, name="insula-solver-watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _cp_model() -> Any:
    try:
        from ortools.sat.python import cp_model
    except ImportError as error:
        raise BackendMissing(
            "More than one cut or more than two models need OR-Tools, which is not installed.",
            "Install it with `pip install ortools`, or plan two models with one cut.",
        ) from error
    return cp_model
