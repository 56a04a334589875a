"""Counting an ONNX graph: weights, what is alive at once, multiply-adds."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from engines.describe import describe
from engines.library import bundles
from inference.errors import EngineError
from inference.host.cost import cost_of


def saved(nodes: list[onnx.NodeProto], ends: tuple[str, str], size: int, folder: Path) -> Path:
    first, last = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, size]) for name in ends)
    model = helper.make_model(
        helper.make_graph(nodes, "g", [first], [last]), opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    )
    path = folder / "graph.onnx"
    onnx.save(model, path)
    return path


@given(st.integers(1, 12), st.integers(1, 50))
def test_a_chain_never_holds_more_than_two_of_its_values(tmp_path_factory, length, size):
    nodes = [helper.make_node("Relu", [f"v{n}"], [f"v{n + 1}"]) for n in range(length)]
    found = cost_of(saved(nodes, ("v0", f"v{length}"), size, tmp_path_factory.mktemp("chain")))
    assert found.live_bytes == 2 * 4 * size
    assert found.answer_bytes == 4 * size
    assert (found.weight_bytes, found.macs) == (0, 0)


@given(st.integers(1, 8), st.integers(1, 50))
def test_skips_stay_alive_until_they_are_read(tmp_path_factory, depth, size):
    """As in a U-Net: values 0 to depth - 1 wait for the way back."""
    down = [helper.make_node("Relu", [f"d{n}"], [f"d{n + 1}"]) for n in range(depth)]
    ups = ["d" + str(depth), *(f"u{n}" for n in range(depth))]
    up = [helper.make_node("Add", [ups[n], f"d{depth - 1 - n}"], [ups[n + 1]]) for n in range(depth)]
    found = cost_of(saved(down + up, ("d0", ups[-1]), size, tmp_path_factory.mktemp("u")))
    assert found.live_bytes == (depth + 2) * 4 * size


@pytest.mark.parametrize("bundle", bundles(), ids=lambda bundle: bundle.task.name)
def test_it_counts_as_describe_does(bundle):
    told = describe(bundle.task.name, "shipped", bundle.model)
    found = cost_of(bundle.model)
    assert found.macs / 1e9 == pytest.approx(told["gmac"], abs=1e-4)
    assert found.weight_bytes == pytest.approx(4 * told["parameters"], rel=1e-3)


def test_what_is_no_graph_is_said(tmp_path):
    (tmp_path / "graph.onnx").write_bytes(b"no")
    with pytest.raises(EngineError, match=r"graph\.onnx is not a readable ONNX file"):
        cost_of(tmp_path / "graph.onnx")
