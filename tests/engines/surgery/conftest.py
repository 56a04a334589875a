"""Tiny graphs, made from nodes and weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

Shape = tuple[int, ...]
Graph = Callable[..., onnx.ModelProto]


def graph(
    nodes: Sequence[Any],
    weights: Mapping[str, Any] | None = None,
    shape: Shape = (1, 4, 8, 8),
    inputs: Mapping[str, Shape] | None = None,
    outputs: Sequence[str] = ("y",),
    opset: int = 17,
) -> onnx.ModelProto:
    """A checked model whose outputs have the shapes that inference finds."""
    given = inputs or {"x": shape}
    stored = [numpy_helper.from_array(np.asarray(array), name) for name, array in (weights or {}).items()]
    made = helper.make_model(
        helper.make_graph(
            list(nodes),
            "tiny",
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, dims) for name, dims in given.items()],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
            stored,
        ),
        opset_imports=[helper.make_opsetid("", opset)],
        ir_version=9,
    )
    inferred = onnx.shape_inference.infer_shapes(made, data_prop=True)
    del made.graph.output[:]
    made.graph.output.extend(inferred.graph.output)
    onnx.checker.check_model(made)
    return made


@pytest.fixture(scope="session")
def tiny() -> Graph:
    """The function that makes a tiny graph."""
    return graph
