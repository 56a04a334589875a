"""An fp16 graph from an fp32 one: half-precision weights and arithmetic, an fp32 border."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from inference.errors import PrecisionAbsent

# Sums over a whole volume pass 65504 and turn the mask black, so these stay in single precision.
SINGLE = (
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
    "Resize",
    "Range",
)
_LARGEST = float(np.finfo(np.float16).max)


def write(model: Path, target: Path) -> None:
    """Convert an ONNX file.

    Raises:
        PrecisionAbsent: A weight is beyond half precision's range.
    """
    graph = onnx.load(model)
    _require_range(graph, model.name)
    converter = importlib.import_module("onnxruntime.transformers.float16")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of every weight below 6e-8, which half precision rounds
        converted = converter.convert_float_to_float16(graph, keep_io_types=True, op_block_list=list(SINGLE))
    in_order(converted.graph)
    onnx.checker.check_model(converted)
    onnx.save(converted, target)


def in_order(graph: Any) -> None:
    """Sort nodes so that each follows what it reads: the converter appends its casts at the end, ONNX forbids that."""
    makers = {output: node for node in graph.node for output in node.output}
    placed: dict[int, Any] = {}
    for node in graph.node:
        for ready in _with_needs(node, makers, placed):
            placed[id(ready)] = ready
    nodes = list(placed.values())
    del graph.node[:]
    graph.node.extend(nodes)


def _with_needs(node: Any, makers: dict[str, Any], placed: dict[int, Any]) -> Iterator[Any]:
    """The node after everything it needs, without recursion: networks are deeper than Python's stack."""
    stack = [node]
    while stack:
        top = stack[-1]
        needs = [makers[name] for name in top.input if name in makers and id(makers[name]) not in placed]
        if needs and id(top) not in placed:
            stack.extend(needs)
        else:
            stack.pop()
            if id(top) not in placed:
                yield top


def _require_range(model: Any, name: str) -> None:
    for weight in model.graph.initializer:
        if weight.data_type == onnx.TensorProto.FLOAT:
            values = numpy_helper.to_array(weight)
            if values.size and float(np.abs(values).max()) > _LARGEST:
                raise PrecisionAbsent(
                    f"{name} cannot run in fp16: the weight {weight.name} is beyond {_LARGEST:.0f}.",
                    "Choose fp32 for this model.",
                )
