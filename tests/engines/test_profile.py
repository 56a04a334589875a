"""A profile adds up, names what crosses each cut, and can be stopped."""

from __future__ import annotations

import numpy as np
import pytest

from engines import layered, profile, stations
from engines.library import Bundle
from inference.errors import JobCancelled
from inference.lanes import LaneSpec
from inference.result import Progress
from inference.schedule.profile import read, write
from inference.schedule.search import schedule

TWO = (
    stations.Station(LaneSpec("left"), "openvino"),
    stations.Station(LaneSpec("right"), "onnxruntime"),
)


def test_a_profile_covers_the_model_on_every_lane(small_bundle: Bundle, tmp_path):
    model = layered.of_bundle(small_bundle, ends=False)
    seen: list[Progress] = []
    found = profile.profile(model, TWO, rounds=2, progress=seen.append)
    assert found.model == "small-net"
    assert found.devices == ("left", "right")
    assert [layer.name for layer in found.layers] == [block.name for block in model.blocks]
    assert [layer.live_bytes for layer in found.layers] == [*(point.live_bytes for point in model.points), 0]
    for lane in found.devices:
        assert sum(layer.ms[lane] for layer in found.layers) > 0
        assert found.layers[-1].transition_ms[lane] == 0
        assert all(layer.legal[lane] for layer in found.layers)
    assert seen[-1] == Progress("done", 2 * len(model.points), 2 * len(model.points))
    again = read(write(found, tmp_path / "a.json"))
    assert again == found
    assert schedule((again,), max_cuts=1).value_ms > 0


def test_an_onnx_file_alone_can_be_profiled(small_bundle: Bundle):
    model = layered.of_model(small_bundle.model, most=1)
    found = profile.profile(model, TWO[:1], rounds=1, loaded=False)
    assert (found.model, len(found.layers)) == ("model", len(model.points) + 1)


def test_it_stops_when_asked(small_bundle: Bundle):
    with pytest.raises(JobCancelled):
        profile.profile(layered.of_bundle(small_bundle, ends=False), TWO, rounds=1, cancelled=lambda: True)


def test_times_are_shared_out_so_that_they_add_up_and_never_run_backwards():
    # Halves of a 10 ms network: after the first cut 3.5 + 7.5 (1 ms for the cut), after the second 6 + 4 (nothing).
    timing = profile._timing(10.0, [(3.5, 7.5), (6.0, 4.0)], ())
    assert timing.layers == pytest.approx((3.0, 3.0, 4.0))
    assert timing.borders == pytest.approx((1.0, 0.0, 0.0))
    noisy = profile._timing(10.0, [(8.0, 7.0), (5.0, 4.0), (12.0, 1.0)], (0.5, 0.25))
    assert sum(noisy.layers) == pytest.approx(10.75)
    assert min(noisy.layers) >= 0
    assert noisy.layers[0] == 0.5
    assert noisy.layers[-1] == 0.25
    assert noisy.borders == pytest.approx((0.0, 5.0, 0.0, 3.0, 0.0, 0.0))


def test_segments_become_parts(small_bundle: Bundle):
    from inference.schedule.plan import ModelPlan, Segment

    model = layered.of_bundle(small_bundle, ends=True)
    last = model.layers - 1
    ends = ModelPlan("small-net", (Segment("a", 0, 0), Segment("b", 1, last - 1), Segment("a", last, last)))
    assert model.parts(ends) == (None, small_bundle.model, None)
    halves = model.parts(ModelPlan("small-net", (Segment("a", 0, 1), Segment("b", 2, last))))
    assert len(halves) == 2
    assert None not in halves
    assert len(set(halves)) == 2
    assert np.diff(model.block_ends(ends)).tolist() == [len(model.blocks), 0]
