"""Small networks with the layers of the real ones, as ONNX files in each precision."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

SHAPES = {"flat": (1, 3, 32, 32), "solid": (1, 2, 16, 16, 16), "dense": (1, 12)}


def weight(name: str, *shape: int, dtype: type = np.float32) -> onnx.TensorProto:
    values = np.random.default_rng(len(name) + sum(shape)).normal(0, 0.2, shape)
    return numpy_helper.from_array(values.astype(dtype), name)


def constant(name: str, values: object, dtype: type = np.float32) -> onnx.TensorProto:
    return numpy_helper.from_array(np.asarray(values, dtype), name)


def model(nodes: list, weights: list, shape: tuple, answer: tuple, border: int = TensorProto.FLOAT) -> onnx.ModelProto:
    x = helper.make_tensor_value_info("x", border, shape)
    y = helper.make_tensor_value_info("y", border, answer)
    graph = helper.make_graph(nodes, "net", [x], [y], weights)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(made)
    return made


def flat() -> onnx.ModelProto:
    """Convolution, instance norm, leaky ReLU, deconvolution, crop, tanh: a slice of a Pix2Pix generator."""
    nodes = [
        helper.make_node("Conv", ["x", "down", "bias"], ["a"], strides=[2, 2], pads=[1, 1, 1, 1]),
        helper.make_node("InstanceNormalization", ["a", "one", "zero"], ["b"]),
        helper.make_node("LeakyRelu", ["b"], ["c"], alpha=0.2),
        helper.make_node("ConvTranspose", ["c", "upward"], ["d"], strides=[2, 2]),
        helper.make_node("Slice", ["d", "start", "stop", "axes"], ["e"]),
        helper.make_node("Tanh", ["e"], ["y"]),
    ]
    weights = [
        weight("down", 8, 3, 4, 4),
        weight("bias", 8),
        constant("one", np.ones(8)),
        constant("zero", np.zeros(8)),
        weight("upward", 8, 1, 4, 4),
        constant("start", [1, 1], np.int64),
        constant("stop", [33, 33], np.int64),
        constant("axes", [2, 3], np.int64),
    ]
    return model(nodes, weights, SHAPES["flat"], (1, 1, 32, 32))


def solid() -> onnx.ModelProto:
    """A 3D U-Net of one level: convolution, instance norm, down, up, skip, 1x1x1 convolution."""
    nodes = [
        helper.make_node("Conv", ["x", "first", "bias"], ["a"], pads=[1] * 6),
        helper.make_node("InstanceNormalization", ["a", "one", "zero"], ["b"]),
        helper.make_node("LeakyRelu", ["b"], ["c"], alpha=0.01),
        helper.make_node("Conv", ["c", "down"], ["d"], pads=[1] * 6, strides=[2] * 3),
        helper.make_node("ConvTranspose", ["d", "upward"], ["e"], strides=[2] * 3),
        helper.make_node("Concat", ["e", "c"], ["f"], axis=1),
        helper.make_node("Conv", ["f", "last"], ["y"]),
    ]
    weights = [
        weight("first", 8, 2, 3, 3, 3),
        weight("bias", 8),
        constant("one", np.ones(8)),
        constant("zero", np.zeros(8)),
        weight("down", 16, 8, 3, 3, 3),
        weight("upward", 16, 8, 2, 2, 2),
        weight("last", 2, 16, 1, 1, 1),
    ]
    return model(nodes, weights, SHAPES["solid"], (1, 2, 16, 16, 16))


def dense() -> onnx.ModelProto:
    """One matrix product and a logarithm, which answers NaN below zero."""
    nodes = [helper.make_node("MatMul", ["x", "matrix"], ["a"]), helper.make_node("Log", ["a"], ["y"])]
    return model(nodes, [constant("matrix", np.eye(12))], SHAPES["dense"], SHAPES["dense"])


def deep() -> onnx.ModelProto:
    """Long enough to be stopped on the way."""
    nodes = [helper.make_node("Conv", [f"t{i}", "w"], [f"t{i + 1}"], pads=[1] * 6) for i in range(60)]
    nodes[0].input[0], nodes[-1].output[0] = "x", "y"
    return model(nodes, [weight("w", 16, 16, 3, 3, 3)], (1, 16, 64, 64, 64), (1, 16, 64, 64, 64))


@pytest.fixture(scope="session")
def net(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A function from a network's name to its fp32 ONNX file."""
    folder = tmp_path_factory.mktemp("nets")
    makers = {"flat": flat, "solid": solid, "dense": dense, "deep": deep}

    def find(name: str) -> Path:
        path = folder / f"{name}.onnx"
        if not path.exists():
            onnx.save(makers[name](), path)
        return path

    return find


@pytest.fixture(scope="session")
def feed() -> Callable[[str], dict[str, np.ndarray]]:
    """A function from a network's name to a noisy input."""
    return lambda name: {"x": np.random.default_rng(7).standard_normal(SHAPES[name], np.float32)}


@pytest.fixture(scope="session")
def odd_graph(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A function from what is wrong with a file to that file."""
    folder = tmp_path_factory.mktemp("odd")

    def make(fault: str) -> Path:
        path = folder / f"{fault}.onnx"
        one = helper.make_node("Identity", ["x"], ["y"])
        if fault == "text":
            path.write_text("this is no network")
        elif fault == "dynamic":
            onnx.save(model([one], [], ("n", 3), ("n", 3)), path)
        elif fault == "double":
            onnx.save(model([one], [], (1, 3), (1, 3), TensorProto.DOUBLE), path)
        elif fault == "unknown":
            made = model([one], [], (1, 3), (1, 3))
            made.graph.node[0].op_type = "Teleport"
            onnx.save(made, path)
        return path

    return make
