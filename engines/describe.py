"""What a network is made of: parameters, multiply-adds, border."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper, shape_inference

from inference.errors import EngineError
from inference.host.cost import cost_of


def describe(name: str, variant: str, model: Path) -> dict[str, Any]:
    """Count a static ONNX graph.

    Returns:
        `{"name", "variant", "parameters", "gmac", "inputs", "outputs"}`; parameters are the elements of all
        float initialisers; gmac counts Conv, ConvTranspose, Gemm and MatMul of one forward pass in 1e9.

    Raises:
        EngineError: The file is no ONNX model.
    """
    try:
        graph = shape_inference.infer_shapes(onnx.load(model)).graph
    except Exception as error:  # onnx raises protobuf's and its own errors, without a common root
        raise EngineError(f"{model.name} is not a readable ONNX model.", "Export it again.") from error
    shapes = _shapes(graph)
    floats = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE)
    parameters = sum(int(np.prod(i.dims)) for i in graph.initializer if i.data_type in floats)
    constants = {i.name for i in graph.initializer}
    return {
        "name": name,
        "variant": variant,
        "parameters": parameters,
        "gmac": round(cost_of(model).macs / 1e9, 4),
        "inputs": [{"name": i.name, "shape": shapes.get(i.name)} for i in graph.input if i.name not in constants],
        "outputs": [{"name": o.name, "shape": shapes.get(o.name)} for o in graph.output],
    }


def _shapes(graph: Any) -> dict[str, list[int]]:
    shapes = {i.name: list(numpy_helper.to_array(i).shape) for i in graph.initializer}
    for value in (*graph.input, *graph.value_info, *graph.output):
        shapes[value.name] = [d.dim_value for d in value.type.tensor_type.shape.dim]
    return shapes
