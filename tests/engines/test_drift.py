from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.drift import Log, Sample, drift, settled, slope_per_s

VALUES = st.floats(-1e4, 1e4).filter(lambda value: abs(value) > 1e-3 or value == 0)


def line(count: int, start: float, slope: float, step_s: float = 1.0) -> tuple[Sample, ...]:
    return tuple(Sample(n * step_s, start + slope * n * step_s) for n in range(count))


@given(st.integers(2, 900), VALUES, VALUES, st.floats(0.01, 10))
def test_the_slope_of_a_line_is_its_slope(count, start, slope, step_s):
    assert slope_per_s(line(count, start, slope, step_s)) == pytest.approx(slope, rel=1e-4, abs=1e-3)


def test_one_jump_of_memory_does_not_tilt_the_slope():
    flat = [Sample(float(n), 300.0) for n in range(100)]
    flat[50] = Sample(50.0, 5000.0)
    assert slope_per_s(flat) == 0.0


def test_a_leak_in_steps_shows():
    stairs = [Sample(float(n), 300.0 + 10.0 * (n // 20)) for n in range(200)]
    assert slope_per_s(stairs) == pytest.approx(0.5, rel=0.1)


@given(st.integers(20, 500), st.floats(1.0, 100.0), st.floats(1.0, 100.0))
def test_drift_compares_the_ends_and_not_the_middle(count, first, last):
    edge = count // 10
    values = [first] * (edge + 1) + [1e6] * (count - 2 * edge - 2) + [last] * (edge + 1)
    found = drift([Sample(float(n), value) for n, value in enumerate(values)])
    assert found is not None
    assert (found.first, found.last) == (first, last)
    assert found.percent == pytest.approx(100 * (last / first - 1))


@given(st.lists(VALUES, min_size=1, max_size=50))
def test_few_samples_still_have_a_first_and_a_last(values):
    found = drift([Sample(float(n), value) for n, value in enumerate(values)])
    assert found is not None
    assert min(values) <= found.first <= max(values)
    assert min(values) <= found.middle <= max(values)
    assert (found.percent is None) == (found.first == 0)


def test_nothing_and_one_sample():
    assert drift(()) is None
    assert slope_per_s(()) is None
    assert slope_per_s([Sample(1.0, 2.0)]) is None
    assert settled(()) == ()


def test_what_settled_leaves_out_the_first_tenth():
    assert [one.at_s for one in settled(line(21, 0, 1))] == [float(n) for n in range(3, 21)]


def test_a_log_gives_back_what_it_took_in_sixteen_bytes():
    log = Log()
    for n in range(1000):
        log.add(n / 8, float(n))
    assert log.samples() == line(1000, 0.0, 8.0, 0.125)
    assert log.at_s.itemsize + log.value.itemsize == 16
