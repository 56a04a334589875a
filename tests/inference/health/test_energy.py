"""Joules integrated from readings, held against closed forms; a broken stretch is absent, never too small."""

from __future__ import annotations

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.health.energy import Energy, Trace
from inference.health.reading import Part, Reading, Scope
from inference.health.sampler import Sampler
from inference.health.watch import Watch

SILENT = Part("rapl", "The counter has gone.", Scope.PROCESSOR)


def at(at_s: float, watts: float | None = None, joules: float | None = None, source: str = "rapl") -> Reading:
    return Reading(at_s, (Part(source, scope=Scope.PROCESSOR, watts=watts, joules=joules),))


def traced(*readings: Reading) -> Trace:
    trace = Trace()
    for reading in readings:
        trace.add(reading)
    return trace


@given(
    power=st.floats(0.0, 500.0),
    slope=st.floats(0.0, 20.0),
    times=st.lists(st.floats(0.001, 5.0), min_size=2, max_size=30),
    ends=st.tuples(st.floats(0.0, 1.0), st.floats(0.0, 1.0)),
)
def test_power_that_rises_evenly_is_integrated_exactly_between_readings(power, slope, times, ends):
    moments = [0.0]
    for step in times:
        moments.append(moments[-1] + step)
    trace = traced(*(at(t, power + slope * t) for t in moments))
    start, end = moments[0], moments[-1]
    assert trace.energy(start, end).joules == pytest.approx(power * (end - start) + slope * (end**2 - start**2) / 2)
    low, high = sorted(start + share * (end - start) for share in ends)
    part = trace.energy(low, high)
    assert part.joules is not None
    assert part.joules >= -1e-9
    whole = [trace.energy(start, low).joules, part.joules, trace.energy(high, end).joules]
    assert sum(j for j in whole if j is not None) == pytest.approx(trace.energy(start, end).joules, abs=1e-6)


def test_a_counter_is_believed_before_watts():
    trace = traced(at(0.0, None, 0.0), at(1.0, 99.0, 10.0), at(2.0, 99.0, 40.0))
    assert trace.energy(0.0, 2.0).joules == 40.0
    assert trace.energy(0.5, 1.5).joules == pytest.approx(5.0 + 15.0)


def test_efficiency_is_work_per_joule():
    energy = Energy(4.0, 60.0, ("rapl",))
    assert energy.mean_watts == 15.0
    assert energy.joules_per(30) == 2.0
    fps = 30 / energy.seconds
    assert energy.per_watt(30) == pytest.approx(fps / 15.0)


@pytest.mark.parametrize(
    "readings",
    [
        (at(0, 10.0), Reading(1, (SILENT,)), at(2, 10.0)),
        (at(0, 10.0), at(1, 10.0), Reading(2, (SILENT,))),
        (at(0, 10.0), at(1, 10.0, source="nvml"), at(2, 10.0, source="nvml")),
        (at(0, None, 50.0), at(1, None, 20.0), at(2, None, 30.0)),
    ],
    ids=["silent between", "silent at the end", "another source", "a counter that fell"],
)
def test_a_broken_stretch_is_absent_with_a_reason(readings):
    energy = traced(*readings).energy(0.0, 2.0)
    assert energy.joules is None
    assert energy.absent.endswith(".")
    assert (energy.mean_watts, energy.per_watt(5), energy.joules_per(5)) == (None, None, None)


def test_a_break_outside_the_stretch_does_no_harm():
    trace = traced(at(0, 1.0), Reading(1, (SILENT,)), at(2, 10.0), at(3, 10.0), at(4, 10.0))
    assert trace.energy(2.5, 4.0).joules == pytest.approx(15.0)
    assert trace.energy(1.5, 4.0).joules is None


@pytest.mark.parametrize("stretch", [(-1.0, 1.0), (1.0, 3.0)])
def test_a_stretch_beyond_the_readings_is_absent(stretch):
    assert traced(at(0, 5.0), at(2, 5.0)).energy(*stretch).joules is None


def test_nothing_read_is_absent():
    assert Trace().energy(0.0, 1.0).absent != ""
    assert traced(at(0.0, 5.0)).energy(0.0, 0.0).absent != ""


class Steady:
    """A source of 20 W that counts how often it was asked and closed."""

    name = "steady"

    def __init__(self, watts: float | None = 20.0) -> None:
        self.watts, self.asked, self.closed = watts, 0, 0

    def read(self, now_s: float) -> Part:
        self.asked += 1
        if self.watts is None:
            return Part(self.name, "No sensor.", Scope.BOARD)
        return Part(self.name, scope=Scope.BOARD, watts=self.watts)

    def close(self) -> None:
        self.closed += 1


def test_a_watch_measures_what_runs_inside_it():
    source = Steady()
    watch = Watch(Sampler((source,)), period_s=60.0)
    with watch.measuring(0.01):
        begin = time.perf_counter()
        time.sleep(0.3)
        end = time.perf_counter()
    energy = watch.energy(begin, end)
    watch.close()
    assert energy.joules == pytest.approx(20.0 * (end - begin), rel=1e-6)
    assert source.asked > 3, "it was also read between the ends"
    assert source.closed == 1


def test_two_measure_at_once_and_the_calm_pace_comes_back():
    source = Steady()
    watch = Watch(Sampler((source,)), period_s=60.0)
    with watch.measuring(0.01):
        with watch.measuring(5.0):
            pass
        asked = source.asked
        time.sleep(0.1)
        assert source.asked > asked, "the first still measures"
    seen = [source.asked]
    while len(seen) < 50 and (len(seen) < 2 or seen[-1] != seen[-2]):
        time.sleep(0.1)
        seen.append(source.asked)
    assert seen[-1] == seen[-2], "it is read no more"
    watch.close()


def test_without_power_nothing_is_read_in_the_background():
    source = Steady(None)
    watch = Watch(Sampler((source,)))
    before = threading.active_count()
    with watch.measuring(0.01):
        assert threading.active_count() == before
        begin = end = time.perf_counter()
    assert source.asked == 2
    assert watch.energy(begin, end).absent == "No sensor."
    watch.close()


def test_a_watch_ends_its_thread_closes_once_and_still_answers():
    source = Steady()
    watch = Watch(Sampler((source,)), period_s=0.005)
    watch.start()
    watch.start()
    deadline = time.perf_counter() + 10
    while watch.latest is None and time.perf_counter() < deadline:
        time.sleep(0.005)
    watch.close()
    watch.close()
    asked = source.asked
    assert watch.latest is not None
    assert watch.sample() is watch.latest
    time.sleep(0.05)
    assert (source.asked, source.closed) == (asked, 1)
    assert not any(thread.name == "insula-health" for thread in threading.enumerate())


def test_a_closed_watch_does_not_start_again():
    watch = Watch(Sampler((Steady(),)))
    watch.close()
    watch.start()
    assert not any(thread.name == "insula-health" for thread in threading.enumerate())


def test_a_watch_may_be_asked_from_many_threads_at_once():
    source = Steady()
    taken: list[Reading] = []
    watch = Watch(Sampler((source,)), period_s=0.001, record=taken.append)
    watch.start()
    threads = [threading.Thread(target=lambda: [watch.sample() for _ in range(50)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    watch.close()
    moments = [reading.at_s for reading in taken]
    assert moments == sorted(moments)
    assert source.asked == len(taken) >= 200
    assert watch.energy(moments[0], moments[-1]).joules == pytest.approx(20.0 * (moments[-1] - moments[0]))
