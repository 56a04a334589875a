"""A derived ONNX graph as each generation of TensorRT wants it.

A weakly typed builder decides formats itself: it takes the plain fp32 graph, and the ranges that the Q/DQ nodes of an
int8 graph stated. A strongly typed one takes the graph as it is, but knows symmetric quantisation only, and a DLA wants
no fp32 anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

_FLOAT, _FLOAT16 = 1, 10
_REAL = (_FLOAT, _FLOAT16)
_STEPS, _UNSIGNED_ZERO = 127, 128
# From here on ONNX allows half-precision scales in Q/DQ nodes.
_HALF_SCALES = 19


@dataclass(frozen=True, slots=True)
class Source:
    """What a builder parses.

    Attributes:
        content: A serialised ONNX model.
        ranges: Largest absolute value of the tensors that run in int8, by name; empty when the graph says it itself.
    """

    content: bytes
    ranges: Mapping[str, float] = field(default_factory=dict)


def plain(model: Path) -> Source:
    """The graph in fp32 without casts between real formats and without Q/DQ nodes, and the ranges these stated."""
    import onnx

    loaded = onnx.shape_inference.infer_shapes(onnx.load(model))
    return _Plain(loaded).source()


def symmetric(model: Path) -> Source:
    """The graph with every quantisation made symmetric int8, as TensorRT has no other."""
    import onnx

    loaded = onnx.load(model)
    _make_symmetric(loaded.graph)
    return Source(loaded.SerializeToString())


def untouched(model: Path) -> Source:
    """The graph as its file holds it."""
    return Source(model.read_bytes())


def half(source: Source) -> Source:
    """The graph with every real tensor in half precision, its border too, and no casts."""
    import onnx

    loaded = onnx.version_converter.convert_version(onnx.load_from_string(source.content), _HALF_SCALES)
    for tensor in list(loaded.graph.initializer):
        if tensor.data_type == _FLOAT:
            with np.errstate(over="ignore"):
                _replace(loaded.graph, tensor.name, onnx.numpy_helper.to_array(tensor).astype(np.float16))
    del loaded.graph.value_info[:]
    for value in (*loaded.graph.input, *loaded.graph.output):
        value.type.tensor_type.elem_type = _FLOAT16
    return Source(loaded.SerializeToString(), source.ranges)


def half_border(source: Source) -> Source:
    """The graph with inputs and outputs in half precision, converted right behind and before them."""
    import onnx

    loaded = onnx.load_from_string(source.content)
    graph = loaded.graph
    inner = {value.name: f"{value.name}.inside" for value in (*graph.input, *graph.output)}
    for node in graph.node:
        node.input[:] = [inner.get(name, name) for name in node.input]
        node.output[:] = [inner.get(name, name) for name in node.output]
    nodes = [_copied(node) for node in graph.node]
    begin = [_cast(value.name, inner[value.name], _FLOAT) for value in graph.input]
    end = [_cast(inner[value.name], value.name, _FLOAT16) for value in graph.output]
    del graph.node[:], graph.value_info[:]
    graph.node.extend([*begin, *nodes, *end])
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.elem_type = _FLOAT16
    return Source(loaded.SerializeToString(), source.ranges)


def _cast(source: str, target: str, to: int) -> Any:
    from onnx import helper

    return helper.make_node("Cast", [source], [target], name=f"border {target}", to=to)


class _Plain:
    """One pass that takes nodes out and lets their readers read what they read."""

    def __init__(self, loaded: Any) -> None:
        self._loaded = loaded
        self._graph = loaded.graph
        self._weights = {tensor.name: tensor for tensor in self._graph.initializer}
        self._real = _real_names(self._graph)
        self._same: dict[str, str] = {}
        self._ranges: dict[str, float] = {}

    def source(self) -> Source:
        passes: Mapping[str, Callable[[Any], bool]] = {
            "Cast": self._cast,
            "QuantizeLinear": self._quantise,
            "DequantizeLinear": self._dequantise,
        }
        kept = [node for node in self._graph.node if not passes.get(node.op_type, lambda _: False)(node)]
        nodes = [self._redirected(node) for node in kept]
        del self._graph.node[:], self._graph.value_info[:]
        self._graph.node.extend(nodes)
        self._restore_outputs()
        self._widen_weights()
        return Source(self._loaded.SerializeToString(), self._named_ranges())

    def _cast(self, node: Any) -> bool:
        to = next(attribute.i for attribute in node.attribute if attribute.name == "to")
        if to not in _REAL or node.input[0] not in self._real:
            return False
        self._same[node.output[0]] = node.input[0]
        return True

    def _quantise(self, node: Any) -> bool:
        scale, zero = self._values(node.input[1]), self._values(node.input[2])
        self._ranges[node.input[0]] = _reach(scale, zero)
        self._same[node.output[0]] = node.input[0]
        return True

    def _dequantise(self, node: Any) -> bool:
        if node.input[0] not in self._weights:
            self._same[node.output[0]] = node.input[0]
            return True
        quantised = self._values(node.input[0]).astype(np.float32)
        axis = next((attribute.i for attribute in node.attribute if attribute.name == "axis"), 1)
        values = (quantised - _along(self._values(node.input[2]), quantised, axis)) * _along(
            self._values(node.input[1]), quantised, axis
        )
        _replace(self._graph, node.output[0], values.astype(np.float32))
        return True

    def _redirected(self, node: Any) -> Any:
        copy = type(node)()
        copy.CopyFrom(node)
        copy.input[:] = [self._origin(name) for name in node.input]
        return copy

    def _origin(self, name: str) -> str:
        while name in self._same:
            name = self._same[name]
        return name

    def _restore_outputs(self) -> None:
        """An output whose last node went away takes the name back from what that node read."""
        import onnx

        made = {name for node in self._graph.node for name in node.output}
        for output in self._graph.output:
            origin = self._origin(output.name)
            if origin == output.name:
                continue
            if origin not in made:
                self._graph.node.append(onnx.helper.make_node("Identity", [origin], [output.name], name=output.name))
                continue
            for node in self._graph.node:
                node.input[:] = [output.name if name == origin else name for name in node.input]
                node.output[:] = [output.name if name == origin else name for name in node.output]

    def _widen_weights(self) -> None:
        import onnx

        read = {name for node in self._graph.node for name in node.input}
        kept = [_copied(tensor) for tensor in self._graph.initializer if tensor.name in read]
        del self._graph.initializer[:]
        self._graph.initializer.extend(kept)
        for tensor in kept:
            if tensor.data_type == _FLOAT16:
                _replace(self._graph, tensor.name, onnx.numpy_helper.to_array(tensor).astype(np.float32))

    def _named_ranges(self) -> dict[str, float]:
        return {self._origin(name): reach for name, reach in self._ranges.items()}

    def _values(self, name: str) -> Any:
        from onnx import numpy_helper

        return numpy_helper.to_array(self._weights[name])


def _make_symmetric(graph: Any) -> None:
    """Store int8 zero points of 0 and scales that reach as far as the old range did; weights are so already."""
    from onnx import numpy_helper

    weights = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type != "QuantizeLinear":
            continue
        reach = _reach(*(numpy_helper.to_array(weights[name]) for name in node.input[1:3]))
        _replace(graph, node.input[1], np.asarray(reach / _STEPS, np.float32))
        _replace(graph, node.input[2], np.asarray(0, np.int8))


def _reach(scale: Any, zero: Any) -> float:
    """The largest absolute value that a quantisation holds; unsigned steps around 128 are signed ones around 0."""
    signed = int(zero) - (_UNSIGNED_ZERO if zero.dtype == np.uint8 else 0)
    return float(scale) * (_STEPS + abs(signed))


def _along(values: Any, like: Any, axis: int) -> Any:
    """A scale per channel, shaped to be multiplied with the tensor it belongs to."""
    shape = [1] * like.ndim
    shape[axis] = -1
    return values.astype(np.float32).reshape(shape if values.ndim else ())


def _real_names(graph: Any) -> set[str]:
    values = (*graph.input, *graph.output, *graph.value_info)
    typed = {value.name for value in values if value.type.tensor_type.elem_type in _REAL}
    return typed | {tensor.name for tensor in graph.initializer if tensor.data_type in _REAL}


def _replace(graph: Any, name: str, values: Any) -> None:
    """Store a tensor in place of one of that name, or beside the others."""
    from onnx import numpy_helper

    made = numpy_helper.from_array(values, name)
    held = [tensor for tensor in graph.initializer if tensor.name == name]
    (held[0] if held else graph.initializer.add()).CopyFrom(made)


def _copied(message: Any) -> Any:
    copy = type(message)()
    copy.CopyFrom(message)
    return copy
