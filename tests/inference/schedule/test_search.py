"""The search against brute force, against the solver and against published numbers."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import pytest

from inference.errors import JobCancelled
from inference.schedule.contention import NONE
from inference.schedule.cores import with_cores
from inference.schedule.exact import enumerate_plans
from inference.schedule.objective import Objective
from inference.schedule.plan import ModelPlan, Plan, Segment, check, loadables, whole
from inference.schedule.profile import Profile, ProfileInvalid
from inference.schedule.search import Method, schedule
from inference.schedule.simulate import simulate

TWO = ("gpu", "dla")
THREE = ("gpu", "dla0", "dla1")


@pytest.fixture
def instance(drawn: Any) -> Callable[[int], tuple[Profile, Profile]]:
    def make(seed: int) -> tuple[Profile, Profile]:
        rng = random.Random(seed)
        return drawn(rng, "a", rng.randint(1, 4), TWO), drawn(rng, "b", rng.randint(1, 4), TWO)

    return make


@pytest.mark.slow
def test_enumeration_equals_brute_force_on_a_thousand_instances(instance: Any, brute: Any) -> None:
    for seed in range(1000):
        profiles = instance(seed)
        span = enumerate_plans(profiles, TWO, Objective.MAKESPAN, 1, NONE)
        period = enumerate_plans(profiles, TWO, Objective.PERIOD, 1, NONE)
        assert span is not None
        assert period is not None
        assert round(span.value_ms * 1000, 6) == brute.makespan_us(profiles, TWO, 1), seed
        assert round(period.value_ms * 1000, 6) == brute.period_us(profiles, TWO, 1), seed
        assert simulate(profiles, span.plan).makespan_ms == pytest.approx(span.value_ms, abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("objective", Objective)
def test_the_solver_equals_enumeration(objective: Objective, instance: Any) -> None:
    for seed in range(12):
        profiles = instance(seed)
        solved = schedule(profiles, objective, method=Method.CP_SAT)
        exact = schedule(profiles, objective, method=Method.ENUMERATION)
        assert solved.optimal
        assert solved.value_ms == pytest.approx(exact.value_ms, abs=1e-9), seed


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_more_cuts_models_and_cores_equal_brute_force(seed: int, drawn: Any, brute: Any) -> None:
    rng = random.Random(seed)
    profiles = tuple(drawn(rng, name, rng.randint(2, 3), THREE) for name in "abc"[: 2 + seed % 2])
    cuts = 2 - seed % 2
    span = schedule(profiles, Objective.MAKESPAN, cuts)
    period = schedule(profiles, Objective.PERIOD, cuts)
    if len(profiles) > 2 or cuts > 1:
        assert span.method is Method.CP_SAT
    assert span.optimal
    assert period.optimal
    assert round(span.value_ms * 1000, 6) == brute.makespan_us(profiles, THREE, cuts)
    assert round(period.value_ms * 1000, 6) == brute.period_us(profiles, THREE, cuts)


def test_the_published_optimum(hax: tuple[Profile, Profile]) -> None:
    found = schedule(hax, Objective.MAKESPAN)
    assert round(found.value_ms, 6) == 2.52
    assert found.optimal
    assert found.plan.models == (
        ModelPlan("googlenet", (Segment("gpu", 0, 5), Segment("dla", 6, 9))),
        ModelPlan("alexnet", (Segment("dla", 0, 2), Segment("gpu", 3, 7))),
    )
    assert found.baselines.gpu_only_ms == pytest.approx(3.51)
    assert found.baselines.gpu_two_streams_ms == pytest.approx(3.51)
    assert found.baselines.naive_split_ms == pytest.approx(3.84)
    assert found.baselines.naive_split == ("dla", "gpu")
    assert found.lower_bound_ms < 2.52


def test_no_other_plan_reaches_the_published_optimum(hax: tuple[Profile, Profile]) -> None:
    from inference.schedule.cost import all_tasks
    from inference.schedule.exact import finish_ms, model_plans
    from inference.schedule.orders import orders

    spans = []
    for a in model_plans(hax[0], TWO, 1):
        for b in model_plans(hax[1], TWO, 1):
            work = all_tasks(hax, Plan((a, b)))
            every = orders((len(a.segments), len(b.segments)))
            spans.append(round(min(finish_ms(work, order) for order in every), 6))
    assert sorted(spans)[0] == 2.52
    assert spans.count(2.52) == 1


def test_the_published_plan_costs_more(hax: tuple[Profile, Profile]) -> None:
    theirs = Plan(
        (
            ModelPlan("googlenet", (Segment("gpu", 0, 3), Segment("dla", 4, 9))),
            ModelPlan("alexnet", (Segment("dla", 0, 0), Segment("gpu", 1, 7))),
        )
    )
    assert simulate(hax, theirs).makespan_ms == pytest.approx(2.75)


def test_the_solver_finds_the_published_optimum(hax: tuple[Profile, Profile]) -> None:
    found = schedule(hax, Objective.MAKESPAN, method=Method.CP_SAT)
    assert round(found.value_ms, 6) == 2.52
    assert found.optimal


def test_a_core_holds_only_so_many_loadables(plain: Any) -> None:
    profiles = (plain("a", (4, 1), (1, 4)), plain("b", (1, 4), (4, 1)))
    free = schedule(profiles, Objective.PERIOD)
    assert loadables(free.plan) == {"dla": 2}
    assert free.value_ms == 2
    one = schedule(profiles, Objective.PERIOD, loadables=1)
    assert loadables(one.plan) == {"dla": 1}
    assert one.value_ms == 5
    none = schedule(profiles, Objective.PERIOD, loadables=0, method=Method.CP_SAT)
    assert loadables(none.plan) == {}
    assert none.value_ms == 10
    assert none.baselines.naive_split_ms is None


def test_two_cores_share_the_loadables_of_each(plain: Any) -> None:
    profiles = tuple(with_cores(plain(name, (9, 1), (9, 1)), 2) for name in "ab")
    found = schedule(profiles, Objective.MAKESPAN, loadables=1)
    assert found.value_ms == 2
    assert loadables(found.plan) == {"dla0": 1, "dla1": 1}


def test_no_cut_is_a_plan_too(plain: Any) -> None:
    profiles = (plain("a", (3, 9), (3, 9)), plain("b", (9, 5), (9, 5)))
    found = schedule(profiles, Objective.MAKESPAN, max_cuts=0)
    assert found.plan.models == (whole(profiles[0], "gpu"), whole(profiles[1], "dla"))
    assert found.value_ms == 10


@pytest.mark.parametrize("objective", Objective)
def test_bounds_baselines_and_plan_stand_in_order(objective: Objective, instance: Any) -> None:
    for seed in range(60):
        profiles = instance(seed)
        found = schedule(profiles, objective)
        check(profiles, found.plan)
        base = found.baselines
        assert found.lower_bound_ms <= found.value_ms + 1e-9
        for other in (base.gpu_only_ms, base.gpu_two_streams_ms, base.naive_split_ms, base.one_device_ms):
            assert other is None or other >= found.value_ms - 1e-9


def test_nothing_legal_is_said(drawn: Any, plain: Any) -> None:
    a, b = drawn(random.Random(1), "a", 3, ("dla",)), plain("b", (1, 1))
    with pytest.raises(ProfileInvalid, match="No plan lets every layer run"):
        schedule((a, b), loadables=0)
    with pytest.raises(ProfileInvalid, match="No plan lets every layer run"):
        schedule((a, b), loadables=0, method=Method.CP_SAT)
    with pytest.raises(ProfileInvalid, match="nothing to plan"):
        schedule(())


@pytest.mark.parametrize("method", Method)
def test_a_cancelled_search_stops(method: Method, instance: Any) -> None:
    with pytest.raises(JobCancelled):
        schedule(instance(3), method=method, cancelled=lambda: True)


def test_a_long_solve_stops_soon_after_it_is_cancelled(plain: Any) -> None:
    rng = random.Random(1)
    models = [plain(name, *((rng.random(), 2 * rng.random()) for _ in range(90)), transition=0.2) for name in "abc"]
    begin = time.monotonic()
    with pytest.raises(JobCancelled):
        schedule(tuple(models), max_cuts=3, seconds=200, cancelled=lambda: time.monotonic() > begin + 1.5)
    assert time.monotonic() - begin < 60
