"""What an ONNX file declares: names, shapes and precision, read without any runtime."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference.backends.base import TensorSpec
from inference.errors import EngineError
from inference.result import Precision

# onnx.TensorProto.FLOAT and FLOAT16: importing onnx takes longer than drawing the first slice, so only a read does.
_FLOAT, _FLOAT16 = 1, 10
_QUANTISED = {"QuantizeLinear", "DequantizeLinear"}
_HINT = "Make the bundle again, or verify it with `insula engines verify`."


@dataclass(frozen=True, slots=True)
class Graph:
    """The border and the precision of one ONNX graph."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    precision: Precision


def read(model: Path) -> Graph:
    """Read an ONNX file's border and precision.

    Raises:
        EngineError: Not an ONNX file, a shape that is not fixed, or a border that is not fp32.
    """
    graph = _parsed(model).graph
    weights = {initializer.name for initializer in graph.initializer}
    return Graph(
        tuple(_spec(value) for value in graph.input if value.name not in weights),
        tuple(_spec(value) for value in graph.output),
        _precision(graph),
    )


def read_as(model: Path, precision: Precision) -> Graph:
    """Read an ONNX file that must be of a precision; bf16 engines are made from fp32 graphs.

    Raises:
        EngineError: As `read`, or the graph is of another precision.
    """
    graph = read(model)
    wanted = Precision.FP32 if precision is Precision.BF16 else precision
    if graph.precision is not wanted:
        raise EngineError(
            f"{model.name} is a graph in {graph.precision.value} and cannot serve as {precision.value}.",
            "Derive the graph of that precision from the bundle's fp32 model first.",
        )
    return graph


def _parsed(model: Path) -> Any:
    import onnx

    try:
        return onnx.load(model)
    except FileNotFoundError as error:
        raise EngineError(f"There is no model file {model.name}.", _HINT) from error
    except Exception as error:  # protobuf's own exception has no public home
        raise EngineError(f"{model.name} is not a readable ONNX file.", _HINT) from error


def _spec(value: Any) -> TensorSpec:
    tensor = value.type.tensor_type
    shape = tuple(int(dim.dim_value) for dim in tensor.shape.dim)
    if not shape or min(shape) < 1:
        raise EngineError(f"{value.name} has no fixed shape in the model.", "Export the model with fixed shapes.")
    if tensor.elem_type != _FLOAT:
        raise EngineError(f"{value.name} is not fp32 in the model.", "Export the model with fp32 inputs and outputs.")
    return TensorSpec(str(value.name), shape)


def _precision(graph: Any) -> Precision:
    if any(node.op_type in _QUANTISED for node in graph.node):
        return Precision.INT8
    if any(weight.data_type == _FLOAT16 for weight in graph.initializer):
        return Precision.FP16
    return Precision.FP32
