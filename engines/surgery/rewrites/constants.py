"""What does not depend on the picture is computed once: shape arithmetic, constants of constants (R8)."""

from __future__ import annotations

from typing import Any

import numpy as np

from engines.surgery.net import Array, Net, Node, label
from engines.surgery.rewrites.base import Exactness, Rewrite, Wish

# Operations that only move numbers or compute with whole ones, and real arithmetic that IEEE 754 rounds one way.
_MOVES = {
    *("Cast", "Concat", "ConstantOfShape", "Expand", "Flatten", "Gather", "GatherElements", "GatherND", "Identity"),
    *("Range", "Reshape", "Slice", "Split", "Squeeze", "Tile", "Transpose", "Unsqueeze", "Where", "ScatterND"),
    *("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Not", "And", "Or", "Ceil", "Floor", "Mod"),
    *("Add", "Sub", "Mul", "Div", "Neg", "Sqrt", "Abs", "Max", "Min", "ReduceProd", "ReduceMax", "ReduceMin"),
}
_MOST_VALUES = 1 << 24


def fold(net: Net) -> list[str]:
    """Until nothing is left to fold: a shape that became known may make another one known.

    Returns:
        The names of the nodes that are gone.
    """
    touched: list[str] = []
    while found := _pass(net):
        touched += found
    return touched


def _apply(net: Net, _wish: Wish) -> list[str]:
    return fold(net)


def _pass(net: Net) -> list[str]:
    touched: list[str] = []
    for node in list(net.nodes):
        found = _shape(net, node) if node.op_type in ("Shape", "Size") else _computed(net, node)
        if found is None or any(net.is_output(name) for name in node.output):
            continue
        for name, values in zip(node.output, found, strict=True):
            _become(net, name, values)
        touched.append(label(node))
        net.swap([node], [])
    if touched:
        net.refresh()
    return touched


def _become(net: Net, name: str, values: Array) -> None:
    from onnx import numpy_helper

    net.weights[name] = numpy_helper.from_array(np.ascontiguousarray(values).reshape(values.shape), name)


def _shape(net: Net, node: Node) -> list[Array] | None:
    shape = net.shape(node.input[0])
    if shape is None:
        return None
    if node.op_type == "Size":
        return [np.asarray(np.prod(shape), np.int64)]
    start, end = net.setting(node, "start", default=0), net.setting(node, "end", default=len(shape))
    return [np.asarray(shape[start:end], np.int64)]


def _computed(net: Net, node: Node) -> list[Array] | None:
    given = {name: net.array(name) for name in node.input if name}
    if node.op_type not in _MOVES or any(values is None for values in given.values()):
        return None
    if sum(values.size for values in given.values() if values is not None) > _MOST_VALUES:
        return None
    return _evaluated(net, node, given)


def _evaluated(net: Net, node: Node, given: dict[str, Any]) -> list[Array] | None:
    """ONNX's own reference implementation of one node."""
    from onnx import TensorProto, helper
    from onnx.reference import ReferenceEvaluator

    inputs = [helper.make_tensor_value_info(name, TensorProto.UNDEFINED, None) for name in given]
    outputs = [helper.make_tensor_value_info(name, TensorProto.UNDEFINED, None) for name in node.output]
    graph = helper.make_graph([node], "one", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", net.opset)])
    try:
        return [np.asarray(values) for values in ReferenceEvaluator(model).run(None, given)]
    except Exception:  # an operation that the reference does not have stays where it is
        return None


FOLD = Rewrite(
    "fold-constants",
    "what does not depend on the input is computed once",
    Exactness.BITWISE,
    _apply,
)
