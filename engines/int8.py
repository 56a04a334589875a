"""An int8 graph from an fp32 one: static quantisation with Q/DQ nodes and ranges from real inputs.

Weights are int8 with one scale per output channel and zero at 0; what flows into a quantised operation is uint8 with
one scale and zero point (Jacob et al., "Quantization and Training of Neural Networks", CVPR 2018, section 2). What
flows out stays in single precision: a normalisation mostly follows, and rounding before it costs accuracy.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from engines import vector
from inference.backends import registry
from inference.backends.base import Arrays
from inference.backends.graph import read
from inference.errors import EngineError, PrecisionAbsent
from inference.result import Precision

# Only what the runtimes have int8 kernels for.
QUANTISED = ("Conv", "Gemm", "MatMul")
# The backend that calibrates: always the same one, so that a graph does not depend on what else is installed.
_REFERENCE = "onnxruntime"

Ranges = Mapping[str, tuple[float, float]]


def write(model: Path, calibration: Path, target: Path) -> None:
    """Quantise an ONNX file. The same model and calibration data give the same bytes.

    Args:
        calibration: npz with real inputs under their tensor names; more samples give truer ranges.

    Raises:
        PrecisionAbsent: Nothing in the graph can be quantised.
        EngineError: The calibration data do not fit the model's inputs.
    """
    source = onnx.shape_inference.infer_shapes(onnx.load(model))
    weights = {weight.name: weight for weight in source.graph.initializer}
    chosen = [node for node in source.graph.node if node.op_type in QUANTISED and node.input[1] in weights]
    if not chosen:
        raise PrecisionAbsent(f"{model.name} has nothing to run in int8.", "Choose fp32 or fp16.")
    feeds = [sample.feed for sample in vector.samples(calibration, read(model))]
    ranges = _ranges(source, {node.input[0] for node in chosen}, feeds)
    _quantise(source.graph, chosen, weights, ranges)
    onnx.checker.check_model(source)
    onnx.save(source, target)


def _ranges(source: Any, names: set[str], feeds: Iterable[Arrays]) -> Ranges:
    """Smallest and largest value of each tensor over all feeds, zero always among them."""
    low, high = dict.fromkeys(names, 0.0), dict.fromkeys(names, 0.0)
    with tempfile.TemporaryDirectory(prefix="insula-int8-") as scratch:
        probe = Path(scratch) / "probe.onnx"
        onnx.save(_probe(source, names), probe)
        choice = registry.choose(_REFERENCE, Precision.FP32, "CPU")
        engine = choice.backend.load(probe, Precision.FP32, choice.device)
        for feed in feeds:
            seen = {**feed, **engine.infer(feed)}
            for name in names:
                low[name] = min(low[name], float(seen[name].min()))
                high[name] = max(high[name], float(seen[name].max()))
        engine.close()
    return {name: (low[name], high[name]) for name in names}


def _probe(source: Any, names: set[str]) -> Any:
    """The graph with the tensors as outputs too."""
    probe = onnx.ModelProto()
    probe.CopyFrom(source)
    known = {value.name: value for value in source.graph.value_info}
    border = {value.name for value in (*source.graph.input, *source.graph.output)}
    missing = sorted(names - border - set(known))
    if missing:
        raise EngineError(f"The shape of {missing[0]} is not known.", "Export the model with fixed shapes.")
    probe.graph.output.extend(known[name] for name in sorted(names - border))
    return probe


def _quantise(graph: Any, chosen: list[Any], weights: Mapping[str, Any], ranges: Ranges) -> None:
    """Put Q/DQ pairs before the chosen nodes, in the nodes' own order, and drop weights that nothing reads any more."""
    outputs = {node.output[0] for node in chosen}
    nodes: list[Any] = []
    done: set[str] = set()
    for node in list(graph.node):
        if node.output[0] in outputs:
            nodes.extend(_pair(graph, node.input[0], ranges, done))
            nodes.extend(_weight(graph, node, weights[node.input[1]], done))
            node.input[0] += ".dq"
            node.input[1] += f".{_axis(node)}.dq"
        nodes.append(node)
    copies = [_copy(node) for node in nodes]
    del graph.node[:], graph.value_info[:]
    graph.node.extend(copies)
    read_names = {name for node in copies for name in node.input}
    kept = [_copy(weight) for weight in graph.initializer if weight.name in read_names]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def _pair(graph: Any, name: str, ranges: Ranges, done: set[str]) -> list[Any]:
    """Quantise an activation and back, once for all its readers."""
    if name in done:
        return []
    done.add(name)
    low, high = ranges[name]
    scale = np.float32((high - low) / 255 or 1.0)
    zero = np.uint8(np.clip(round(-low / float(scale)), 0, 255))
    _store(graph, f"{name}.scale", np.asarray(scale))
    _store(graph, f"{name}.zero", np.asarray(zero))
    known = [f"{name}.scale", f"{name}.zero"]
    return [
        helper.make_node("QuantizeLinear", [name, *known], [f"{name}.q"], name=f"quantise {name}"),
        helper.make_node("DequantizeLinear", [f"{name}.q", *known], [f"{name}.dq"], name=f"dequantise {name}"),
    ]


def _weight(graph: Any, node: Any, weight: Any, done: set[str]) -> list[Any]:
    """Store a weight as int8 and turn it back, once for all readers that share its output axis."""
    axis = _axis(node)
    name = f"{weight.name}.{axis}"
    if name in done:
        return []
    done.add(name)
    values = numpy_helper.to_array(weight)
    others = tuple(place for place in range(values.ndim) if place != axis)
    largest = np.abs(values).max(axis=others, keepdims=True)
    scale = np.where(largest > 0, largest / 127, 1).astype(np.float32)
    _store(graph, f"{name}.q", np.clip(np.rint(values / scale), -127, 127).astype(np.int8))
    _store(graph, f"{name}.scale", scale.reshape(-1))
    _store(graph, f"{name}.zero", np.zeros(scale.size, np.int8))
    known = [f"{name}.q", f"{name}.scale", f"{name}.zero"]
    return [helper.make_node("DequantizeLinear", known, [f"{name}.dq"], name=f"dequantise {name}", axis=axis)]


def _axis(node: Any) -> int:
    """Which axis of the weight counts output channels."""
    if node.op_type == "Gemm":
        transposed = {attribute.name: attribute.i for attribute in node.attribute}.get("transB", 0)
        return 0 if transposed else 1
    return 0 if node.op_type == "Conv" else 1


def _store(graph: Any, name: str, values: NDArray[Any]) -> None:
    graph.initializer.append(numpy_helper.from_array(values, name))


def _copy(message: Any) -> Any:
    copy = type(message)()
    copy.CopyFrom(message)
    return copy
