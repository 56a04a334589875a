"""A lane keeps order, its cores, and a record of what ran when."""

from __future__ import annotations

import os
import threading

import pytest

from inference.lanes import Lane, LaneSpec, Span


def test_work_is_done_in_order_on_one_thread() -> None:
    lane, seen = Lane(LaneSpec("cpu0")), []
    futures = [lane.submit(str(n), lambda n=n: seen.append((n, threading.get_ident()))) for n in range(20)]
    for future in futures:
        future.result(timeout=5)
    lane.close()
    assert [n for n, _ in seen] == list(range(20))
    assert len({thread for _, thread in seen}) == 1


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system does not pin threads")
def test_a_lane_and_what_it_starts_stay_on_its_cores() -> None:
    core = min(os.sched_getaffinity(0))
    lane = Lane(LaneSpec("cpu0", cores=frozenset({core})))

    def child() -> set[int]:
        found: list[set[int]] = []
        thread = threading.Thread(target=lambda: found.append(os.sched_getaffinity(0)))
        thread.start()
        thread.join()
        return found[0]

    assert lane.submit("look", child).result(timeout=5) == {core}
    lane.close()
    assert os.sched_getaffinity(0) >= {core}


def test_spans_do_not_overlap_and_carry_their_label() -> None:
    spans: list[Span] = []
    lane = Lane(LaneSpec("gpu", "GPU"), spans.append)
    for label in ("a", "b"):
        lane.submit(label, lambda: None).result(timeout=5)
    lane.close()
    assert [(s.lane, s.label) for s in spans] == [("gpu", "a"), ("gpu", "b")]
    assert spans[0].start_s <= spans[0].end_s <= spans[1].start_s


def test_an_error_comes_through_the_future_and_the_lane_goes_on() -> None:
    lane = Lane(LaneSpec("cpu0"))
    with pytest.raises(ZeroDivisionError):
        lane.submit("bad", lambda: 1 / 0).result(timeout=5)
    assert lane.submit("good", lambda: 7).result(timeout=5) == 7
    lane.close()
