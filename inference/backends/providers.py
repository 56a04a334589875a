"""Execution providers of ONNX Runtime: which device stands for which, and who really runs a model's nodes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from inference.errors import EngineError, PrecisionAbsent
from inference.settings import OnnxRuntimeSettings

CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"
_ENDING = "ExecutionProvider"
# TF32 would round fp32 inputs of every convolution to 10 bits without a word.
_CUDA_OPTIONS = {"use_tf32": "0"}


def device_of(provider: str) -> str:
    """The device that a provider serves: "VitisAIExecutionProvider" is "VITISAI"."""
    return {CPU: "CPU", CUDA: "GPU"}.get(provider, provider.removesuffix(_ENDING).upper())


def devices(installed: tuple[str, ...], settings: OnnxRuntimeSettings) -> dict[str, str]:
    """Device -> provider of what is installed, best first: those of the settings in their order, CUDA, the CPU."""
    wanted = (*settings.providers, CUDA, CPU)
    return {device_of(name): name for name in wanted if name in installed}


def why_absent(device: str, installed: tuple[str, ...], settings: OnnxRuntimeSettings) -> str:
    """One clause: why a device is not there."""
    named = [name for name in settings.providers if device_of(name) == device and name not in installed]
    if named:
        return f"the settings name {named[0]}, which this build of ONNX Runtime lacks; it has {', '.join(installed)}"
    return f"ONNX Runtime finds no device {device} here"


def wish(provider: str, settings: OnnxRuntimeSettings) -> list[Any]:
    """The session's list of providers; the CPU stands last because the library wants it there."""
    if provider == CPU:
        return [CPU]
    given = settings.options.get(provider, {})
    return [(provider, (_CUDA_OPTIONS | given) if provider == CUDA else given), CPU]


def placement(session: Any) -> Mapping[str, int]:
    """Provider -> nodes that it runs, after the library's own fusions; empty where the library does not tell."""
    try:
        subgraphs = session.get_provider_graph_assignment_info()
    except (AttributeError, RuntimeError):  # older than 1.24, or not asked to record
        return {}
    counted: Counter[str] = Counter()
    for subgraph in subgraphs:
        counted[subgraph.ep_name] += len(subgraph.get_nodes())
    return dict(counted)


def require_placed(session: Any, provider: str, fallback: bool) -> Mapping[str, int]:
    """The placement, after making sure that the provider was started and takes what it may not leave to the CPU.

    Raises:
        EngineError: The provider did not start.
        PrecisionAbsent: It leaves nodes to others and `fallback` is False, or it takes none.
    """
    if provider not in session.get_providers():
        raise EngineError(
            f"ONNX Runtime could not start {provider} and fell back to the CPU.", "Choose the device CPU."
        )
    placed = placement(session)
    total, own = sum(placed.values()), placed.get(provider, 0)
    if total and (own == 0 or (own < total and not fallback)):
        allow = "Choose the device CPU, or set fallback = true in the settings' table [onnxruntime]."
        raise PrecisionAbsent(
            f"{provider} runs {own} of the model's {total} nodes and leaves {total - own} to the CPU.",
            allow if own else "Choose the device CPU.",
        )
    return placed
