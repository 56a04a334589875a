"""What is rounded where, and that both runtimes then say the same."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from engines import int8, ranges
from engines.surgery.fold import folded
from inference.backends.onnxruntime import OnnxRuntimeBackend
from inference.backends.openvino import OpenVinoBackend
from inference.errors import EngineError
from inference.result import Precision

SHAPE = (1, 8, 16, 16)


def weight(name: str, *shape: int) -> onnx.TensorProto:
    values = np.random.default_rng(sum(map(ord, name))).normal(0, 0.2, shape)
    return numpy_helper.from_array(values.astype(np.float32), name)


def skip_net(normed: bool = False) -> onnx.ModelProto:
    """One level of a U-Net: a skip that is read twice, an enlargement, a concatenation."""
    nodes = [
        helper.make_node("Conv", ["x", "first"], ["a"], pads=[1] * 4),
        helper.make_node("LeakyRelu", ["a"], ["b"], alpha=0.1),
        helper.make_node("Conv", ["b", "down"], ["c"], pads=[1] * 4, strides=[2, 2]),
        helper.make_node("LeakyRelu", ["c"], ["d"], alpha=0.1),
        helper.make_node("ConvTranspose", ["d", "up"], ["e"], strides=[2, 2]),
        helper.make_node("Concat", ["e", "b"], ["f"], axis=1),
        helper.make_node("Conv", ["f", "last"], ["y"], pads=[1] * 4),
    ]
    arrays = [weight("first", 8, 8, 3, 3), weight("down", 16, 8, 3, 3), weight("up", 16, 8, 2, 2)]
    arrays.append(weight("last", 4, 16, 3, 3))
    if normed:
        nodes.insert(1, helper.make_node("InstanceNormalization", ["a", "one", "nil"], ["n"]))
        nodes[2].input[0] = "n"
        arrays += [numpy_helper.from_array(np.full(8, value, np.float32), name) for name, value in NORM.items()]
    return model(nodes, arrays, (1, 4, 16, 16))


NORM = {"one": 1.0, "nil": 0.0}


def model(nodes: list, arrays: list, answer: tuple[int, ...]) -> onnx.ModelProto:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, SHAPE)
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, answer)
    graph = helper.make_graph(nodes, "net", [x], [y], arrays)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def written(folder: Path, net: onnx.ModelProto, values: np.ndarray, whole: tuple[str, ...] = ()) -> Path:
    onnx.save(net, folder / "net.onnx")
    np.savez(folder / "vector.npz", x=values)
    int8.write(folder / "net.onnx", folder / "vector.npz", folder / "int8.onnx", whole)
    return folder / "int8.onnx"


def noise(seed: int = 5) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(SHAPE, np.float32)


def stored(path: Path) -> dict[str, np.ndarray]:
    return {w.name: numpy_helper.to_array(w) for w in onnx.load(path).graph.initializer}


def inputs(path: Path) -> dict[str, list[str]]:
    return {node.output[0]: list(node.input) for node in onnx.load(path).graph.node}


def test_what_is_concatenated_shares_one_scale_and_is_rounded_once(tmp_path: Path) -> None:
    path = written(tmp_path, skip_net(), noise())
    assert inputs(path)["f"] == ["e.dq", "b.dq"]
    assert inputs(path)["y"][0] == "f"
    assert inputs(path)["c"][0] == "b.dq"
    values = stored(path)
    assert values["e.scale"] == values["b.scale"]


def test_transposed_convolutions_and_norms_read_signed_steps_and_all_else_unsigned(tmp_path: Path) -> None:
    path = written(tmp_path, skip_net(normed=True), noise())
    zeros = {name.removesuffix(".zero"): value for name, value in stored(path).items() if value.ndim == 0}
    zeros = {name: value for name, value in zeros.items() if not name.endswith("scale")}
    assert {name for name, zero in zeros.items() if zero.dtype == np.int8} == {"a", "d"}
    assert {int(zero) for zero in zeros.values() if zero.dtype == np.uint8} == {128}
    assert inputs(path)["n"][0] == "a.dq"


def folded_net(width: int = 8) -> onnx.ModelProto:
    """That level with an instance norm behind it and its upsampling folded; four outputs become phases."""
    net = skip_net()
    net.graph.node[-1].output[0], net.graph.node[-1].input[1] = "g", "wide"
    net.graph.output[0].type.tensor_type.shape.dim[1].dim_value = width
    net.graph.node[4].input.append("lift")
    net.graph.node.append(helper.make_node("InstanceNormalization", ["g", "one", "nil"], ["y"]))
    net.graph.initializer.extend([weight("lift", 8), weight("wide", width, 16, 3, 3)])
    norm = {name: np.full(width, value, np.float32) for name, value in NORM.items()}
    net.graph.initializer.extend(numpy_helper.from_array(values, name) for name, values in norm.items())
    return folded(net)


def test_the_halves_of_a_folded_convolution_and_their_sum_are_whole_steps(tmp_path: Path) -> None:
    path = written(tmp_path, folded_net(), noise())
    read, zeros = inputs(path), stored(path)
    assert read["g"] == ["g/fine.out.dq", "g/raise.out.dq"]
    assert read["y"][0] == "g.dq"
    assert {zeros[f"{name}.zero"].dtype.name for name in ("g", "g/fine.out", "g/raise.out")} == {"int8"}
    assert len({float(zeros[f"{name}.scale"]) for name in ("g", "g/fine.out", "g/raise.out")}) == 3


def test_a_layer_that_shall_stay_whole_does_in_every_form_of_the_graph(tmp_path: Path) -> None:
    plain = inputs(written(tmp_path, skip_net(), noise(), ("y",)))
    assert plain["y"] == ["f", "last"]
    assert plain["f"] == ["e", "b"]
    assert plain["c"][0] == "b.dq"
    halves = inputs(written(tmp_path, folded_net(), noise(), ("g",)))
    assert halves["g"] == ["g/fine.out", "g/raise.out"]
    assert not any(name.endswith(".dq") for name in (*halves["g/fine.out"], *halves["g/raise.out"]))
    assert any(name.endswith(".dq") for name in halves["c"])


def test_a_half_that_others_read_too_stays_whole(tmp_path: Path) -> None:
    net = folded_net()
    net.graph.node.append(helper.make_node("ReduceMean", ["g/fine.out"], ["z"], axes=[1, 2, 3]))
    net.graph.output.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, (1, 1, 1, 1)))
    assert inputs(written(tmp_path, net, noise()))["g"] == ["g/fine.out", "g/raise.out"]


def test_a_concatenation_that_others_read_too_stays_whole(tmp_path: Path) -> None:
    net = skip_net()
    net.graph.node.append(helper.make_node("ReduceMean", ["f"], ["z"], axes=[1, 2, 3]))
    net.graph.output.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, (1, 1, 1, 1)))
    path = written(tmp_path, net, noise())
    assert inputs(path)["f"] == ["e", "b"]
    assert inputs(path)["y"][0] == "f.dq"


@pytest.mark.parametrize("form", ["plain", "normed", "folded", "phases"])
def test_both_runtimes_say_the_same_and_stay_close_to_fp32(tmp_path: Path, form: str) -> None:
    made = {"folded": folded_net, "phases": partial(folded_net, 4), "normed": partial(skip_net, True)}
    net = made.get(form, skip_net)()
    path = written(tmp_path, net, noise())
    truth = ask(OnnxRuntimeBackend(1, optimise=False), tmp_path / "net.onnx", Precision.FP32)
    strict = ask(OnnxRuntimeBackend(1, optimise=False), path, Precision.INT8)
    fast = ask(OpenVinoBackend(1), path, Precision.INT8)
    extent = float(np.ptp(truth))
    assert np.sqrt(np.mean((strict - truth) ** 2)) < 1e-2 * extent
    assert np.sqrt(np.mean((fast - strict) ** 2)) < 3e-3 * extent


def ask(backend: OnnxRuntimeBackend | OpenVinoBackend, path: Path, precision: Precision) -> np.ndarray:
    return backend.load(path, precision, "CPU").infer({"x": noise()})["y"]


@settings(max_examples=10, deadline=None)
@given(st.floats(1e-3, 1e3), st.integers(0, 100))
def test_ranges_are_the_largest_values(scale: float, seed: int) -> None:
    net = model([helper.make_node("Neg", ["x"], ["y"])], [], SHAPE)
    feeds = [{"x": noise(seed) * np.float32(scale)}, {"x": noise(seed + 1)}]
    found = ranges.largest(net, {"x", "y"}, feeds)
    expected = max(float(np.abs(feed["x"]).max()) for feed in feeds)
    assert found == {"x": pytest.approx(expected), "y": pytest.approx(expected)}


def test_a_tensor_that_is_not_there_is_an_error() -> None:
    with pytest.raises(EngineError, match="no tensor ghost"):
        ranges.largest(model([helper.make_node("Neg", ["x"], ["y"])], [], SHAPE), {"ghost"}, [])
