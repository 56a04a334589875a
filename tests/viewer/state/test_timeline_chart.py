"""Charts: what is cut off at the borders, idle shares, ticks and words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.lanes import Span
from inference.schedule.objective import Objective
from inference.schedule.profile import Layer, Profile
from inference.schedule.search import schedule
from viewer.state.timeline import chart_of_schedule, chart_of_spans, ticks, time_text


def profile(name: str, *columns: tuple[float, float]) -> Profile:
    both = {"gpu": True, "dla": True}
    none = {"gpu": 0.0, "dla": 0.0}
    layers = (Layer(f"{i}", {"gpu": g, "dla": d}, none, none, both) for i, (g, d) in enumerate(columns))
    return Profile(name, ("gpu", "dla"), tuple(layers))


PAIR = (profile("a", (4, 2), (2, 6)), profile("b", (2, 6), (6, 2)))


def test_a_stream_is_cut_at_whole_periods() -> None:
    chart = chart_of_schedule(schedule(PAIR, Objective.PERIOD))
    assert chart.title == "Period 4 ms"
    assert chart.length_s == pytest.approx(0.012)
    assert chart.marks_s == pytest.approx((0.004, 0.008))
    assert chart.idle_percent == pytest.approx((0, 0), abs=1e-9)
    for lane in range(2):
        busy = sum(bar.end_s - bar.start_s for bar in chart.bars if bar.lane == lane)
        assert busy == pytest.approx(0.012)


def test_a_round_is_shown_whole() -> None:
    chart = chart_of_schedule(schedule(PAIR, Objective.MAKESPAN))
    assert chart.title == "Makespan 4 ms"
    assert chart.marks_s == ()
    assert {(bar.lane, bar.model, bar.words) for bar in chart.bars} == {
        (0, "a", "1-1"),
        (0, "b", "0-0"),
        (1, "a", "0-0"),
        (1, "b", "1-1"),
    }
    assert "GPU only 14 ms" in chart.notes[1]
    assert "proven optimal" in chart.notes[1]


def test_real_spans_keep_their_labels() -> None:
    spans = (Span("cpu0", "Stroke lesion", 5.0, 7.0), Span("cpu1", "GAN", 6.0, 9.0))
    chart = chart_of_spans("Jobs", spans)
    assert chart.lanes == ("cpu0", "cpu1")
    assert chart.length_s == 4
    assert chart.idle_percent == pytest.approx((50, 25))
    assert chart.bars[0].model == "Stroke lesion"
    assert chart.bars[1].start_s == 1


def test_nothing_has_run() -> None:
    chart = chart_of_spans("Jobs", (), ("Read",))
    assert chart.bars == ()
    assert chart.idle_percent == (100.0,)
    assert chart.notes == ("Nothing has run yet.",)


@given(st.floats(1e-9, 1e5))
def test_ticks_are_few_even_and_inside(length: float) -> None:
    found = ticks(length)
    assert 2 <= len(found) <= 11
    assert found[0] == 0
    assert found[-1] <= length * (1 + 1e-6)
    assert all(found[i] == pytest.approx(found[1] * i) for i in range(len(found)))


def test_the_unit_reads_best() -> None:
    assert [time_text(s) for s in (0, 2e-6, 0.00252, 0.5, 1.4, 250)] == [
        "0 ms",
        "2 µs",
        "2.52 ms",
        "500 ms",
        "1.4 s",
        "250 s",
    ]
