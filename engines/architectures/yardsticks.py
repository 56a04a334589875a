"""Networks of the papers with seeded random weights: as ONNX for the engines, and as PyTorch runs them itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from engines.architectures.nnunet import published
from engines.architectures.pix2pix import Form, Generator
from engines.training.export import to_onnx
from inference.backends.base import Arrays
from inference.volume import Floats

INPUT, OUTPUT = "input", "output"
_SEED = 31


def _nnunet() -> nn.Module:
    return published()


def _pix2pix() -> nn.Module:
    return Generator(3, 3, 64, Form.CROP)


_NETWORKS: dict[str, Callable[[], nn.Module]] = {"nnunet-31m": _nnunet, "pix2pix-54m": _pix2pix}


def network(name: str) -> nn.Module:
    """The network of a name, the same weights every time."""
    torch.manual_seed(_SEED)
    return _NETWORKS[name]().eval()


def write_onnx(name: str, example: Floats, file: Path) -> None:
    """Its static fp32 graph."""
    to_onnx(network(name), example, (INPUT, [OUTPUT]), file)


def eager(name: str) -> Callable[[Arrays], dict[str, Floats]]:
    """A function that runs one feed through PyTorch on the CPU in single precision, operation by operation."""
    made = network(name)

    def infer(feed: Arrays) -> dict[str, Floats]:
        with torch.inference_mode():
            return {OUTPUT: np.asarray(made(torch.from_numpy(feed[INPUT])).numpy())}

    return infer


def version() -> str:
    return str(torch.__version__)
