"""Where training computes and in which number format; the same code on CPU and GPU."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import Enum
from typing import Any

import torch

from inference.errors import InputRefused


class Format(Enum):
    """Number format of the forward pass. Weights, sums and losses stay fp32."""

    FP32 = "fp32"
    BF16 = "bf16"
    FP16 = "fp16"


_TYPES = {Format.BF16: torch.bfloat16, Format.FP16: torch.float16}


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """A device's name ("cpu", "cuda") and the format of its forward pass."""

    device: str = "cpu"
    format: Format = Format.BF16

    def autocast(self) -> AbstractContextManager[Any]:
        """Inside it, layers that gain from it run in the format."""
        dtype = _TYPES.get(self.format, torch.bfloat16)
        context: AbstractContextManager[Any] = torch.autocast(self.device, dtype, enabled=self.format in _TYPES)
        return context

    def scaler(self) -> torch.amp.GradScaler:
        """Keeps gradients above fp16's smallest number; does nothing in the other formats."""
        return torch.amp.GradScaler(self.device, enabled=self.format is Format.FP16)


def require_device(name: str) -> str:
    """The device's name, if PyTorch can compute there.

    Raises:
        InputRefused: It cannot, or nobody knows that device.
    """
    if name not in ("cpu", "cuda"):
        raise InputRefused(f"Training knows no device {name!r}.", "Choose cpu or cuda.")
    if name == "cuda" and not torch.cuda.is_available():
        raise InputRefused(
            "PyTorch sees no CUDA device on this machine.",
            "Install a CUDA build of PyTorch and its driver, or leave out --device cuda.",
        )
    return name


def make_repeatable() -> None:
    """Let cuDNN choose only algorithms that give the same sums each time."""
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
