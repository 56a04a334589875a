"""A small U-Net with a skip and two outputs, and what may go wrong in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from engines.parity.step import Run
from inference.backends.onnxruntime import OnnxRuntimeBackend
from inference.result import Precision

SHAPE = (1, 2, 16, 16)


def forked_net() -> onnx.ModelProto:
    """stem - down - deep - up, joined with the stem's skip, then two heads that know nothing of each other."""

    def conv(name: str, source: str, **how: object) -> onnx.NodeProto:
        return helper.make_node("Conv", [source, f"{name}.w"], [name], name=f"conv {name}", **how)

    nodes = [
        conv("stem", "x", pads=[1] * 4),
        helper.make_node("LeakyRelu", ["stem"], ["stem.a"], alpha=0.1),
        conv("down", "stem.a", pads=[1] * 4, strides=[2, 2]),
        helper.make_node("LeakyRelu", ["down"], ["down.a"], alpha=0.1),
        conv("deep", "down.a", pads=[1] * 4),
        helper.make_node("ConvTranspose", ["deep", "up.w"], ["up"], name="conv up", strides=[2, 2]),
        helper.make_node("Concat", ["up", "stem.a"], ["both"], axis=1),
        conv("join", "both", pads=[1] * 4),
        helper.make_node("LeakyRelu", ["join"], ["join.a"], alpha=0.1),
        conv("left", "join.a"),
        conv("right", "join.a"),
    ]
    shapes = {"stem": (4, 2, 3, 3), "down": (8, 4, 3, 3), "deep": (8, 8, 3, 3), "up": (8, 4, 2, 2)}
    shapes |= {"join": (6, 8, 3, 3), "left": (2, 6, 1, 1), "right": (2, 6, 1, 1)}
    rng = np.random.default_rng(7)
    weights = [numpy_helper.from_array(rng.normal(0, 0.3, s).astype(np.float32), f"{n}.w") for n, s in shapes.items()]
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, 2, 16, 16)) for name in ("left", "right")]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, SHAPE)
    graph = helper.make_graph(nodes, "forked", [x], outputs, weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


@pytest.fixture(scope="session")
def feed() -> dict[str, np.ndarray]:
    return {"x": np.random.default_rng(8).standard_normal(SHAPE, np.float32)}


@pytest.fixture
def nets(tmp_path: Path) -> Callable[[str, float], Path]:
    """A function that writes the net, the first weight of one layer changed by so much of the largest."""

    def make(layer: str = "", by: float = 0.0) -> Path:
        net = forked_net()
        for weight in net.graph.initializer:
            if weight.name == f"{layer}.w":
                values = numpy_helper.to_array(weight).copy()
                values.flat[0] += by * np.abs(values).max()
                weight.CopyFrom(numpy_helper.from_array(values, weight.name))
        file = tmp_path / f"net-{layer or 'whole'}.onnx"
        onnx.save(net, file)
        return file

    return make


@pytest.fixture
def step_of() -> Callable[..., Run]:
    """A function from a graph to a step on ONNX Runtime, as written."""

    def make(file: Path, precision: Precision = Precision.FP32) -> Run:
        return Run(file.stem, OnnxRuntimeBackend(1, optimise=False), "CPU", precision, lambda: file, True)

    return make
