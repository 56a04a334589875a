"""What a network is made of: parameters, multiply-adds, border."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper, shape_inference

from engines.architectures.catalogue import NETWORKS, PaperNetwork, named
from engines.library import bundles, find
from inference.errors import BackendMissing, EngineError, InputRefused
from inference.host.cost import cost_of

SHIPPED = "shipped"


def describe_named(name: str, variant: str = "") -> dict[str, Any]:
    """A network of the papers, a shipped bundle, or the bundle in a folder; see `describe` for what is told.

    Args:
        variant: Of a network of the papers; empty for its first. A bundle has one, "shipped".

    Raises:
        InputRefused: There is no such network, bundle or variant.
        BackendMissing: PyTorch, which draws the networks of the papers, is not installed.
    """
    network = named(name)
    if network is not None:
        return describe_network(network, variant)
    if variant not in ("", SHIPPED):
        raise InputRefused(f"{name} is no network of the papers, so it has no variants.", "Leave --variant away.")
    try:
        bundle = find(name)
    except InputRefused as error:
        raise InputRefused(error.message, "`insula engines describe` lists networks and bundles.") from error
    return describe(bundle.task.name, SHIPPED, bundle.model)


def describable() -> dict[str, Any]:
    """Everything that has a name: `{"networks": [...], "bundles": [...]}`."""
    return {
        "networks": [
            {
                "name": n.name,
                "title": n.title,
                "source": n.source,
                "variants": [{"name": v.name, "about": v.about, "stated": v.stated} for v in n.variants],
            }
            for n in NETWORKS
        ],
        "bundles": [{"name": b.task.name, "title": b.task.title} for b in bundles()],
    }


def describe_network(network: PaperNetwork, variant: str = "") -> dict[str, Any]:
    """Draw a network without weights and count it.

    Returns:
        What `describe` returns, where "parameters" counts running statistics too, as the papers do; and beside it
        "trainable", "title", "source", "stated" (what the paper says of its size).

    Raises:
        InputRefused: It has no such variant.
        BackendMissing: PyTorch is not installed.
    """
    chosen = network.variant(variant)
    if importlib.util.find_spec("torch") is None:
        raise BackendMissing(
            "The networks of the papers are drawn by PyTorch, which is not installed.",
            "Install it with `pip install insula[train]`.",
        )
    from engines.architectures.published import counted

    count = counted(network, chosen)
    return {
        "name": network.name,
        "variant": chosen.name,
        "parameters": count.parameters,
        "gmac": round(count.macs / 1e9, 4),
        "inputs": _ends(network.inputs, chosen.inputs),
        "outputs": _ends(network.outputs, count.outputs),
        "trainable": count.trainable,
        "title": f"{network.title}: {chosen.about}",
        "source": network.source,
        "stated": chosen.stated,
    }


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


def _ends(names: tuple[str, ...], shapes: tuple[tuple[int, ...], ...]) -> list[dict[str, Any]]:
    return [{"name": name, "shape": list(shape)} for name, shape in zip(names, shapes, strict=True)]


def _shapes(graph: Any) -> dict[str, list[int]]:
    shapes = {i.name: list(numpy_helper.to_array(i).shape) for i in graph.initializer}
    for value in (*graph.input, *graph.value_info, *graph.output):
        shapes[value.name] = [d.dim_value for d in value.type.tensor_type.shape.dim]
    return shapes
