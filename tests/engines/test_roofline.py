"""Rooflines against hand counts, the accelerator's table on real graphs, and the published tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from onnx import TensorProto, helper

from engines import paper_tables
from engines.roofline import Cost, board, costs, profile
from inference.errors import EngineError

EFFICIENCY = {"gpu": 1.0, "dla": 0.5}


def graph(*nodes: Any, weights: dict[str, list[int]], result: list[int]) -> Any:
    """A float graph of one input [1, 4, 8, 8]; weights have shapes only."""
    tensors = [TensorProto(name=name, dims=dims, data_type=TensorProto.FLOAT) for name, dims in weights.items()]
    inside = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4, 8, 8])
    outside = helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, result)
    return helper.make_model(helper.make_graph(list(nodes), "g", [inside], [outside], tensors))


@pytest.fixture
def skipping(tmp_path: Path) -> Path:
    """Two convolutions, and a skip from the first to the concatenation at the end."""
    import onnx

    model = graph(
        helper.make_node("Conv", ["x", "w1"], ["a"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a"], ["r"]),
        helper.make_node("Conv", ["r", "w2"], ["b"], kernel_shape=[1, 1]),
        helper.make_node("Concat", ["b", "r"], ["c"], axis=1),
        helper.make_node("Conv", ["c", "w3"], ["y"], kernel_shape=[1, 1]),
        weights={"w1": [6, 4, 3, 3], "w2": [2, 6, 1, 1], "w3": [5, 8, 1, 1]},
        result=[1, 5, 8, 8],
    )
    onnx.save(model, tmp_path / "m.onnx")
    return tmp_path / "m.onnx"


def test_costs_are_those_counted_by_hand(skipping: Path) -> None:
    first, second, join, last = costs(skipping)
    assert (first.macs, second.macs, join.macs, last.macs) == (6 * 4 * 9 * 64, 2 * 6 * 64, 0, 5 * 8 * 64)
    assert first.traffic_bytes == 4 * (4 * 64 + 6 * 4 * 9 + 6 * 64)
    assert first.weight_bytes == 4 * 6 * 4 * 9
    assert first.live_bytes == 4 * 6 * 64
    assert second.live_bytes == 4 * (2 + 6) * 64  # the skip crosses the cut too
    assert last.live_bytes == 0


def test_time_is_the_longer_of_computing_and_moving(skipping: Path) -> None:
    xavier = board("agx-xavier-fp16")
    heavy = Cost("heavy", 10**9, 4, 4, 0, True)
    wide = Cost("wide", 1, 4 * 10**8, 4, 8 * 10**6, False)
    made = profile("m", (heavy, wide), xavier, EFFICIENCY)
    assert made.layers[0].ms["gpu"] == pytest.approx(2 / 11.3, rel=1e-6)
    assert made.layers[0].ms["dla"] == pytest.approx(2 / 2.5 / 0.5, rel=1e-6)
    assert made.layers[1].ms["gpu"] == pytest.approx(200 / 136.5, rel=1e-6)
    assert made.layers[1].bandwidth_gbps["gpu"] == pytest.approx(136.5, rel=1e-6)
    assert made.layers[1].transition_ms["gpu"] == pytest.approx(0.035 + 4 / 136.5)
    assert made.layers[1].live_bytes == 4 * 10**6
    assert made.layers[1].legal == {"gpu": True, "dla": False}


def test_an_unknown_board_is_said() -> None:
    with pytest.raises(EngineError, match="no board abacus"):
        board("abacus")


@pytest.fixture(scope="module")
def tables() -> paper_tables.Report:
    pytest.importorskip("torch", reason="the published networks are drawn with PyTorch")
    return paper_tables.report()


@pytest.mark.slow
def test_the_published_networks_are_counted_right(tables: paper_tables.Report) -> None:
    counted = {name: sum(c.macs for c in paper_tables._costs(name)) / 1e9 for name in ("pix2pix-crop", "pix2pix-conv")}
    assert counted["pix2pix-crop"] == pytest.approx(6.048, abs=0.001)
    assert counted["pix2pix-conv"] == pytest.approx(8.668, abs=0.001)
    assert sum(c.macs for c in paper_tables._costs("detector")) / 1e9 == pytest.approx(4.04, rel=0.03)
    refused = [c.name for c in paper_tables._costs("pix2pix-original") if not c.dla]
    assert len(refused) == 8
    assert all(c.dla for name in ("pix2pix-crop", "pix2pix-conv", "detector") for c in paper_tables._costs(name))


@pytest.mark.slow
def test_the_fit_is_near_the_published_rates_and_says_that_it_is_one(tables: paper_tables.Report) -> None:
    assert tables.error_percent < 15
    assert all(0.05 < share < 1 for share in tables.efficiency.values())
    rows = {(row.published.tables, row.published.model): row for row in tables.rows}
    for row in tables.rows:
        if row.fitted:
            assert row.gpu_fps == pytest.approx(row.published.gpu_fps, rel=0.25)
            assert row.dla_fps == pytest.approx(row.published.dla_fps, rel=0.25)
    for where in ("III, IV", "V, VI"):
        assert rows[where, "pix2pix-crop"].gpu_fps > rows[where, "pix2pix-conv"].gpu_fps
    plain = rows["III, IV", "pix2pix-original"]
    assert plain.fallbacks > 0
    assert plain.dla_fps / plain.gpu_fps == pytest.approx(86.94 / 172.59, abs=0.1)  # predicted, not fitted
    assert "A fit, not a validation" in paper_tables.text(tables)
    assert paper_tables.document(tables)["kind"] == "fit"
