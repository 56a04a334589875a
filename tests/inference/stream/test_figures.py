"""The figures of a stream whose times are known."""

from __future__ import annotations

import pytest

from inference.errors import InputRefused
from inference.lanes import Span
from inference.stream.figures import figures
from inference.stream.route import Answered


def test_a_known_stream_is_counted_exactly():
    # Lane a works 8 ms of every 10 ms period, lane b 4 ms; each slice arrives 25 ms before it is done.
    answered = [Answered(n, {}, 0.010 * n - 0.015, 0.010 * (n + 1)) for n in range(11)]
    spans = [Span("a", f"gan 0-3 #{n}", 0.010 * n + 0.002, 0.010 * (n + 1)) for n in range(11)]
    spans += [Span("b", f"detector 0-1 #{n}", 0.010 * n, 0.010 * n + 0.002) for n in range(11)]
    spans += [Span("b", f"detector 2-3 #{n}", 0.010 * n + 0.005, 0.010 * n + 0.007) for n in range(11)]
    found = figures(answered, spans, ("a", "b", "c"))
    assert found.slices == 11
    assert found.fps == pytest.approx(100)
    assert found.period_ms == pytest.approx(10)
    assert (found.latency_p50_ms, found.latency_p95_ms) == pytest.approx((25, 25))
    a, b, c = found.lanes
    assert (a.fps, a.idle_percent, a.busy_fps) == pytest.approx((100, 20, 125))
    assert (b.fps, b.idle_percent, b.busy_fps) == pytest.approx((100, 60, 250))
    assert (c.fps, c.idle_percent, c.busy_fps) == pytest.approx((0, 100, 0))


def test_the_slow_slices_show_in_the_95th_percentile():
    answered = [Answered(n, {}, float(n), n + (0.5 if n >= 90 else 0.1)) for n in range(100)]
    found = figures(answered, [], ())
    assert found.latency_p50_ms == pytest.approx(100)
    assert found.latency_p95_ms == pytest.approx(500)


def test_two_slices_have_no_rate():
    with pytest.raises(InputRefused, match="2 slices has no rate"):
        figures([Answered(n, {}, 0.0, float(n)) for n in range(2)], [], ())
