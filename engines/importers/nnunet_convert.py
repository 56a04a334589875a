"""The process that opens nnU-Net checkpoints: `python -m engines.importers.nnunet_convert` with an order on stdin.

A checkpoint is a pickle, and a pickle can run any code when it is opened; so it is opened here, in a process that can
do nothing else, and only as plain data unless the user said that the source is trusted.
"""

from __future__ import annotations

import importlib
import json
import sys
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from engines.importers.nnunet_order import Facts, Order, resolved
from engines.importers.walls import confine
from engines.importers.weights_box import opened
from engines.training.export import answers, to_onnx
from inference.volume import Floats

PARITY = 1e-3
"""Largest difference between ONNX Runtime and PyTorch, as a share of the output's range."""
MOST_BYTES = 2_000_000_000
"""An ONNX file cannot be larger than 2 GiB, whatever it holds."""
HOMES = ("torch.nn.", "dynamic_network_architectures.")
"""Where classes that a plans file names may come from."""


class Folds(nn.Module):
    """The mean of several networks' logits."""

    def __init__(self, networks: list[nn.Module]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        total = self.networks[0](picture)
        for network in self.networks[1:]:
            total = total + network(picture)
        return total / len(self.networks)


def convert(order: Order) -> Facts:
    """Write the ONNX graph and say what the checkpoints hold.

    Raises:
        ValueError: One sentence, for the user.
    """
    files = [Path(order.source) / f"fold_{fold}" / order.checkpoint for fold in order.folds]
    checkpoints = [opened(file, order.trust, f"{file.name} of {file.parent.name}") for file in files]
    first = checkpoints[0]
    name = str(first["init_args"]["configuration"])
    configuration = resolved(json.loads((Path(order.source) / "plans.json").read_text(encoding="utf-8")), name)
    networks = [_network(configuration, order, checkpoint["network_weights"]) for checkpoint in checkpoints]
    whole = networks[0] if len(networks) == 1 else Folds(networks)
    if sum(weight.numel() * 4 for weight in whole.parameters()) > MOST_BYTES:
        raise ValueError("The folds together are too large for one graph")
    example = np.random.default_rng(0).standard_normal((1, order.channels, *configuration["patch_size"]), np.float32)
    to_onnx(whole.eval(), example, ("input", ["logits"]), Path(order.model))
    _require_parity(whole, example, Path(order.model))
    axes = first.get("inference_allowed_mirroring_axes") or ()
    return Facts(
        name,
        str(first["trainer_name"]),
        tuple(int(a) for a in axes),
        configuration["architecture"]["network_class_name"],
    )


def _network(configuration: dict[str, Any], order: Order, weights: dict[str, Any]) -> nn.Module:
    built = _class(configuration["architecture"]["network_class_name"])(
        input_channels=order.channels, num_classes=order.heads, **_arguments(configuration["architecture"])
    )
    plain = {key.removeprefix("_orig_mod.").removeprefix("module."): value for key, value in weights.items()}
    try:
        built.load_state_dict(plain)
    except RuntimeError as error:
        raise ValueError("The weights do not fit the network that plans.json describes") from error
    return built.eval()


def _arguments(architecture: dict[str, Any]) -> dict[str, Any]:
    arguments = dict(architecture["arch_kwargs"])
    for key in architecture["_kw_requires_import"]:
        arguments[key] = None if arguments[key] is None else _class(arguments[key])
    return {**arguments, "deep_supervision": False}


def _class(name: str) -> Any:
    if not name.startswith(HOMES):
        raise ValueError(f"plans.json names the class {name}, which is not one of nnU-Net's networks")
    room, _, own = name.rpartition(".")
    try:
        return getattr(importlib.import_module(room), own)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"{name} is not installed; `pip install dynamic-network-architectures` brings it") from error


def _require_parity(network: nn.Module, example: Floats, file: Path) -> None:
    with torch.no_grad():
        said = network(torch.from_numpy(example)).numpy()
    found = answers(file, example)["logits"]
    error = float(np.abs(found - said).max()) / max(float(np.ptp(said)), 1e-6)
    if not error <= PARITY:
        raise ValueError(f"The exported graph differs from the network by {error:.1e} of its range")


def main() -> int:
    """Answer one order; a sentence on standard error and exit code 4 when it cannot be done."""
    table = json.load(sys.stdin)
    warnings.simplefilter("ignore")
    order = Order(**{**table, "folds": tuple(table["folds"])})
    confine([Path(order.source)], [Path(order.model).parent])
    try:
        facts = convert(order)
    except (ValueError, MemoryError) as error:
        print(str(error) or "The checkpoint needs too much memory", file=sys.stderr)
        return 4
    json.dump(asdict(facts), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
