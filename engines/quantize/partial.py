"""Give single layers of an int8 graph their fp32 weights and inputs back."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from inference.errors import EngineError

_QUANTISE, _BACK = "QuantizeLinear", "DequantizeLinear"


def layers(quantised: Any) -> tuple[str, ...]:
    """First outputs of the operations whose weights are eight bits, in the graph's order."""
    graph = _Graph(quantised)
    return tuple(node.output[0] for node in quantised.graph.node if graph.is_quantised(node))


def without(quantised: Any, source: Any, left_out: Collection[str]) -> Any:
    """The int8 model with some layers as they are in the fp32 one.

    A layer takes with it what rounds for it alone: its input, the pair between it and a norm behind it, and the parts
    of a concatenation that no other int8 layer reads.

    Args:
        quantised: int8 model made from `source`; it is not changed.
        left_out: First outputs of the layers, from `layers`.

    Raises:
        EngineError: A layer is in one of the two models only.
    """
    from onnx import ModelProto

    made = ModelProto()
    made.CopyFrom(quantised)
    graph = _Graph(made)
    for name in sorted(left_out):
        graph.restore(name, source.graph)
    graph.free_concats()
    _prune(made.graph)
    return made


class _Graph:
    """An int8 graph with its nodes by what they write and read."""

    def __init__(self, model: Any) -> None:
        self._graph = model.graph
        self._weights = {weight.name: weight for weight in model.graph.initializer}
        self._writers = {name: node for node in model.graph.node for name in node.output}

    def is_quantised(self, node: Any) -> bool:
        """Whether the node's weight is stored in whole steps."""
        back = self._writers.get(node.input[1]) if len(node.input) > 1 else None
        return back is not None and back.op_type == _BACK and back.input[0] in self._weights

    def restore(self, name: str, source: Any) -> None:
        node = self._writers.get(name)
        origin = next((one for one in source.node if name in one.output), None)
        if node is None or origin is None or not self.is_quantised(node):
            raise EngineError(f"The layer {name} is not in both graphs.", "Quantise the model again.")
        node.input[0] = self._whole(node.input[0])
        node.input[1] = origin.input[1]
        self._bring(origin.input[1], source)
        for reader in self._readers(name):
            if reader.op_type == _QUANTISE:
                self._free_norm(name, reader.output[0])

    def free_concats(self) -> None:
        """Concatenations that only whole layers read get whole parts."""
        for node in self._graph.node:
            if node.op_type == "Concat" and not any(
                self._rounds_for(reader) for reader in self._readers(node.output[0])
            ):
                node.input[:] = [self._whole(name) for name in node.input]

    def _rounds_for(self, reader: Any) -> bool:
        if reader.op_type == "Concat":
            return any(self._rounds_for(other) for other in self._readers(reader.output[0]))
        return self.is_quantised(reader)

    def _free_norm(self, name: str, steps: str) -> None:
        for back in self._readers(steps):
            readers = self._readers(back.output[0])
            if readers and all(reader.op_type == "InstanceNormalization" for reader in readers):
                for reader in readers:
                    reader.input[0] = name

    def _whole(self, name: str) -> str:
        """The tensor that a pair of quantising and back rounds; the name itself where none does."""
        back = self._writers.get(name)
        if back is None or back.op_type != _BACK:
            return name
        there = self._writers.get(back.input[0])
        return there.input[0] if there is not None and there.op_type == _QUANTISE else name

    def _readers(self, name: str) -> Iterable[Any]:
        return [node for node in self._graph.node if name in node.input]

    def _bring(self, name: str, source: Any) -> None:
        if name in self._weights:
            return
        weight = next((one for one in source.initializer if one.name == name), None)
        if weight is None:
            raise EngineError(f"The weight {name} is not in the fp32 graph.", "Quantise the model again.")
        self._graph.initializer.add().CopyFrom(weight)
        self._weights[name] = weight


def _prune(graph: Any) -> None:
    """Drop nodes and weights that nothing reads."""
    wanted = {value.name for value in graph.output}
    kept = []
    for node in reversed(graph.node):
        if wanted & set(node.output):
            kept.append(_copied(node))
            wanted |= set(node.input)
    weights = [_copied(weight) for weight in graph.initializer if weight.name in wanted]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(reversed(kept))
    graph.initializer.extend(weights)


def _copied(message: Any) -> Any:
    copy = type(message)()
    copy.CopyFrom(message)
    return copy
