"""Layouts, graphs and placements, each by itself and without a stand-in."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from standin import formats
from standin.verbs import computed

from inference.backends.tensorrt import graphs
from inference.backends.tensorrt.layout import Layout
from inference.backends.tensorrt.placement import Placement, Stretch, Unit, on
from inference.result import Precision

KINDS = ("LINEAR", "CHW16", "CHW32", "DLA_LINEAR", "DLA_HWC4")
SHAPES = st.tuples(st.integers(1, 3), st.integers(1, 40), st.integers(1, 9), st.integers(1, 70))


def layout(shape, kind, dtype, reach):
    lanes = formats.LANES.get(kind, 1)
    steps = formats.strides(shape, kind, dtype)
    scale = reach / 127 if reach else None
    return Layout(shape, steps, np.dtype(formats.NUMPY[dtype]), 1 if lanes > 1 else -1, lanes, scale)


@given(SHAPES, st.sampled_from(KINDS), st.sampled_from(["FLOAT", "HALF", "INT8"]), st.integers(0, 2**32 - 1))
def test_values_come_back_and_lie_where_the_format_says(shape, kind, dtype, seed):
    if kind == "DLA_HWC4":
        shape = (shape[0], min(shape[1], 4), *shape[2:])
    reach = 4.0 if dtype == "INT8" else None
    made = layout(shape, kind, dtype, reach)
    values = np.random.default_rng(seed).uniform(-4, 4, shape).astype(np.float32)
    memory = np.full(made.size, 7, made.dtype)
    assert memory.nbytes >= formats.length(shape, kind, dtype)
    made.write(values, memory)
    step = {"FLOAT": 0.0, "HALF": 2e-3, "INT8": 4 / 127 / 2 * 1.001}[dtype]
    assert np.abs(made.read(memory) - values).max() <= step
    there = formats.unpack(memory.view(np.uint8), shape, kind, dtype, reach)
    assert np.array_equal(there, made.read(memory))
    assert np.count_nonzero(memory) <= values.size, "padding is zero"


def uint8_graph(tmp_path):
    """An image times a weight, quantised as other tools do: unsigned, zero not at 0."""
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["d"]),
        helper.make_node("DequantizeLinear", ["w.q", "w.s", "w.z"], ["w"], axis=0),
        helper.make_node("Conv", ["d", "w"], ["y"]),
    ]
    random = np.random.default_rng(1)
    weights = [
        numpy_helper.from_array(np.float32(0.05), "s"),
        numpy_helper.from_array(np.uint8(100), "z"),
        numpy_helper.from_array(random.integers(-127, 128, (4, 3, 1, 1)).astype(np.int8), "w.q"),
        numpy_helper.from_array(np.full(4, 0.01, np.float32), "w.s"),
        numpy_helper.from_array(np.zeros(4, np.int8), "w.z"),
    ]
    border = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, c, 5, 5)) for name, c in {"x": 3, "y": 4}.items()
    ]
    graph = helper.make_graph(nodes, "unsigned", border[:1], border[1:], weights)
    path = tmp_path / "unsigned.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path, {"x": random.uniform(-4, 7, (1, 3, 5, 5)).astype(np.float32)}


def test_an_unsigned_quantisation_becomes_a_range_or_a_signed_one(tmp_path):
    path, feed = uint8_graph(tmp_path)
    plain, signed = graphs.plain(path), graphs.symmetric(path)
    assert plain.ranges == {"x": pytest.approx(155 * 0.05)}
    assert [node.op_type for node in onnx.load_from_string(plain.content).graph.node] == ["Conv"]
    kept = {tensor.name: tensor for tensor in onnx.load_from_string(signed.content).graph.initializer}
    assert numpy_helper.to_array(kept["z"]).dtype == np.int8
    assert float(numpy_helper.to_array(kept["s"])) == pytest.approx(155 * 0.05 / 127)
    exact = computed(plain.content, feed)["y"]
    assert np.abs(computed(signed.content, feed)["y"] - exact).max() <= 155 * 0.05 / 127 / 2 * 3 * 1.27 + 1e-5


@pytest.mark.parametrize("precision", list(Precision), ids=lambda p: p.value)
def test_the_plain_graph_is_fp32_and_has_the_same_border(precision, model):
    net = model("normed")
    source = graphs.plain(net.graphs[precision])
    made = onnx.load_from_string(source.content)
    onnx.checker.check_model(made, full_check=True)
    assert not {"Cast", "QuantizeLinear", "DequantizeLinear"} & {node.op_type for node in made.graph.node}
    assert {tensor.data_type for tensor in made.graph.initializer} == {TensorProto.FLOAT}
    assert [value.name for value in (*made.graph.input, *made.graph.output)] == ["x", "y"]
    assert bool(source.ranges) == (precision is Precision.INT8)
    tolerance = {Precision.FP16: 2e-3, Precision.INT8: 3e-2}.get(precision, 0.0)
    assert np.abs(computed(source.content, net.feed)["y"] - net.answer).max() <= tolerance


def test_a_signed_range_reaches_as_far_as_the_data(model):
    """127 steps on both sides: with 128 on one, the library would round to other values than the graph does."""
    net = model("normed")
    ranges = graphs.plain(net.graphs[Precision.INT8]).ranges
    assert ranges["x"] == pytest.approx(np.abs(net.feed["x"]).max(), rel=1e-6)


def test_the_half_graph_is_half_throughout(model):
    net = model("legal")
    for made in (graphs.plain(net.graphs[Precision.FP16]), graphs.symmetric(net.graphs[Precision.INT8])):
        whole = onnx.load_from_string(graphs.half(made).content)
        onnx.checker.check_model(whole, full_check=True)
        kinds = {tensor.data_type for tensor in whole.graph.initializer}
        assert TensorProto.FLOAT not in kinds
        assert {value.type.tensor_type.elem_type for value in (*whole.graph.input, *whole.graph.output)} == {10}


def test_an_integer_cast_is_kept(tmp_path):
    """Only casts between real formats say nothing."""
    nodes = [
        helper.make_node("Cast", ["x"], ["i"], to=TensorProto.INT32),
        helper.make_node("Cast", ["i"], ["f"], to=TensorProto.FLOAT),
        helper.make_node("Cast", ["f"], ["h"], to=TensorProto.FLOAT16),
        helper.make_node("Cast", ["h"], ["y"], to=TensorProto.FLOAT),
    ]
    border = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, 3)) for name in "xy"]
    graph = helper.make_graph(nodes, "casts", border[:1], border[1:])
    path = tmp_path / "casts.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    made = graphs.plain(path)
    feed = {"x": np.array([[1.7, -2.2, 3.0]], np.float32)}
    assert [node.op_type for node in onnx.load_from_string(made.content).graph.node] == ["Cast", "Cast"]
    assert computed(made.content, feed)["y"].tolist() == [[1.0, -2.0, 3.0]]


def test_names_win_over_stretches_and_later_ones_over_earlier():
    placement = Placement(
        stretches=(Stretch(0, 5, Unit.DLA), Stretch(3, 3, Unit.GPU)), layers=(("head", Unit.DLA), ("tail", Unit.GPU))
    )
    units = [
        placement.unit_of(index, name).value for index, name in enumerate(["a", "tail", "c", "d", "e", "f", "head"])
    ]
    assert units == ["DLA", "GPU", "DLA", "GPU", "DLA", "DLA", "DLA"]
    assert placement.uses_dla
    assert not placement.only_dla


def test_devices_by_name():
    assert (on("GPU"), on("GPU1").gpu, on("DLA1").core) == (Placement(), 1, 1)
    assert on("DLA0").only_dla
    assert not on("DLA0").fallback
