"""An ONNX file as a graph that can be looked at and changed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engines.surgery.net import Net, Shape
from engines.surgery.rewrites.constants import fold
from inference.errors import InputRefused


def read(file: Path, shapes: Mapping[str, Shape] | None = None) -> Net:
    """Read an ONNX file with fixed shapes.

    Args:
        shapes: Of inputs whose axes the file leaves open; what follows from them is computed at once.

    Raises:
        InputRefused: There is none, it cannot be read, it branches, or an input has no fixed shape.
    """
    import onnx

    if not file.is_file():
        raise InputRefused(f"There is no file {file}.", "Name an ONNX file.")
    try:
        model = onnx.load(file)
        if not model.graph.node or not model.opset_import:
            raise ValueError("no graph")
        return _net(model, file.name, shapes or {})
    except InputRefused:
        raise
    except Exception as error:  # the parser's and the inference's exceptions share no public base
        raise InputRefused(f"{file.name} is not a readable ONNX graph.", "Export it again.") from error


def _net(model: Any, name: str, shapes: Mapping[str, Shape]) -> Net:
    from onnx import inliner

    flat = inliner.inline_local_functions(model) if model.functions else model
    if not shapes:
        return Net(flat, name)
    _fix(flat.graph, shapes, name)
    net = Net(flat, name)
    fold(net)
    net.outputs = [net.value(value.name) for value in net.outputs]
    return net


def _fix(graph: Any, shapes: Mapping[str, Shape], name: str) -> None:
    """Write shapes into the inputs; what the file states of other tensors may not hold any more."""
    inputs = {value.name: value.type.tensor_type for value in graph.input}
    for given, shape in shapes.items():
        if given not in inputs or len(inputs[given].shape.dim) not in (0, len(shape)):
            known = ", ".join(inputs)
            raise InputRefused(f"{name} has no input {given} of {len(shape)} axes.", f"Its inputs are {known}.")
        del inputs[given].shape.dim[:]
        for size in shape:
            inputs[given].shape.dim.add().dim_value = size
    del graph.value_info[:]
    for value in graph.output:
        value.type.tensor_type.ClearField("shape")
