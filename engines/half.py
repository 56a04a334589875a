"""An fp16 graph from an fp32 one: half-precision weights and arithmetic, an fp32 border."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from inference.errors import PrecisionAbsent

# Sums over a whole volume pass 65504 and turn the mask black, so these stay in single precision.
_SUMS = {
    "InstanceNormalization",
    "GroupNormalization",
    "LayerNormalization",
    "MeanVarianceNormalization",
    "ReduceMean",
    "ReduceSum",
    "ReduceSumSquare",
    "ReduceL2",
    "GlobalAveragePool",
    "Pow",
    "Exp",
}
# These name their number format in an attribute, or ONNX lets them be fp32 only.
_TYPED = {"Cast", "CastLike", "ConstantOfShape", "EyeLike", "NonMaxSuppression", "Range", "RandomNormal"}
SINGLE = frozenset(_SUMS | _TYPED)
# Inputs that ONNX wants in fp32 whatever the operation's own format.
_ALWAYS_SINGLE = {"Resize": (1, 2)}
_HALF = ".half"
_LARGEST = float(np.finfo(np.float16).max)


def write(model: Path, target: Path) -> None:
    """Convert an ONNX file.

    Raises:
        PrecisionAbsent: A weight is beyond half precision's range, or the graph branches or loops.
    """
    source = onnx.shape_inference.infer_shapes(onnx.load(model))
    converted = _Conversion(source.graph, model.name).graph()
    del source.graph.node[:], source.graph.initializer[:], source.graph.value_info[:]
    source.graph.node.extend(converted.node)
    source.graph.initializer.extend(converted.initializer)
    onnx.checker.check_model(source)
    onnx.save(source, target)


class _Conversion:
    """One pass over the nodes in their order. A tensor T has two forms: T in fp32 and T.half, made when first read."""

    def __init__(self, graph: Any, name: str) -> None:
        self._source = graph
        self._name = name
        self._weights = {weight.name: weight for weight in graph.initializer} | dict(_constants(graph))
        self._floats = _float_names(graph) | {
            name for name, weight in self._weights.items() if weight.data_type == TensorProto.FLOAT
        }
        self._made = {value.name for value in graph.input}
        self._nodes: list[Any] = []
        self._initializers: list[Any] = []

    def graph(self) -> Any:
        for node in self._source.node:
            if node.op_type != "Constant":
                self._convert(node)
        for output in self._source.output:
            self._want(output.name)
        border = (self._source.input, self._source.output)
        return helper.make_graph(self._nodes, self._source.name, *border, initializer=self._initializers)

    def _convert(self, node: Any) -> None:
        if any(attribute.type == onnx.AttributeProto.GRAPH for attribute in node.attribute):
            raise PrecisionAbsent(
                f"{self._name} cannot run in fp16: it branches or loops.", "Choose fp32 for this model."
            )
        half = node.op_type not in SINGLE
        single = _ALWAYS_SINGLE.get(node.op_type, ())
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        copy.input[:] = [self._form(name, half and place not in single) for place, name in enumerate(node.input)]
        copy.output[:] = [self._form_name(name, half) for name in node.output]
        self._nodes.append(copy)
        self._made.update(copy.output)

    def _form_name(self, name: str, half: bool) -> str:
        return name + _HALF if half and name in self._floats else name

    def _form(self, name: str, half: bool) -> str:
        return self._want(self._form_name(name, half)) if name else name

    def _want(self, form: str) -> str:
        """Make a form of a tensor unless it is there: a weight is stored in it, anything else is cast."""
        if form in self._made:
            return form
        half = form.endswith(_HALF)
        tensor = form.removesuffix(_HALF)
        if tensor in self._weights:
            self._initializers.append(self._weight(tensor, form) if half else _named(self._weights[tensor], tensor))
        else:
            origin, to = (tensor, TensorProto.FLOAT16) if half else (tensor + _HALF, TensorProto.FLOAT)
            self._nodes.append(helper.make_node("Cast", [origin], [form], name=f"cast {form}", to=to))
        self._made.add(form)
        return form

    def _weight(self, name: str, form: str) -> Any:
        values = numpy_helper.to_array(self._weights[name])
        if values.size and float(np.abs(values).max()) > _LARGEST:
            raise PrecisionAbsent(
                f"{self._name} cannot run in fp16: the weight {name} is beyond {_LARGEST:.0f}.",
                "Choose fp32 for this model.",
            )
        return numpy_helper.from_array(values.astype(np.float16), form)


def _constants(graph: Any) -> Iterator[tuple[str, Any]]:
    """Constant nodes as weights, so that both are treated alike."""
    for node in graph.node:
        if node.op_type == "Constant":
            name, value = node.output[0], node.attribute[0]
            tensor = value.t if value.name == "value" else numpy_helper.from_array(_listed(value))
            yield name, _named(tensor, name)


def _listed(attribute: Any) -> Any:
    kinds = {"f": np.float32, "i": np.int64}
    return np.asarray(helper.get_attribute_value(attribute), dtype=kinds[attribute.name.removeprefix("value_")[0]])


def _named(tensor: Any, name: str) -> Any:
    copy = TensorProto()
    copy.CopyFrom(tensor)
    copy.name = name
    return copy


def _float_names(graph: Any) -> set[str]:
    values = (*graph.input, *graph.output, *graph.value_info)
    return {value.name for value in values if value.type.tensor_type.elem_type == TensorProto.FLOAT}
