"""The process that opens a MONAI bundle's weights: `python -m engines.importers.monai_convert`, an order on stdin."""

from __future__ import annotations

import importlib
import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from engines.importers.monai_order import NETWORKS, Order
from engines.importers.walls import confine
from engines.importers.weights_box import opened
from engines.training.export import answers, to_onnx
from inference.volume import Floats

PARITY = 1e-3
"""Largest difference between ONNX Runtime and PyTorch, as a share of the output's range."""
MOST_BYTES = 2_000_000_000
WRAPPERS = ("state_dict", "model", "network", "model_state_dict")
"""Names under which trainers store the weights beside other things."""


class First(nn.Module):
    """The first answer of a network that gives several."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        said = self.network(picture)
        found: torch.Tensor = said[0] if isinstance(said, tuple | list) else said
        return found


def convert(order: Order) -> None:
    """Write the ONNX graph.

    Raises:
        ValueError: One sentence, for the user.
    """
    network = (First(_made(order)) if order.network else _scripted(Path(order.weights))).eval()
    if sum(weight.numel() * 4 for weight in network.parameters()) > MOST_BYTES:
        raise ValueError("The network is too large for one graph")
    example = np.random.default_rng(0).standard_normal((1, *order.shape), np.float32)
    said = _answer(network, example)
    wanted = (1, order.heads, *order.shape[1:])
    if said.shape != wanted:
        raise ValueError(f"The network answers {list(said.shape)} where its metadata promises {list(wanted)}")
    _export(network, example, Path(order.model))
    error = float(np.abs(answers(Path(order.model), example)["logits"] - said).max()) / max(float(np.ptp(said)), 1e-6)
    if not error <= PARITY:
        raise ValueError(f"The exported graph differs from the network by {error:.1e} of its range")


def _export(network: nn.Module, example: Floats, file: Path) -> None:
    try:
        to_onnx(network, example, ("input", ["logits"]), file)
    except (RuntimeError, TypeError, ValueError, AttributeError) as error:
        raise ValueError("PyTorch cannot write the network as an ONNX graph") from error


def _answer(network: nn.Module, example: Floats) -> Floats:
    try:
        with torch.no_grad():
            found: Floats = network(torch.from_numpy(example)).float().numpy()
    except (RuntimeError, TypeError, AttributeError, IndexError) as error:
        raise ValueError(f"The network does not take windows of {list(example.shape)}") from error
    return found


def _made(order: Order) -> nn.Module:
    if order.network not in NETWORKS:
        raise ValueError(f"network_def names {order.network}, which is none of {', '.join(NETWORKS)}")
    try:
        made: Any = getattr(importlib.import_module("monai.networks.nets"), order.network)
    except (ImportError, AttributeError) as error:
        raise ValueError(
            f"monai.networks.nets.{order.network} is not installed; `pip install monai` brings it"
        ) from error
    try:
        network: nn.Module = made(**order.arguments)
    except (RuntimeError, TypeError, ValueError, AttributeError, KeyError) as error:
        said = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise ValueError(f"The installed MONAI makes no such {order.network} ({said})") from error
    try:
        network.load_state_dict(_weights(opened(Path(order.weights), order.trust)))
    except (RuntimeError, TypeError, AttributeError) as error:
        raise ValueError(f"The weights do not fit the {order.network} that inference.json describes") from error
    return network


def _weights(found: dict[str, Any]) -> dict[str, Any]:
    inner = next((found[name] for name in WRAPPERS if isinstance(found.get(name), dict)), found)
    return {str(key).removeprefix("module."): value for key, value in inner.items()}


def _scripted(file: Path) -> nn.Module:
    """TorchScript holds a program of its own small language, which names no Python and stays inside these walls."""
    try:
        network: nn.Module = torch.jit.load(str(file), map_location="cpu")
    except (RuntimeError, ValueError, OSError) as error:
        raise ValueError(f"{file.name} is damaged or no TorchScript") from error
    return network


def main() -> int:
    """Answer one order; a sentence on standard error and exit code 4 when it cannot be done."""
    table = json.load(sys.stdin)
    warnings.simplefilter("ignore")
    order = Order(**{**table, "shape": tuple(table["shape"])})
    if order.network:
        _import_early()
    confine([Path(order.weights)], [Path(order.model).parent])
    try:
        convert(order)
    except (ValueError, MemoryError) as error:
        print(str(error) or "The weights need too much memory", file=sys.stderr)
        return 4
    print("{}")
    return 0


def _import_early() -> None:
    """MONAI asks the system about itself when it is imported, which the walls forbid."""
    try:
        importlib.import_module("monai.networks.nets")
    except ImportError:
        return


if __name__ == "__main__":
    sys.exit(main())
