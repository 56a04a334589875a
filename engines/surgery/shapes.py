"""In which order a graph's nodes run, and what shape and number format each tensor has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from heapq import heapify, heappop, heappush
from math import prod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engines.surgery.net import Net, Node, Shape

_SMALL = 64


def has_values(weight: Any) -> bool:
    """Whether a weight carries its numbers; a graph drawn for counting has shapes alone."""
    fields = ("float_data", "int32_data", "int64_data", "double_data", "uint64_data", "string_data")
    return bool(weight.raw_data) or any(len(getattr(weight, name)) for name in fields) or prod(weight.dims) == 0


def ordered(nodes: Sequence[Node], answers: set[str]) -> list[Node]:
    """The nodes that the answers rest on, each after what it reads; else in the order given."""
    makers = {name: place for place, node in enumerate(nodes) for name in node.output if name}
    needed: set[int] = set()
    wanted = [makers[name] for name in answers if name in makers]
    while wanted:
        place = wanted.pop()
        if place not in needed:
            needed.add(place)
            wanted += [makers[name] for name in nodes[place].input if name in makers]
    missing = {place: {makers[name] for name in nodes[place].input if name in makers} for place in needed}
    ready = [place for place, before in missing.items() if not before]
    heapify(ready)
    found: list[int] = []
    after: dict[int, list[int]] = {}
    for place, before in missing.items():
        for earlier in before:
            after.setdefault(earlier, []).append(place)
    while ready:
        found.append(heappop(ready))
        for later in after.get(found[-1], []):
            missing[later].discard(found[-1])
            if not missing[later]:
                heappush(ready, later)
    if len(found) != len(needed):
        raise ValueError("the nodes run in a circle")
    return [nodes[place] for place in found]


def inferred(net: Net) -> Mapping[str, tuple[int, Shape | None]]:
    """Number format and shape of every tensor that is no weight; large weights stand aside meanwhile."""
    import onnx
    from onnx import helper

    skeleton = onnx.ModelProto()
    skeleton.CopyFrom(net.header)
    skeleton.graph.node.extend(net.nodes)
    skeleton.graph.input.extend(net.inputs)
    skeleton.graph.output.extend(net.outputs)
    for name, weight in net.weights.items():
        if prod(weight.dims) <= _SMALL and has_values(weight):
            skeleton.graph.initializer.append(weight)
        else:
            skeleton.graph.input.append(helper.make_tensor_value_info(name, weight.data_type, list(weight.dims)))
    graph = onnx.shape_inference.infer_shapes(skeleton, data_prop=True).graph
    values = (*graph.input, *graph.value_info, *graph.output)
    return {value.name: _kind(value) for value in values if value.name not in net.weights}


def _kind(value: Any) -> tuple[int, Shape | None]:
    tensor = value.type.tensor_type
    shape = tuple(int(dim.dim_value) if dim.HasField("dim_value") else -1 for dim in tensor.shape.dim)
    known = tensor.HasField("shape") and all(dim >= 0 for dim in shape)
    return int(tensor.elem_type), shape if known else None
