"""Sizes of a drawn network: weights, multiply-adds, answers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

_ACROSS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)
_BACK = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


@dataclass(frozen=True, slots=True)
class Count:
    """What one network holds and does in one pass.

    Attributes:
        parameters: Weights and running statistics, four numbers for each channel of a batch norm, as Keras counts and
            papers p0 and p2 with it.
        trainable: Weights alone.
        macs: Multiply-adds of convolutions and matrix products.
        outputs: Shapes of the answers.
    """

    parameters: int
    trainable: int
    macs: int
    outputs: tuple[tuple[int, ...], ...]


def parameters_as_published(network: nn.Module) -> int:
    """Weights and running statistics (see `Count.parameters`)."""
    running = [b for name, b in network.named_buffers() if "running" in name]
    return sum(t.numel() for t in [*network.parameters(), *running])


def count(network: nn.Module, inputs: Sequence[Tensor]) -> Count:
    """Count one pass as at export; tensors may lie on the meta device, where nothing is computed."""
    macs: list[int] = []

    def note(module: nn.Module, given: tuple[Tensor, ...], out: Any) -> None:
        macs.append(_macs(module, given[0], out))

    layers = [m for m in network.modules() if isinstance(m, (*_ACROSS, *_BACK))]
    hooks = [layer.register_forward_hook(note) for layer in layers]
    try:
        with torch.no_grad():
            said = network.eval()(*inputs)
    finally:
        for hook in hooks:
            hook.remove()
    parts = said if isinstance(said, tuple) else (said,)
    trainable = sum(p.numel() for p in network.parameters())
    return Count(parameters_as_published(network), trainable, sum(macs), tuple(tuple(p.shape) for p in parts))


def _macs(layer: nn.Module, given: Tensor, out: Tensor) -> int:
    """Each number out (in, for a transposed convolution) meets the weights of one channel."""
    weights = math.prod(int(n) for n in layer.get_parameter("weight").shape[1:])
    return int((given if isinstance(layer, _BACK) else out).numel()) * weights
