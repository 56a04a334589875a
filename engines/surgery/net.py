"""An ONNX graph to look at and to change: shapes, constants, who makes and who reads each tensor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.surgery.shapes import has_values, inferred, ordered
from inference.errors import InputRefused

Node = Any
Array = NDArray[Any]
Shape = tuple[int, ...]
# Weights up to this many values stand in the graph while shapes are inferred: among them are shapes themselves.
_FLOAT = 1  # onnx.TensorProto.FLOAT
_HINT = "Export the model with fixed shapes, or give them with --shape NAME=1x3x256x256."


class Net:
    """The nodes of a static graph in their order. Constant nodes have become weights, and unneeded nodes are gone.

    Args:
        model: An `onnx.ModelProto`; it is not changed.
        name: Of the file, for errors.

    Attributes:
        nodes: Those that compute.
        weights: Initializers by name.
        inputs, outputs: `onnx.ValueInfoProto`s of the border.

    Raises:
        InputRefused: The graph branches or loops, or an input has no fixed shape.
    """

    def __init__(self, model: Any, name: str = "The model") -> None:
        self.name = name
        self.header = _header(model)
        graph = model.graph
        if any(attribute.HasField("g") or attribute.graphs for node in graph.node for attribute in node.attribute):
            raise InputRefused(f"{name} branches or loops.", "Export it with fixed control flow.")
        self.weights: dict[str, Any] = {weight.name: weight for weight in graph.initializer}
        self.inputs = [value for value in graph.input if value.name not in self.weights]
        self.outputs = list(graph.output)
        self.nodes: list[Node] = [copied(node) for node in graph.node if not self._lifted(node)]
        self._taken = {*self.weights, *(value.name for value in self.inputs)}
        for value in self.inputs:
            _require_fixed(value, name)
        self.refresh()
        self.outputs = [value if _is_fixed(value) else self.value(value.name) for value in self.outputs]

    @property
    def opset(self) -> int:
        return max(int(entry.version) for entry in self.header.opset_import if entry.domain in ("", "ai.onnx"))

    def refresh(self) -> None:
        """Order the nodes, drop what no output needs, and infer shapes again; to be called after changes."""
        self.nodes = ordered(self.nodes, {value.name for value in self.outputs})
        used = {name for node in self.nodes for name in node.input} | {value.name for value in self.outputs}
        self.weights = {name: weight for name, weight in self.weights.items() if name in used}
        self._makers = {name: node for node in self.nodes for name in node.output if name}
        self._readers: dict[str, list[Node]] = {}
        for node in self.nodes:
            for name in dict.fromkeys(node.input):
                self._readers.setdefault(name, []).append(node)
        self._taken |= set(self._makers)
        self._constants = set(self.weights)
        for node in self.nodes:
            if any(node.input) and all(name in self._constants for name in node.input if name):
                self._constants |= set(node.output)
        self._kinds = inferred(self)

    def maker(self, name: str) -> Node | None:
        return self._makers.get(name)

    def readers(self, name: str) -> list[Node]:
        return self._readers.get(name, [])

    def only_reader(self, name: str) -> Node:
        """The one node that reads a tensor, if nothing else does and it is no answer of the graph."""
        found = self.readers(name)
        return found[0] if len(found) == 1 and not self.is_output(name) else None

    def is_output(self, name: str) -> bool:
        return any(value.name == name for value in self.outputs)

    def is_input(self, name: str) -> bool:
        return any(value.name == name for value in self.inputs)

    def shape(self, name: str) -> Shape | None:
        """A tensor's shape; None where it is not fixed."""
        if name in self.weights:
            return tuple(self.weights[name].dims)
        kind = self._kinds.get(name)
        return None if kind is None else kind[1]

    def fixed(self, name: str) -> Shape:
        """A tensor's shape, empty where it is not fixed."""
        return self.shape(name) or ()

    def is_float(self, name: str) -> bool:
        return self.kind(name) == "FLOAT"

    def kind(self, name: str) -> str:
        """ONNX's name of a tensor's number format; empty when unknown."""
        from onnx import TensorProto

        kind = self.weights[name].data_type if name in self.weights else self._kinds.get(name, (0, None))[0]
        return str(TensorProto.DataType.Name(kind)) if kind else ""

    def is_constant(self, name: str) -> bool:
        """Whether a tensor is a weight, or rests on weights alone: a builder computes it once."""
        return name in self._constants

    def live(self, node: Node) -> list[str]:
        """A node's inputs apart from constants."""
        return [name for name in node.input if name and name not in self._constants]

    def array(self, name: str) -> Array | None:
        """A weight's values; None for any other tensor and for a weight without values."""
        from onnx import numpy_helper

        weight = self.weights.get(name)
        if weight is None or not has_values(weight):
            return None
        return np.asarray(numpy_helper.to_array(weight))

    def setting(self, node: Node, name: str, place: int | None = None, default: Any = None) -> Any:
        """What ONNX keeps as an attribute or, in newer opsets, as a constant input at `place`.

        Returns:
            A list for tensors and lists; None where the input exists and is no constant.
        """
        from onnx import helper

        for attribute in node.attribute:
            if attribute.name == name:
                value = helper.get_attribute_value(attribute)
                return value.decode() if isinstance(value, bytes) else value
        if place is None or place >= len(node.input) or not node.input[place]:
            return default
        found = self.array(node.input[place])
        return None if found is None else found.reshape(-1).tolist()

    def fresh(self, stem: str) -> str:
        """A tensor's or node's name that nothing has yet."""
        name, number = stem, 1
        while name in self._taken:
            name, number = f"{stem}.{number}", number + 1
        self._taken.add(name)
        return name

    def store(self, values: Array, stem: str) -> str:
        """Add a weight; returns its name."""
        from onnx import numpy_helper

        name = self.fresh(stem)
        self.weights[name] = numpy_helper.from_array(np.ascontiguousarray(values), name)
        return name

    def node(self, op: str, inputs: Sequence[str], output: str | None, stem: str, **attributes: Any) -> Node:
        """A new node, not yet in the graph; it answers `output`, or a fresh tensor when that is None."""
        from onnx import helper

        answer = output or self.fresh(f"{stem}.out")
        return helper.make_node(op, list(inputs), [answer], name=self.fresh(stem), **attributes)

    def swap(self, old: Sequence[Node], new: Sequence[Node]) -> None:
        """Put new nodes in the place of old ones; the new ones answer what others still read."""
        gone = {id(node) for node in old}
        place = max((at for at, node in enumerate(self.nodes) if id(node) in gone), default=len(self.nodes))
        kept = ([node for node in part if id(node) not in gone] for part in (self.nodes[:place], self.nodes[place:]))
        before, after = kept
        self.nodes = [*before, *new, *after]

    def bypass(self, node: Node) -> bool:
        """Take a node out whose output equals its first input. False where both are tensors of the border."""
        before, after = node.input[0], node.output[0]
        if not self.is_output(after):
            self._rename_inputs(after, before)
        elif before in self._makers and not self.is_output(before):
            maker = self._makers[before]
            maker.output[:] = [after if name == before else name for name in maker.output]
            self._rename_inputs(before, after)
        else:
            return False
        self.swap([node], [])
        return True

    def _rename_inputs(self, old: str, new: str) -> None:
        for reader in self.nodes:
            reader.input[:] = [new if name == old else name for name in reader.input]

    def model(self, outputs: Sequence[str] | None = None) -> Any:
        """The graph as an `onnx.ModelProto`, with other outputs if they are named."""
        from onnx import ModelProto

        made = ModelProto()
        made.CopyFrom(self.header)
        graph = made.graph
        graph.node.extend(self.nodes)
        graph.initializer.extend(self.weights.values())
        graph.input.extend(self.inputs)
        graph.output.extend(self.outputs if outputs is None else [self.value(name) for name in outputs])
        return made

    def value(self, name: str) -> Any:
        """A tensor as the border of a graph declares it."""
        from onnx import helper

        kind, shape = self._kinds.get(name, (_FLOAT, None))
        return helper.make_tensor_value_info(name, kind or _FLOAT, shape)

    def copy(self) -> Net:
        """Another graph to change; the weights' numbers are shared."""
        other = object.__new__(Net)
        other.name, other.header = self.name, self.header
        other.weights, other._taken = dict(self.weights), set(self._taken)
        other.inputs, other.outputs = list(self.inputs), list(self.outputs)
        other.nodes = [copied(node) for node in self.nodes]
        other.refresh()
        return other

    def _lifted(self, node: Node) -> bool:
        """Turn a Constant node into a weight."""
        if node.op_type != "Constant":
            return False
        weight = _constant(node)
        if weight is None:
            return False
        weight.name = node.output[0]
        self.weights[weight.name] = weight
        return True


def label(node: Node) -> str:
    """A node's name, or the tensor it makes."""
    return str(node.name or next(name for name in node.output if name))


def copied(node: Node) -> Node:
    copy = type(node)()
    copy.CopyFrom(node)
    return copy


def _header(model: Any) -> Any:
    """The model without its nodes and numbers."""
    from onnx import ModelProto

    # Before version 4 of the format every weight had to be an input too.
    header = ModelProto(ir_version=max(4, model.ir_version), producer_name=model.producer_name)
    header.opset_import.extend(model.opset_import)
    header.graph.name = model.graph.name or "graph"
    return header


def _is_fixed(value: Any) -> bool:
    tensor = value.type.tensor_type
    return tensor.HasField("shape") and all(dim.dim_value > 0 for dim in tensor.shape.dim)


def _require_fixed(value: Any, name: str) -> None:
    if not _is_fixed(value):
        dims = value.type.tensor_type.shape.dim
        said = " x ".join(str(dim.dim_value or dim.dim_param or "?") for dim in dims) or "unknown"
        raise InputRefused(f"The input {value.name} of {name} has no fixed shape ({said}).", _HINT)


def _constant(node: Node) -> Any | None:
    from onnx import helper, numpy_helper

    value = node.attribute[0]
    if value.name == "value":
        weight = type(value.t)()
        weight.CopyFrom(value.t)
        return weight
    kinds = {"value_float": np.float32, "value_floats": np.float32, "value_int": np.int64, "value_ints": np.int64}
    if value.name not in kinds:
        return None
    return numpy_helper.from_array(np.asarray(helper.get_attribute_value(value), kinds[value.name]))
