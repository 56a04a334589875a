"""How large a network's tensors become on real inputs: what static quantisation is scaled by."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto, helper

from inference.backends import registry
from inference.backends.base import Arrays
from inference.errors import EngineError
from inference.result import Precision

# The backend that calibrates: always the same one, so that a graph does not depend on what else is installed.
_REFERENCE = "onnxruntime"


def largest(source: Any, names: set[str], feeds: Iterable[Arrays]) -> dict[str, float]:
    """Largest absolute value of each named tensor over all feeds, in single precision.

    The tensors themselves never leave the network: at the border there is one number for each.

    Raises:
        EngineError: A tensor is not in the graph, or the network failed.
    """
    order = sorted(names)
    found = dict.fromkeys(order, 0.0)
    with tempfile.TemporaryDirectory(prefix="insula-ranges-") as scratch:
        probe = Path(scratch) / "probe.onnx"
        onnx.save(_probe(source, order), probe)
        choice = registry.choose(_REFERENCE, Precision.FP32, "CPU")
        with closing(choice.backend.load(probe, Precision.FP32, choice.device)) as engine:
            for feed in feeds:
                answer = engine.infer(feed)
                for name in order:
                    found[name] = max(found[name], float(answer[_most(name)][0]))
    return found


def _most(name: str) -> str:
    return f"{name}.most"


def _probe(source: Any, names: list[str]) -> Any:
    """The graph with one number for each tensor as its outputs."""
    known = {value.name for value in (*source.graph.input, *source.graph.initializer)}
    known |= {name for node in source.graph.node for name in node.output}
    missing = [name for name in names if name not in known]
    if missing:
        raise EngineError(f"The model has no tensor {missing[0]}.", "Export the model again.")
    probe = onnx.ModelProto()
    probe.CopyFrom(source)
    probe.graph.initializer.append(helper.make_tensor("one.most", TensorProto.INT64, [1], [1]))
    for name in names:
        probe.graph.node.append(helper.make_node("Abs", [name], [f"{name}.abs"]))
        # Without axes every opset of ReduceMax takes all of them.
        probe.graph.node.append(helper.make_node("ReduceMax", [f"{name}.abs"], [f"{name}.top"], keepdims=0))
        probe.graph.node.append(helper.make_node("Reshape", [f"{name}.top", "one.most"], [_most(name)]))
    del probe.graph.output[:]
    probe.graph.output.extend(helper.make_tensor_value_info(_most(name), TensorProto.FLOAT, [1]) for name in names)
    return probe
