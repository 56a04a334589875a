"""A whole bundle with a small 3D network, as the trainer would write it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from engines.library import Bundle
from inference.backends.onnxruntime import OnnxRuntimeBackend
from inference.cache import sha256
from inference.result import Precision
from inference.task import read_task

MANIFEST = """
schema = 1
name = "small-net"
title = "A small network"
version = "0.1.0"
kind = "mask"
intended_use = "Tests."
notice = "Demonstration model, not for diagnostic use"
licence = "Apache-2.0"
[model]
file = "model.onnx"
sha256 = "{sha256}"
input = "input"
outputs = ["logits"]
[[channels]]
name = "DWI"
normalise = "zscore"
[sampling]
kind = "tiles"
spacing_mm = [2.0, 2.0, 2.0]
size = [8, 8, 8]
[output]
labels = ["spot"]
[test_vector]
file = "vector.npz"
"""


def small_net() -> onnx.ModelProto:
    """Convolution, instance norm, ReLU, enlargement, 1x1x1 convolution; a Constant node and a Resize among them."""
    random = np.random.default_rng(1)
    weights = {
        "first": random.normal(0, 0.3, (4, 1, 3, 3, 3)),
        "bias": random.normal(0, 0.3, 4),
        "one": np.ones(4),
        "zero": np.zeros(4),
        "last": random.normal(0, 0.3, (2, 4, 1, 1, 1)),
    }
    sizes = numpy_helper.from_array(np.asarray([1, 1, 2, 2, 2], np.float32))
    nodes = [
        helper.make_node("Constant", [], ["scales"], value=sizes),
        helper.make_node("Conv", ["input", "first", "bias"], ["a"], strides=[2] * 3, pads=[1] * 6),
        helper.make_node("InstanceNormalization", ["a", "one", "zero"], ["b"]),
        helper.make_node("Relu", ["b"], ["c"]),
        helper.make_node("Resize", ["c", "", "scales"], ["d"], mode="nearest"),
        helper.make_node("Conv", ["d", "last"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, (1, 1, 8, 8, 8))],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, (1, 2, 8, 8, 8))],
        [numpy_helper.from_array(values.astype(np.float32), name) for name, values in weights.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(made, full_check=True)
    return made


@pytest.fixture
def small_bundle(tmp_path: Path) -> Bundle:
    """Its folder may be changed: every test has its own."""
    folder = tmp_path / "small-net"
    folder.mkdir()
    model = folder / "model.onnx"
    onnx.save(small_net(), model)
    given = np.random.default_rng(2).standard_normal((3, 1, 1, 8, 8, 8), np.float32)
    given[1] *= 3  # the widest is neither the first nor the last
    engine = OnnxRuntimeBackend(optimise=False).load(model, Precision.FP32, "CPU")
    answer = np.stack([engine.infer({"input": sample})["logits"] for sample in given])
    np.savez_compressed(folder / "vector.npz", input=given, logits=answer)
    (folder / "manifest.toml").write_text(MANIFEST.format(sha256=sha256(model)))
    return Bundle(read_task(folder))
