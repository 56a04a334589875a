"""A forecast holds against a brute search and against lanes that really run."""

from __future__ import annotations

import time
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.lanes import Lane, LaneSpec
from inference.schedule.plan import ModelPlan, Plan, Segment
from inference.schedule.profile import Layer, Profile
from inference.stream.figures import figures
from inference.stream.forecast import forecast, in_turn_ms, occupied, swapped
from inference.stream.route import Route, Step
from inference.stream.stream import Stream

LANES = ("a", "b")
MS = st.integers(0, 40).map(lambda n: n / 4)


@st.composite
def profiles(draw: st.DrawFn, name: str) -> Profile:
    layers = tuple(
        Layer(
            f"l{n}",
            {lane: draw(MS) + 0.25 for lane in LANES},
            {lane: draw(MS) / 8 for lane in LANES},
            dict.fromkeys(LANES, 1.0),
            dict.fromkeys(LANES, True),
        )
        for n in range(draw(st.integers(2, 5)))
    )
    return Profile(name, LANES, layers)


def load(profile: Profile, cut: int, first: str, second: str) -> dict[str, float]:
    """Work of each lane for one slice, a cut's cost half on each side of it."""
    border = profile.layers[cut].transition_ms[first] / 2
    return {
        first: sum(layer.ms[first] for layer in profile.layers[: cut + 1]) + border,
        second: sum(layer.ms[second] for layer in profile.layers[cut + 1 :]) + border,
    }


@given(one=profiles("one"), two=profiles("two"))
def test_the_swap_is_the_best_of_all_swaps(one, two):
    plan = swapped((one, two), LANES)
    assert plan is not None
    assert {model.segments[0].device for model in plan.models} == set(LANES)
    assert all(model.cuts == 1 for model in plan.models)
    every = [
        max(load(one, a, *way)[lane] + load(two, b, *reversed(way))[lane] for lane in LANES)
        for a, b, way in product(range(len(one.layers) - 1), range(len(two.layers) - 1), (LANES, LANES[::-1]))
    ]
    assert forecast((one, two), plan).period_ms == pytest.approx(min(every))


@given(one=profiles("one"))
def test_an_uncut_model_keeps_its_times(one):
    plan = Plan((ModelPlan("one", (Segment("a", 0, len(one.layers) - 1),)),))
    (found,) = occupied((one,), plan)
    assert [layer.ms for layer in found.layers] == [layer.ms for layer in one.layers]
    assert forecast((one,), plan).period_ms == pytest.approx(sum(layer.ms["a"] for layer in one.layers))


@given(one=profiles("one"))
def test_slices_in_turn_share_the_work(one):
    last = len(one.layers) - 1
    left, right = (Plan((ModelPlan("one", (Segment(lane, 0, last),)),)) for lane in LANES)
    assert in_turn_ms((one,), (left,)) == pytest.approx(forecast((one,), left).period_ms)
    own = [sum(layer.ms[lane] for layer in one.layers) for lane in LANES]
    assert in_turn_ms((one,), (left, right)) == pytest.approx(max(own) / 2)


def test_a_model_of_one_layer_cannot_swap():
    layer = Layer("l", {"a": 1.0, "b": 1.0}, {"a": 0.0, "b": 0.0}, {"a": 1.0, "b": 1.0}, {"a": True, "b": True})
    assert swapped((Profile("one", LANES, (layer,)),), LANES) is None


def test_lanes_that_sleep_keep_the_period_that_was_forecast():
    def profile(name: str, ms: tuple[float, ...]) -> Profile:
        layers = (Layer(f"l{n}", {"a": t, "b": t}, {"a": 0, "b": 0}, {"a": 0, "b": 0}, {"a": True, "b": True})
                  for n, t in enumerate(ms))  # fmt: skip
        return Profile(name, LANES, tuple(layers))

    both = (profile("gan", (12.0, 8.0, 4.0)), profile("detector", (10.0, 10.0, 6.0)))
    plan = swapped(both, LANES)
    assert plan is not None
    promised = forecast(both, plan).period_ms
    assert promised == pytest.approx(26.0)  # 50 ms of work in whole layers on two lanes: 26 and 24

    def step(profile: Profile, segment: Segment) -> Step:
        seconds = sum(layer.ms[segment.device] for layer in profile.layers[segment.first : segment.last + 1]) / 1e3
        return Step(segment.device, f"{profile.model} {segment.first}-{segment.last}", lambda _: time.sleep(seconds))

    routes = [
        Route(profile.model, tuple(step(profile, segment) for segment in model.segments))
        for profile, model in zip(both, plan.models, strict=True)
    ]
    lanes = {name: Lane(LaneSpec(name)) for name in LANES}
    stream = Stream([routes], lanes)
    answered = list(stream.run(range(25)))
    for lane in lanes.values():
        lane.close()
    found = figures(answered, stream.spans, LANES)
    assert 0.95 * promised < found.period_ms < 5 * promised  # sleeps never end early; a busy machine ends them late
    assert found.period_ms < 50.0 * 5
    assert max(lane.idle_percent for lane in found.lanes) < 90
