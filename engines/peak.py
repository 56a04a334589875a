"""How fast this processor multiplies: a convolution that fits its caches, on the runtime that is fastest on it.

A network cannot take less time than its multiply-adds over this rate, so a ratio beyond that bound is out of reach on
this machine whatever runs it.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from engines import machine
from engines.derive import model_for
from inference import cache
from inference.backends.base import Arrays
from inference.backends.openvino import OpenVinoBackend
from inference.errors import BackendMissing, PrecisionAbsent
from inference.result import Precision

WIDTH, SIDE, LAYERS, ROUNDS = 256, 32, 4, 5
GMAC = LAYERS * WIDTH * WIDTH * 9 * SIDE * SIDE * 1e-9


def rates() -> dict[str, float]:
    """Precision -> 1e9 multiply-adds a second on all cores, the best of several rounds; empty without the runtime.

    One thread is timed by the processor time it takes, which others' work on the machine hardly changes, and its rate
    taken times the number of cores.
    """
    cores = machine.facts().cores
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="insula-peak-") as scratch:
        model, vector = Path(scratch) / "peak.onnx", Path(scratch) / "peak.npz"
        onnx.save(_stack(), model)
        feed = {"x": np.random.default_rng(0).standard_normal((1, WIDTH, SIDE, SIDE), np.float32)}
        np.savez(vector, x=feed["x"])
        for precision in (Precision.FP32, Precision.BF16, Precision.INT8):
            with suppress(BackendMissing, PrecisionAbsent):
                found[precision.value] = round(cores * GMAC / _best_s(model, vector, precision, feed), 1)
    return found


def _best_s(model: Path, vector: Path, precision: Precision, feed: Arrays) -> float:
    graph = model_for(model, cache.sha256(model), precision, vector)
    with closing(OpenVinoBackend(threads=1).load(graph, precision, "CPU")) as engine:
        engine.infer(feed)
        return min(_seconds(engine.infer, feed) for _ in range(ROUNDS))


def _seconds(infer: Callable[[Arrays], object], feed: Arrays) -> float:
    begin = time.process_time()
    infer(feed)
    return time.process_time() - begin


def _stack() -> onnx.ModelProto:
    """Square convolutions one after the other."""
    random = np.random.default_rng(0)
    shape = (1, WIDTH, SIDE, SIDE)
    nodes, weights = [], []
    for layer in range(LAYERS):
        values = random.normal(0, 0.02, (WIDTH, WIDTH, 3, 3)).astype(np.float32)
        weights.append(numpy_helper.from_array(values, f"w{layer}"))
        source, target = "x" if layer == 0 else f"t{layer}", "y" if layer == LAYERS - 1 else f"t{layer + 1}"
        nodes.append(helper.make_node("Conv", [source, f"w{layer}"], [target], pads=[1] * 4))
    border = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("x", "y")]
    graph = helper.make_graph(nodes, "peak", border[:1], border[1:], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
