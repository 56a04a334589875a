"""A chain of convolutions, one of which has a channel that drowns the others in eight bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from engines.quantize.pictures import Picture

SHAPE = (1, 3, 16, 16)
OUTLIER = "second"


def outlier_net() -> onnx.ModelProto:
    """first - second - third. `first` writes one channel 4000 times larger than the rest, and `second` reads it with a
    weight as much smaller: what `second` reads needs more than 256 steps. A norm and a concatenation come behind."""
    rng = np.random.default_rng(5)
    first, second = rng.normal(0, 0.3, (6, 3, 3, 3)), rng.normal(0, 0.3, (6, 6, 3, 3))
    first[2] *= 4000
    second[:, 2] /= 4000
    arrays = {
        "first.w": first,
        "second.w": second,
        "third.w": rng.normal(0, 0.3, (4, 6, 3, 3)),
        "last.w": rng.normal(0, 0.3, (2, 8, 1, 1)),
        "one": np.ones(4),
        "nil": np.zeros(4),
    }
    nodes = [
        helper.make_node("Conv", ["x", "first.w"], ["first"], pads=[1] * 4),
        helper.make_node("Conv", ["first", "second.w"], ["second"], pads=[1] * 4),
        helper.make_node("LeakyRelu", ["second"], ["second.a"], alpha=0.1),
        helper.make_node("Conv", ["second.a", "third.w"], ["third"], pads=[1] * 4),
        helper.make_node("InstanceNormalization", ["third", "one", "nil"], ["third.n"]),
        helper.make_node("Relu", ["third.n"], ["third.a"]),
        helper.make_node("Neg", ["third.n"], ["third.b"]),
        helper.make_node("Concat", ["third.a", "third.b"], ["both"], axis=1),
        helper.make_node("Conv", ["both", "last.w"], ["y"]),
    ]
    weights = [numpy_helper.from_array(values.astype(np.float32), name) for name, values in arrays.items()]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, SHAPE)
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 2, 16, 16))
    graph = helper.make_graph(nodes, "chain", [x], [y], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


@pytest.fixture
def net(tmp_path: Path) -> Path:
    onnx.save(outlier_net(), tmp_path / "net.onnx")
    return tmp_path / "net.onnx"


@pytest.fixture(scope="session")
def pool() -> list[Picture]:
    rng = np.random.default_rng(6)
    labels = ["none"] * 14 + ["bleed"] * 6
    return [Picture({"x": rng.standard_normal(SHAPE, np.float32)}, label, f"{n}") for n, label in enumerate(labels)]
