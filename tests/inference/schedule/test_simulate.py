"""The simulator: rounds, streams, contention, and timetables that keep their promise."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any

import pytest

from inference.lanes import Span
from inference.schedule.contention import NONE, Contention, Grid
from inference.schedule.cost import all_tasks, loads
from inference.schedule.events import Stream, run
from inference.schedule.exact import enumerate_plans, model_plans
from inference.schedule.objective import Objective
from inference.schedule.plan import ModelPlan, Plan, Segment, whole
from inference.schedule.profile import Profile, ProfileInvalid
from inference.schedule.search import Method, schedule
from inference.schedule.simulate import idle_percent, period_ms, simulate
from inference.schedule.steady import cycle

TWO = ("gpu", "dla")


def flat(slowdown: float) -> Contention:
    """Every overlap slows both devices by one factor."""
    return Contention({device: Grid((0.0,), (0.0,), ((slowdown,),)) for device in TWO})


def swapped(a: int, b: int) -> Plan:
    """Two models of four layers, cut after `a` and `b`, starting on different devices."""
    first = ModelPlan("a", (Segment("gpu", 0, a), Segment("dla", a + 1, 3)))
    return Plan((first, ModelPlan("b", (Segment("dla", 0, b), Segment("gpu", b + 1, 3)))))


def test_transitions_cost_the_model_and_no_device(plain: Any) -> None:
    profiles = (plain("a", (1, 2), (1, 2), (1, 2), (1, 2), transition=0.5),)
    line = simulate(profiles, Plan((ModelPlan("a", (Segment("gpu", 0, 1), Segment("dla", 2, 3))),)))
    assert line.makespan_ms == pytest.approx(2 + 0.5 + 4)
    assert line.period_ms == pytest.approx(4)
    assert [(s.lane, s.label, s.start_s, s.end_s) for s in line.spans] == [
        ("gpu", "a 0-1", 0.0, 0.002),
        ("dla", "a 2-3", pytest.approx(0.0025), pytest.approx(0.0065)),
    ]


def test_a_device_runs_one_segment_at_a_time(plain: Any) -> None:
    profiles = (plain("a", (2, 9)), plain("b", (3, 9)))
    line = simulate(profiles, Plan((whole(profiles[0], "gpu"), whole(profiles[1], "gpu"))))
    assert line.makespan_ms == pytest.approx(5)
    assert line.idle_percent() == {"gpu": pytest.approx(0), "dla": pytest.approx(100)}


def test_two_instances_of_one_model_are_told_apart(plain: Any) -> None:
    profile = plain("gan", (1, 1))
    line = simulate((profile, profile), Plan((whole(profile, "gpu"), whole(profile, "dla"))))
    assert {span.label for span in line.spans} == {"gan #1 0-0", "gan #2 0-0"}


def test_overlap_slows_for_exactly_as_long_as_it_lasts(plain: Any) -> None:
    profiles = (plain("a", (2, 9)), plain("b", (9, 6)))
    plan = Plan((whole(profiles[0], "gpu"), whole(profiles[1], "dla")))
    line = simulate(profiles, plan, flat(2.0))
    assert [span.end_s for span in line.spans] == [pytest.approx(0.004), pytest.approx(0.008)]
    assert simulate(profiles, plan, flat(1.0)).makespan_ms == pytest.approx(6)


def test_contention_follows_the_layers_that_really_overlap(plain: Any) -> None:
    quiet, loud = plain("a", (1, 9), (1, 9), gbps=0.0), plain("b", (9, 1), gbps=80.0)
    table = Contention({"gpu": Grid((0.0,), (0.0, 80.0), ((1.0, 3.0),))})
    line = simulate((quiet, loud), Plan((whole(quiet, "gpu"), whole(loud, "dla"))), table)
    assert line.makespan_ms == pytest.approx(1 + 2 / 3 + 1)


def test_a_timetable_never_has_two_segments_on_one_device(drawn: Any) -> None:
    rng = random.Random(5)
    for _ in range(150):
        profiles = tuple(drawn(rng, name, rng.randint(2, 4), TWO) for name in "ab")
        plan = Plan(tuple(rng.choice(list(model_plans(p, TWO, 2))) for p in profiles))
        work = all_tasks(profiles, plan)
        table = cycle(work)
        assert table.period_ms == max(loads(work).values())
        taken: dict[str, list[tuple[float, float]]] = {device: [] for device in TWO}
        for model, starts in zip(work, table.starts_ms, strict=True):
            for s, (task, start) in enumerate(zip(model, starts, strict=True)):
                taken[task.segment.device].append((start % table.period_ms, task.ms))
                if s:
                    assert start >= starts[s - 1] + model[s - 1].ms + model[s - 1].transition_ms - 1e-9
        for entries in taken.values():
            busy = sorted((b, ms) for b, ms in entries if ms > 0)
            around = [*busy, (table.period_ms + busy[0][0], 0.0)] if busy else []
            assert all(b + ms <= after + 1e-6 for (b, ms), (after, _) in pairwise(around))


def test_a_saturated_stream_keeps_the_period_of_its_timetable(drawn: Any) -> None:
    rng = random.Random(6)
    for _ in range(60):
        profiles = tuple(drawn(rng, name, rng.randint(2, 4), TWO) for name in "ab")
        plan = Plan(tuple(rng.choice(list(model_plans(p, TWO, 1))) for p in profiles))
        work = all_tasks(profiles, plan)
        assert period_ms(work, flat(1.0)) == pytest.approx(period_ms(work), rel=1e-6, abs=1e-6)


def test_a_steady_stream_is_idle_only_where_loads_differ(plain: Any) -> None:
    profiles = (plain("a", (1, 2), (1, 2), (2, 1), (2, 1)), plain("b", (2, 1), (2, 1), (1, 1), (1, 1)))
    plan = swapped(1, 1)
    line = simulate(profiles, plan, frames=24)
    work = all_tasks(profiles, plan)
    assert line.period_ms == 4
    for device, load in loads(work).items():
        assert line.idle_percent()[device] == pytest.approx(100 * (1 - load / 4), abs=1e-6)


def test_first_come_first_served_without_an_order(plain: Any) -> None:
    work = all_tasks((plain("a", (1, 1)), plain("b", (1, 1))), Plan((_gpu("a"), _gpu("b"))))
    pieces = run(work, Stream(frames=3, in_flight=2), NONE)
    assert [(p.frame, p.model) for p in pieces] == [(f, m) for f in range(3) for m in range(2)]


def _gpu(name: str) -> ModelPlan:
    return ModelPlan(name, (Segment("gpu", 0, 0),))


def test_contended_enumeration_equals_trying_every_plan(drawn: Any) -> None:
    table = Contention({d: Grid((0.0, 100.0), (0.0, 100.0), ((1.0, 1.3), (1.1, 2.0))) for d in TWO})
    for seed in range(3):
        rng = random.Random(seed)
        profiles = (drawn(rng, "a", 3, TWO), drawn(rng, "b", 3, TWO))
        ways = [list(model_plans(p, TWO, 1)) for p in profiles]
        for objective in Objective:
            found = enumerate_plans(profiles, TWO, objective, 1, table)
            assert found is not None
            assert found.value_ms == pytest.approx(_least(profiles, ways, objective, table), abs=1e-6)


def _least(
    profiles: tuple[Profile, ...], ways: list[list[ModelPlan]], objective: Objective, table: Contention
) -> float:
    from inference.schedule.orders import orders

    values = []
    for a in ways[0]:
        for b in ways[1]:
            for order in orders((len(a.segments), len(b.segments))):
                line = simulate(profiles, Plan((a, b), order), table)
                values.append(line.makespan_ms if objective is Objective.MAKESPAN else line.period_ms)
    return min(values)


def test_the_solver_settles_under_contention_and_says_its_gap(drawn: Any) -> None:
    table = Contention({d: Grid((0.0, 100.0), (0.0, 100.0), ((1.0, 1.2), (1.1, 1.6))) for d in TWO})
    rng = random.Random(2)
    profiles = (drawn(rng, "a", 4, TWO), drawn(rng, "b", 4, TWO))
    solved = schedule(profiles, Objective.MAKESPAN, contention=table, method=Method.CP_SAT)
    exact = schedule(profiles, Objective.MAKESPAN, contention=table)
    free = schedule(profiles, Objective.MAKESPAN)
    assert solved.proven_ms == pytest.approx(free.value_ms, abs=1e-3)
    assert exact.proven_ms == free.value_ms
    assert free.value_ms <= exact.value_ms + 1e-9
    assert exact.value_ms <= solved.value_ms + 1e-9
    assert exact.optimal
    assert not solved.optimal


def test_a_measured_row_lets_two_streams_gain(plain: Any) -> None:
    profiles = (plain("a", (2, 9)), plain("b", (2, 9)))
    assert schedule(profiles).baselines.gpu_two_streams_ms == pytest.approx(4)
    found = schedule(profiles, contention=Contention({"gpu+gpu": Grid((0.0,), (0.0,), ((1.5,),))}))
    assert found.baselines.gpu_two_streams_ms == pytest.approx(3)
    assert found.baselines.two_streams_measured


def test_a_plan_for_other_models_is_refused(plain: Any) -> None:
    profile = plain("a", (1, 1), (1, 1))
    for wrong in (
        Plan((whole(plain("b", (1, 1), (1, 1)), "gpu"),)),
        Plan((ModelPlan("a", (Segment("gpu", 0, 0),)),)),
        Plan((ModelPlan("a", (Segment("gpu", 1, 1), Segment("dla", 0, 0))),)),
        Plan((ModelPlan("a", (Segment("npu", 0, 1),)),)),
    ):
        with pytest.raises(ProfileInvalid):
            simulate((profile,), wrong)


def test_idle_time_counts_overlapping_spans_once() -> None:
    spans = (Span("gpu", "a", 0.0, 2.0), Span("gpu", "b", 1.0, 3.0), Span("dla", "c", -5.0, 1.0))
    assert idle_percent(spans, "gpu", (0.0, 4.0)) == pytest.approx(25)
    assert idle_percent(spans, "dla", (0.0, 4.0)) == pytest.approx(75)
    assert idle_percent(spans, "npu", (0.0, 4.0)) == pytest.approx(100)
