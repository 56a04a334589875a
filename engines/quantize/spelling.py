"""How an int8 graph is spelt for those who read it, and the table of ranges that older TensorRT calibrates with."""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterable, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

import onnx

from engines.ranges import largest
from inference.backends.base import Arrays
from inference.backends.tensorrt import graphs
from inference.errors import InputRefused

_FLOAT = 1
_STEPS = 127
_JOINED = ("Concat", "Add", "Sub", "Mul", "Max", "Min")
"""A DLA wants one range for all that these join and for what they make (TensorRT's guide, DLA supported layers)."""
_SAME = ("MaxPool", "AveragePool", "GlobalMaxPool")
"""What goes in and what comes out of these share a range on a DLA."""


class Target(Enum):
    """Who reads the graph.

    OPENVINO and ONNXRUNTIME take unsigned steps around 128; TENSORRT knows signed steps around 0 alone; a DLA of
    TensorRT 8 and 10 takes the fp32 graph and a table of ranges beside it.
    """

    OPENVINO = "openvino"
    ONNXRUNTIME = "onnxruntime"
    TENSORRT = "tensorrt"
    DLA = "dla"


def spelt(file: Path, target: Target) -> bytes:
    """An int8 graph, unsigned as `engines.int8` writes it, in a target's spelling. The numbers stay the same."""
    if target is Target.TENSORRT:
        return graphs.symmetric(file).content
    return file.read_bytes()


def table(source: Any, feeds: Iterable[Arrays], version: str, left_out: Collection[str] = ()) -> str:
    """A calibration table for TensorRT's entropy calibrator: each real tensor of the fp32 graph and its scale.

    The first line names the version and the calibrator, as 8501 for 8.5.1 and 100300 for 10.3.0; then `name: scale`,
    the scale as the eight hexadecimal digits of a big-endian single-precision number.

    Args:
        left_out: Tensors that get no scale, so that the layers which write them run in half precision.

    Raises:
        InputRefused: The version is not written as 8.5.2.
    """
    inferred = onnx.shape_inference.infer_shapes(source)
    ranges = _unified(inferred.graph, largest(inferred, _real(inferred.graph), feeds))
    kept = sorted((name, reach) for name, reach in ranges.items() if name not in left_out)
    rows = (f"{name}: {struct.pack('>f', reach / _STEPS or 1.0).hex()}" for name, reach in kept)
    return "\n".join((f"TRT-{_number(version)}-EntropyCalibration2", *rows, ""))


def _number(version: str) -> str:
    parts = version.split(".")
    if len(parts) < 3 or not all(part.isdecimal() for part in parts[:3]):
        raise InputRefused(f"{version!r} is not a version of TensorRT.", "Write it as 8.5.2.")
    major, minor, patch = (int(part) for part in parts[:3])
    return str(major * 1000 + minor * 100 + patch if major < 10 else major * 10000 + minor * 100 + patch)


def _real(graph: Any) -> set[str]:
    values = (*graph.input, *graph.value_info, *graph.output)
    weights = {weight.name for weight in graph.initializer}
    constants = {name for node in graph.node if node.op_type == "Constant" for name in node.output}
    return {v.name for v in values if v.type.tensor_type.elem_type == _FLOAT} - weights - constants


def _unified(graph: Any, ranges: Mapping[str, float]) -> dict[str, float]:
    """The larger range for all tensors that must share one."""
    head = {name: name for name in ranges}

    def find(name: str) -> str:
        while head[name] != name:
            name = head[name]
        return name

    for node in graph.node:
        if node.op_type in (*_JOINED, *_SAME):
            joined = [name for name in (*node.input, *node.output) if name in head]
            for name in joined[1:]:
                head[find(name)] = find(joined[0])
    most: dict[str, float] = {}
    for name, reach in ranges.items():
        most[find(name)] = max(most.get(find(name), 0.0), reach)
    return {name: most[find(name)] for name in ranges}
