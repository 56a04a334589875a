"""What one forward pass of an ONNX graph asks of a machine, counted from its shapes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from inference.errors import EngineError

# Values that shapes are computed from (sizes, pads, axes) are small; weights are not needed to know shapes.
_SMALL_BYTES = 1024
_ALIASES = {"Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Dropout", "QuantizeLinear", "DequantizeLinear"}


@dataclass(frozen=True, slots=True)
class Cost:
    """One pass of one graph.

    Attributes:
        weight_bytes: Weights as fp32, whatever the file holds.
        live_bytes: Most that values need at once when nodes run in the file's order; as fp32.
        answer_bytes: Outputs as fp32.
        macs: Multiply-adds of convolutions and matrix products.
    """

    weight_bytes: int
    live_bytes: int
    answer_bytes: int
    macs: int


def cost_of(model: Path) -> Cost:
    """Count an ONNX file whose shapes are fixed.

    Raises:
        EngineError: It is not readable.
    """
    import onnx

    try:
        # Weights in files beside the graph are left there: their shapes are enough.
        whole = onnx.load(model, load_external_data=False)
        weights = {one.name: _count(one.dims) for one in whole.graph.initializer}
        for tensor in whole.graph.initializer:
            if len(tensor.raw_data) > _SMALL_BYTES:
                tensor.ClearField("raw_data")
        graph = onnx.shape_inference.infer_shapes(whole).graph
    except Exception as error:  # onnx raises protobuf's and its own errors, without a common root
        raise EngineError(
            f"{model.name} is not a readable ONNX file.", "Verify the bundle with `insula engines verify`."
        ) from error
    shapes = _shapes(graph)
    return Cost(
        4 * sum(weights.values()),
        4 * _live(graph, {name: _count(shape) for name, shape in shapes.items()}, set(weights)),
        4 * sum(_count(shapes[value.name]) for value in graph.output),
        sum(_macs(node, shapes) for node in graph.node),
    )


def _shapes(graph: Any) -> dict[str, tuple[int, ...]]:
    shapes = {one.name: tuple(one.dims) for one in graph.initializer}
    for value in (*graph.input, *graph.value_info, *graph.output):
        shapes[value.name] = tuple(dim.dim_value for dim in value.type.tensor_type.shape.dim)
    return shapes


def _count(shape: Any) -> int:
    return int(np.prod(tuple(shape), dtype=np.int64))


def _live(graph: Any, elements: dict[str, int], weights: set[str]) -> int:
    """Most elements alive at once; a value dies after its last reader, an alias costs nothing."""
    last = {name: at for at, node in enumerate(graph.node) for name in node.input}
    last.update({value.name: len(graph.node) for value in graph.output})
    alive = {value.name: elements.get(value.name, 0) for value in graph.input if value.name not in weights}
    most = now = sum(alive.values())
    for at, node in enumerate(graph.node):
        for name in node.output:
            alive[name] = 0 if node.op_type in _ALIASES else elements.get(name, 0)
            now += alive[name]
        most = max(most, now)
        for name in {*node.input, *node.output}:
            if name in alive and last.get(name, at) <= at:
                now -= alive.pop(name)
    return most


def _macs(node: Any, shapes: dict[str, tuple[int, ...]]) -> int:
    if node.op_type not in ("Conv", "ConvTranspose", "Gemm", "MatMul"):
        return 0
    first, second, out = (shapes.get(name, ()) for name in (node.input[0], node.input[1], node.output[0]))
    if node.op_type in ("Conv", "ConvTranspose"):
        return _count(out if node.op_type == "Conv" else first) * _count(second[1:])
    return _count(out) * (first[-1] if first else 0)
