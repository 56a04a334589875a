"""An ONNX graph as a line of nodes: which tensors are alive between any two of them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from math import prod
from typing import Any

from inference.backends.base import TensorSpec
from inference.errors import EngineError

_FLOAT = 1  # onnx.TensorProto.FLOAT
FLOAT_BYTES = 4


class Flow:
    """The nodes of a static graph in their order; constants and what no answer needs set aside.

    Args:
        model: An `onnx.ModelProto`.

    Attributes:
        nodes: Those that compute with the input.
        constants: Those that compute with weights alone, such as the dequantising of a kernel, by their output; every
            part that needs one has its own copy.

    Raises:
        EngineError: The graph branches or loops.
    """

    def __init__(self, model: Any) -> None:
        import onnx

        self.model = model
        graph = model.graph
        if any(attribute.HasField("g") or attribute.graphs for node in graph.node for attribute in node.attribute):
            raise EngineError("A graph that branches or loops cannot be cut.", "Export it with fixed control flow.")
        self.weights = {weight.name: weight for weight in graph.initializer}
        self.constants: dict[str, Any] = {}
        self.nodes = []
        for node in _needed(graph):
            if all(name in self.weights or name in self.constants for name in node.input if name):
                self.constants |= dict.fromkeys(node.output, node)
            else:
                self.nodes.append(node)
        self.inputs = [value.name for value in graph.input if value.name not in self.weights]
        self.outputs = [value.name for value in graph.output]
        inferred = onnx.shape_inference.infer_shapes(model).graph
        self._values = {v.name: v for v in (*inferred.input, *inferred.value_info, *inferred.output)}

    def reads(self, first: int, last: int) -> set[str]:
        """Tensors that the nodes `first` to `last` (inclusive) take, weights and constants apart."""
        names = {name for node in self.nodes[first : last + 1] for name in node.input if name}
        return names - self.weights.keys() - self.constants.keys()

    def makes(self, first: int, last: int) -> list[str]:
        """Tensors that the nodes `first` to `last` (inclusive) make, in their order."""
        return [name for node in self.nodes[first : last + 1] for name in node.output if name]

    def alive(self, after: int) -> list[str]:
        """Tensors that exist once the first `after` nodes have run and that the others still need.

        Answers of the graph that are ready by then are not among them unless another node reads them too.
        """
        needed = self.reads(after, len(self.nodes) - 1)
        return [name for name in (*self.inputs, *self.makes(0, after - 1)) if name in needed]

    def spec(self, name: str) -> TensorSpec | None:
        """Name and shape of a tensor; None unless it is fp32 with a fixed shape."""
        value = self._values.get(name)
        if value is None or value.type.tensor_type.elem_type != _FLOAT:
            return None
        shape = tuple(int(dim.dim_value) for dim in value.type.tensor_type.shape.dim)
        return TensorSpec(name, shape) if shape and min(shape) > 0 else None

    @cached_property
    def work(self) -> list[int]:
        """Multiply-adds of each node that has a kernel; 0 for the others."""
        return [self._work(node) for node in self.nodes]

    def traffic(self, first: int, last: int) -> int:
        """Bytes that the nodes `first` to `last` read and write in fp32, one pass each, weights included."""
        return FLOAT_BYTES * sum(sum(map(self._elements, (*n.input, *n.output))) for n in self._heavy(first, last))

    def weight_bytes(self, first: int, last: int) -> int:
        """Bytes of the weights of the nodes `first` to `last` in fp32, each counted once."""
        read = {name for node in self.nodes[first : last + 1] for name in node.input}
        return FLOAT_BYTES * sum(map(self._elements, read & (self.weights.keys() | self.constants.keys())))

    def constants_for(self, nodes: list[Any]) -> list[Any]:
        """The constant nodes that some nodes rest on, in their order."""
        wanted = {name for node in nodes for name in node.input}
        found: list[Any] = []
        for name, node in reversed(self.constants.items()):
            if name in wanted and node not in found:
                found.insert(0, node)
                wanted |= set(node.input)
        return found

    def _heavy(self, first: int, last: int) -> Iterator[Any]:
        return (self.nodes[at] for at in range(first, last + 1) if self.work[at])

    def _work(self, node: Any) -> int:
        kernel = self._fixed_shape(node.input[1]) if len(node.input) > 1 else ()
        if len(kernel) < 2:
            return 0
        through = node.input[0] if node.op_type == "ConvTranspose" else node.output[0]
        return self._elements(through) * prod(kernel[1:])

    def _fixed_shape(self, name: str) -> tuple[int, ...]:
        """Shape of a weight or constant; empty for any other tensor."""
        if name in self.weights:
            return tuple(self.weights[name].dims)
        spec = self.spec(name) if name in self.constants else None
        return spec.shape if spec else ()

    def _elements(self, name: str) -> int:
        if name in self.weights:
            return int(prod(self.weights[name].dims))
        spec = self.spec(name)
        return prod(spec.shape) if spec else 0


def _needed(graph: Any) -> list[Any]:
    """The nodes that an answer rests on, in their order."""
    wanted = {value.name for value in graph.output}
    found = []
    for node in reversed(graph.node):
        if wanted & set(node.output):
            found.append(node)
            wanted |= set(node.input)
    return found[::-1]
