from __future__ import annotations

import pytest

from inference.backends import graph
from inference.backends.base import TensorSpec
from inference.errors import EngineError
from inference.result import Precision


def test_the_border_is_read(net):
    found = graph.read(net("flat"))
    assert found.inputs == (TensorSpec("x", (1, 3, 32, 32)),)
    assert found.outputs == (TensorSpec("y", (1, 1, 32, 32)),)
    assert found.precision is Precision.FP32


def test_bf16_takes_the_fp32_graph(net):
    assert graph.read_as(net("flat"), Precision.BF16).precision is Precision.FP32


@pytest.mark.parametrize("precision", [Precision.FP16, Precision.INT8])
def test_a_graph_of_another_precision_is_refused(net, precision):
    with pytest.raises(EngineError, match="is a graph in fp32"):
        graph.read_as(net("flat"), precision)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("text", "not a readable ONNX"),
        ("dynamic", "no fixed shape"),
        ("double", "not fp32"),
        ("absent", "no model file"),
    ],
)
def test_odd_files_are_named(odd_graph, fault, said):
    with pytest.raises(EngineError, match=said):
        graph.read(odd_graph(fault))
