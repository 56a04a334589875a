"""The process that runs a trained nnU-Net: `python -m engines.importers.pytorch_door`, an order on its first line.

nnU-Net opens its checkpoints so that they can run code; so it does that here, behind walls, and with a reader that
knows weights and plain data alone unless the user said that the source is trusted. After the order it answers inputs,
float32 [1, c, ...], as `engines.talk` says.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import warnings
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import torch

from engines.importers.nnunet_convert import HOMES
from engines.importers.nnunet_reference import predictor
from engines.importers.walls import confine
from engines.importers.weights_box import only_plain_data
from engines.talk import received, send
from inference.volume import Floats

READY = b"ready\n"


@dataclass(frozen=True, slots=True)
class Order:
    """Whose folds to average."""

    source: str
    folds: tuple[str, ...]
    trust: bool


def opened(order: Order) -> Any:
    """nnU-Net's own predictor with the folds' weights.

    Raises:
        ValueError: One sentence, for the user.
    """
    source = Path(order.source)
    try:
        _require_known_classes(json.loads((source / "plans.json").read_text(encoding="utf-8")))
        with nullcontext() if order.trust else only_plain_data():
            return predictor(source, order.folds, mirror=False)
    except (OSError, KeyError, AttributeError, TypeError) as error:
        raise ValueError(f"{source.name} is not the folder that the bundle was imported from") from error


def answer(made: Any, picture: Floats) -> Floats:
    """Mean of the folds' logits."""
    total: Any = 0.0
    for weights in made.list_of_parameters:
        made.network.load_state_dict(weights)
        with torch.inference_mode():
            total = total + made.network.eval()(torch.from_numpy(picture))
    found: Floats = (total / len(made.list_of_parameters)).numpy()
    return found


def _require_known_classes(plans: Mapping[str, Any]) -> None:
    """nnU-Net makes whatever class a plans file names."""
    for configuration in plans["configurations"].values():
        network = configuration.get("architecture", {})
        called = (network.get("arch_kwargs", {}).get(key) for key in network.get("_kw_requires_import", ()))
        for name in (network.get("network_class_name"), *called):
            if name is not None and not str(name).startswith(HOMES):
                raise ValueError(f"plans.json names the class {name}, which is not one of nnU-Net's networks")


def converse(order: Order, heard: IO[bytes], said: IO[bytes]) -> None:
    """Answer inputs until there are no more. Raises ValueError as `opened`."""
    made = opened(order)
    said.write(READY)
    said.flush()
    with suppress(EOFError):
        while True:
            send(said, answer(made, received(heard)))


def main() -> int:
    """Answer one order; a sentence on standard error and exit code 4 when it cannot be done."""
    warnings.simplefilter("ignore")
    said, sys.stdout = sys.stdout.buffer, sys.stderr  # nnU-Net talks while it loads
    os.environ.pop("nnUNet_compile", None)  # compiling starts programs
    table = json.loads(sys.stdin.buffer.readline())
    order = Order(**{**table, "folds": tuple(table["folds"])})
    _import_early()
    confine([Path(order.source)], [])
    try:
        converse(order, sys.stdin.buffer, said)
    except (ValueError, RuntimeError, MemoryError) as error:
        print(str(error) or "The checkpoint needs too much memory", file=sys.stderr)
        return 4
    return 0


def _import_early() -> None:
    """What asks the system about itself when it is imported, which the walls forbid."""
    for name in ("nnunetv2.inference.predict_from_raw_data", "nnunetv2.training.nnUNetTrainer.nnUNetTrainer"):
        importlib.import_module(name)


if __name__ == "__main__":
    sys.exit(main())
