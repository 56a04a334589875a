"""An int8 graph from an fp32 one: static quantisation with Q/DQ nodes and ranges from real inputs.

Weights are int8 with one scale per output channel and zero at 0; what flows into a quantised operation is uint8 with
one scale and zero at 128, which is int8 in another spelling (Jacob et al., "Quantization and Training of Neural
Networks", CVPR 2018, section 2). The symmetric form is the fast one everywhere. It is spelt unsigned because OpenVINO
2026.4 answers wrongly where signed tensors are concatenated, and signed before a transposed convolution or a norm
because it has 8-bit kernels for no other there. What a convolution hands to an instance norm is 8 bits too: the norm
reads it three times and waits for memory. So are the two halves of a folded convolution (`engines.surgery.fold`) and
their sum. Every other result stays in single precision.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from engines import vector
from engines.ranges import largest
from inference.backends.graph import read
from inference.errors import PrecisionAbsent

# Only what the runtimes have int8 kernels for.
QUANTISED = ("Conv", "ConvTranspose", "Gemm", "MatMul")
_NORM = "InstanceNormalization"
_TRANSPOSED = "ConvTranspose"
_STEPS = 127
_SIGNED_ZERO, _UNSIGNED_ZERO = np.int8(0), np.uint8(128)


def write(model: Path, calibration: Path, target: Path, whole: Collection[str] = ()) -> None:
    """Quantise an ONNX file. The same model, calibration data and exceptions give the same bytes.

    Args:
        calibration: npz with real inputs under their tensor names; more samples give truer ranges.
        whole: Operations to leave as they are, by the first tensor that each makes; what a rewrite has put in the place
            of one bears its name, a stroke and a word more.

    Raises:
        PrecisionAbsent: Nothing in the graph can be quantised.
        EngineError: The calibration data do not fit the model's inputs.
    """
    source = onnx.shape_inference.infer_shapes(onnx.load(model))
    plan = _plan(source.graph, tuple(whole))
    if not plan.chosen:
        raise PrecisionAbsent(f"{model.name} has nothing to run in int8.", "Choose fp32 or fp16.")
    feeds = [sample.feed for sample in vector.samples(calibration, read(model))]
    _rewrite(source.graph, plan, plan.shared(largest(source, plan.tensors, feeds)))
    onnx.checker.check_model(source)
    onnx.save(source, target)


@dataclass(slots=True)
class _Plan:
    """What is rounded where.

    Attributes:
        chosen: First output of each operation that runs in int8 -> its weight.
        concats: First outputs of concatenations that pass whole steps on.
        norms: Tensors between a convolution and its instance norm.
        sums: First outputs of additions before an instance norm that add two convolutions up.
        signed: Tensors that only transposed convolutions read in whole steps.
        kin: Tensor -> the one it shares its scale with, itself for most. What is concatenated must, or it would be
            rounded twice.
    """

    chosen: dict[str, Any] = field(default_factory=dict)
    concats: set[str] = field(default_factory=set)
    norms: set[str] = field(default_factory=set)
    sums: set[str] = field(default_factory=set)
    signed: set[str] = field(default_factory=set)
    kin: dict[str, str] = field(default_factory=dict)

    @property
    def tensors(self) -> set[str]:
        return set(self.kin)

    def head(self, name: str) -> str:
        while self.kin[name] != name:
            name = self.kin[name]
        return name

    def shared(self, ranges: Mapping[str, float]) -> dict[str, float]:
        """The largest absolute value among each tensor's kin."""
        most: dict[str, float] = {}
        for name, value in ranges.items():
            head = self.head(name)
            most[head] = max(most.get(head, 0.0), value)
        return {name: most[self.head(name)] for name in ranges}


def _plan(graph: Any, whole: tuple[str, ...] = ()) -> _Plan:
    weights = {weight.name: weight for weight in graph.initializer}
    plan = _Plan()
    for node in graph.node:
        spared = any(node.output[0] == name or node.output[0].startswith(f"{name}/") for name in whole)
        if node.op_type in QUANTISED and node.input[1] in weights and not spared:
            plan.chosen[node.output[0]] = weights[node.input[1]]
    writers = {name: node for node in graph.node for name in node.output}
    readers = _readers(graph)
    for node in graph.node:
        if node.output[0] in plan.chosen:
            _trace(plan, node.input[0], writers, readers)
            if all(reader.op_type == _TRANSPOSED for reader in _in_int8(plan, readers[node.input[0]])):
                plan.signed.add(node.input[0])
            if [reader.op_type for reader in readers[node.output[0]]] == [_NORM]:
                _pass_on(plan, node.output[0])
        elif _adds_up(plan, node, readers):
            plan.sums.add(node.output[0])
            for name in (*node.input, node.output[0]):
                _pass_on(plan, name)
    return plan


def _pass_on(plan: _Plan, name: str) -> None:
    """Round a result for the one that reads it."""
    plan.norms.add(name)
    plan.kin.setdefault(name, name)


def _adds_up(plan: _Plan, node: Any, readers: Mapping[str, list[Any]]) -> bool:
    """Whether it adds two convolutions that nothing else reads, for a norm alone."""
    alone = all(name in plan.chosen and len(readers[name]) == 1 for name in node.input)
    return node.op_type == "Add" and alone and [reader.op_type for reader in readers[node.output[0]]] == [_NORM]


def _in_int8(plan: _Plan, readers: list[Any]) -> list[Any]:
    return [reader for reader in readers if reader.op_type and reader.output[0] in plan.chosen]


def _readers(graph: Any) -> dict[str, list[Any]]:
    """Who reads each tensor; the graph's border counts as a reader that is no operation."""
    readers: dict[str, list[Any]] = {name: [] for node in graph.node for name in node.output}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    for value in graph.output:
        readers[value.name].append(onnx.NodeProto())
    return readers


def _trace(plan: _Plan, name: str, writers: Mapping[str, Any], readers: Mapping[str, list[Any]]) -> list[str]:
    """Tensors to be rounded so that `name` arrives in whole steps: itself, or all that a concatenation joins."""
    writer = writers.get(name)
    if writer is None or writer.op_type != "Concat" or not _only_int8(plan, name, readers):
        plan.kin.setdefault(name, name)
        return [name]
    plan.concats.add(name)
    parts = [part for source in writer.input for part in _trace(plan, source, writers, readers)]
    for part in parts[1:]:
        plan.kin[plan.head(part)] = plan.head(parts[0])
    return parts


def _only_int8(plan: _Plan, name: str, readers: Mapping[str, list[Any]]) -> bool:
    """Whether each reader is an operation in int8 that takes unsigned steps, or a concatenation before such."""

    def takes(reader: Any) -> bool:
        if reader.op_type == "Concat":
            return _only_int8(plan, reader.output[0], readers)
        return bool(reader.op_type) and reader.op_type != _TRANSPOSED and reader.output[0] in plan.chosen

    return all(takes(reader) for reader in readers[name])


def _rewrite(graph: Any, plan: _Plan, ranges: Mapping[str, float]) -> None:
    """Put Q/DQ pairs where the plan says, in the nodes' own order, and drop weights that nothing reads any more."""
    nodes: list[Any] = []
    done: set[str] = set()
    for node in list(graph.node):
        rounded = _rounded(node, plan)
        for name in rounded:
            nodes.extend(_pair(graph, name, ranges[name], name in plan.signed | plan.norms, done))
        node.input[:] = [f"{name}.dq" if name in rounded else name for name in node.input]
        if node.output[0] in plan.chosen:
            nodes.extend(_weight(graph, node, plan.chosen[node.output[0]], done))
            node.input[1] += f".{_axis(node)}.dq"
        nodes.append(node)
    _replace(graph, nodes)


def _rounded(node: Any, plan: _Plan) -> list[str]:
    """Inputs that the node reads in whole steps."""
    if node.output[0] in plan.chosen:
        places = node.input[:1]
    elif node.output[0] in plan.concats | plan.sums:
        places = node.input
    else:
        places = [name for name in node.input[:1] if node.op_type == _NORM and name in plan.norms]
    return [name for name in dict.fromkeys(places) if name not in plan.concats]


def _replace(graph: Any, nodes: list[Any]) -> None:
    copies = [_copy(node) for node in nodes]
    del graph.node[:], graph.value_info[:]
    graph.node.extend(copies)
    read_names = {name for node in copies for name in node.input}
    kept = [_copy(weight) for weight in graph.initializer if weight.name in read_names]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def _pair(graph: Any, name: str, most: float, signed: bool, done: set[str]) -> list[Any]:
    """Quantise an activation and back, once for all its readers."""
    if name in done:
        return []
    done.add(name)
    _store(graph, f"{name}.scale", np.asarray(most / _STEPS or 1.0, dtype=np.float32))
    _store(graph, f"{name}.zero", np.asarray(_SIGNED_ZERO if signed else _UNSIGNED_ZERO))
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
    most = np.abs(values).max(axis=others, keepdims=True)
    scale = np.where(most > 0, most / _STEPS, 1).astype(np.float32)
    _store(graph, f"{name}.q", np.clip(np.rint(values / scale), -_STEPS, _STEPS).astype(np.int8))
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
