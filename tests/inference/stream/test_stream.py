"""No slice is lost, none overtakes another, and every way to stop ends with one sentence."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.errors import BadOutput, InputRefused, JobCancelled
from inference.lanes import Lane, LaneSpec
from inference.stream.route import Route, Step
from inference.stream.stream import Stream, StreamStopped

MODELS = ("gan", "detector")


@contextmanager
def lanes(*names: str) -> Iterator[dict[str, Lane]]:
    made = {name: Lane(LaneSpec(name)) for name in names}
    try:
        yield made
    finally:
        for lane in made.values():
            lane.close()


def route(model: str, on: tuple[str, ...], work: Callable[[str, int, tuple], None] = lambda *_: None) -> Route:
    """Each step adds its model and number to what it was given."""

    def step(index: int) -> Callable[[tuple], tuple]:
        def run(value: tuple) -> tuple:
            work(model, index, value)
            return (*value, f"{model}{index}")

        return run

    return Route(model, tuple(Step(lane, f"{model}.{i}", step(i)) for i, lane in enumerate(on)))


class Trouble:
    """Delays and at most one failure, at a place that a seed decides."""

    def __init__(self, delays: list[int], fails: tuple[str, int, int] | None) -> None:
        self._delays, self._fails, self._calls = delays, fails, 0

    def __call__(self, model: str, step: int, value: tuple) -> None:
        self._calls += 1
        time.sleep(self._delays[self._calls % len(self._delays)] / 5000)
        if self._fails == (model, step, value[0]):
            raise BadOutput("The model answered one constant.", "Run it again in fp32.")


PLACES = st.lists(st.sampled_from(("a", "b", "c")), min_size=1, max_size=3).map(tuple)


@settings(max_examples=60)
@given(
    count=st.integers(0, 14),
    depth=st.integers(1, 6),
    places=st.tuples(PLACES, PLACES),
    delays=st.lists(st.integers(0, 5), min_size=1, max_size=7),
    fails=st.none() | st.tuples(st.sampled_from(MODELS), st.integers(0, 2), st.integers(0, 13)),
)
def test_every_slice_is_answered_once_in_order_or_the_stream_names_the_one_that_failed(
    count, depth, places, delays, fails
):
    trouble = Trouble(delays, fails)
    routes = [route(model, on, trouble) for model, on in zip(MODELS, places, strict=True)]
    expected = {model: len(on) for model, on in zip(MODELS, places, strict=True)}
    failing = fails is not None and fails[1] < expected[fails[0]] and fails[2] < count
    seen, stopped = [], None
    with lanes("a", "b", "c") as made:
        try:
            for one in Stream([routes], made, depth).run((n,) for n in range(count)):
                seen.append(one.number)
                for model, steps in expected.items():
                    assert one.answers[model] == (one.number, *(f"{model}{i}" for i in range(steps)))
        except StreamStopped as error:
            stopped = error
    assert seen == list(range(fails[2] if failing else count))
    assert (stopped is not None) == failing
    if stopped is not None:
        assert f"slice {fails[2]}" in stopped.message
        assert fails[0] in stopped.message
        assert stopped.hint == "Run it again in fp32."


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_a_slow_reader_holds_the_source_back(depth):
    taken = []

    def slices():
        for n in range(30):
            taken.append(n)
            yield (n,)

    with lanes("a", "b") as made:
        for one in Stream([[route("gan", ("a", "b"))]], made, depth).run(slices()):
            time.sleep(0.002)
            assert len(taken) <= one.number + depth + 1
    assert len(taken) == 30


def test_halves_of_two_models_swap_lanes_and_overlap_in_time():
    both = threading.Barrier(2)

    def meet(model: str, step: int, value: tuple) -> None:
        if value[0] == 5:
            both.wait(timeout=20)  # passes only when the other lane works at the same time

    routes = [route("gan", ("a", "b"), meet), route("detector", ("b", "a"), meet)]
    with lanes("a", "b") as made:
        stream = Stream([routes], made)
        assert [one.number for one in stream.run((n,) for n in range(12))] == list(range(12))
    assert {span.lane for span in stream.spans} == {"a", "b"}
    assert len(stream.spans) == 12 * 4
    for lane in ("a", "b"):
        own = sorted((s.start_s, s.end_s) for s in stream.spans if s.lane == lane)
        assert all(before[1] <= after[0] for before, after in pairwise(own))


def test_the_oldest_slice_goes_first():
    first = threading.Event()
    done = []

    def work(model: str, step: int, value: tuple) -> None:
        if (model, step, value[0]) == ("gan", 0, 0):
            first.wait(timeout=20)  # until the lane's queue holds work of several slices
        done.append((value[0], model, step))

    def slices():
        for n in range(4):
            if n == 3:
                first.set()
            yield (n,)

    with lanes("a") as made:
        list(Stream([[route("gan", ("a", "a"), work), route("detector", ("a",), work)]], made, 4).run(slices()))
    assert done == [(n, *piece) for n in range(4) for piece in (("gan", 0), ("gan", 1), ("detector", 0))]


def test_a_scanner_sets_the_pace_and_latency_counts_from_its_clock():
    with lanes("a") as made:
        stream = Stream([[route("gan", ("a",))]], made)
        begin = time.perf_counter()
        answered = list(stream.run(((n,) for n in range(6)), pace_s=0.03))
    assert time.perf_counter() - begin >= 5 * 0.03
    due = [one.due_s for one in answered]
    assert [round(later - due[0], 6) for later in due] == [round(n * 0.03, 6) for n in range(6)]
    assert all(one.latency_s >= 0 for one in answered)


def test_slices_that_come_too_fast_wait_and_their_wait_is_counted():
    with lanes("a") as made:
        slow = route("gan", ("a",), lambda *_: time.sleep(0.02))
        answered = list(Stream([[slow]], made, 2).run(((n,) for n in range(10)), pace_s=0.001))
    assert [one.number for one in answered] == list(range(10))
    assert answered[-1].latency_s > 10 * 0.02 - 10 * 0.001 - 0.02


def test_cancelling_stops_a_running_step_and_nothing_runs_afterwards():
    release, started, cancelled = threading.Event(), threading.Event(), threading.Event()
    ran = []

    def hang(value):
        ran.append(value)
        started.set()
        release.wait(timeout=30)
        return value

    with lanes("a") as made:
        stream = Stream([[Route("gan", (Step("a", "gan", hang, release.set),))]], made)
        threading.Timer(0.05, lambda: (started.wait(20), cancelled.set())).start()
        begin = time.perf_counter()
        with pytest.raises(JobCancelled):
            list(stream.run(iter(range(100)), cancelled=cancelled.is_set))
        assert time.perf_counter() - begin < 10
        assert made["a"].submit("after", lambda: len(ran)).result(timeout=5) == 1


def test_leaving_early_ends_the_run_and_leaves_the_lanes_usable():
    with lanes("a", "b") as made:
        stream = Stream([[route("gan", ("a", "b"))]], made, 3)
        for one in stream.run((n,) for n in range(1000)):
            if one.number == 4:
                break
        count = len(stream.spans)
        assert count < 40
        again = Stream([[route("gan", ("b", "a"))]], made, 3)
        assert len(list(again.run((n,) for n in range(5)))) == 5
        assert len(stream.spans) == count


@pytest.mark.parametrize(
    ("raised", "expected", "sentence"),
    [
        (InputRefused("The file is torn.", "Copy it again."), InputRefused, "The file is torn."),
        (OSError("gone"), StreamStopped, "The source of slices failed with OSError."),
    ],
)
def test_a_source_that_fails_is_heard_after_the_slices_before_it(raised, expected, sentence):
    def slices():
        yield from ((n,) for n in range(3))
        raise raised

    with lanes("a") as made:
        answers = Stream([[route("gan", ("a",))]], made).run(slices())
        assert [next(answers).number for _ in range(3)] == [0, 1, 2]
        with pytest.raises(expected) as caught:
            next(answers)
    assert caught.value.message == sentence


def test_a_failure_that_is_no_error_of_ours_is_named_by_its_kind():
    def divide(value):
        return 1 // (3 - value)

    with lanes("a") as made, pytest.raises(StreamStopped, match=r"slice 3: gan failed\. ZeroDivisionError"):
        list(Stream([[Route("gan", (Step("a", "gan", divide),))]], made).run(range(9)))


def test_a_closed_lane_is_an_error_and_not_a_silence():
    with lanes("a") as made:
        made["a"].close()
        with pytest.raises(StreamStopped, match="slice 0"):
            list(Stream([[route("gan", ("a",))]], made).run([(0,)]))


def test_slices_take_the_ways_in_turn():
    ways = [
        [route("gan", ("a", "a")), route("detector", ("a",))],
        [route("gan", ("b", "a")), route("detector", ("b",))],
    ]
    with lanes("a", "b") as made:
        stream = Stream(ways, made)
        assert [one.number for one in stream.run((n,) for n in range(9))] == list(range(9))
    for span in stream.spans:
        label, _, number = span.label.partition(" #")
        assert span.lane == ("a" if int(number) % 2 == 0 or label == "gan.1" else "b")
