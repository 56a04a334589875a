"""The network that paper p1 deploys, nnU-Net's own 3D U-Net of 31 million weights, and the names its weights go by.

`UNet3d` at these widths is layer for layer what nnU-Net v2 builds (`PlainConvUNet`), so weights move both ways.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from engines.architectures.unet3d import UNet3d

WIDTHS = (32, 64, 128, 256, 320, 320)
_OWN = {0: "conv", 1: "norm"}
"""Convolution and norm by their place in `Pair`; the activation has no weights, and three layers make one of two."""

Weights = Mapping[str, Tensor]


def published(channels: int = 2, labels: int = 2) -> UNet3d:
    """The network of the paper: DWI and ADC in, background and lesion out."""
    return UNet3d(channels, labels, WIDTHS)


def to_nnunet(weights: Weights) -> dict[str, Tensor]:
    """Weights of a `UNet3d` under nnU-Net's names, each once (its checkpoints repeat some under a second name)."""
    return {_theirs(name): tensor for name, tensor in weights.items()}


def from_nnunet(weights: Weights, own: Weights) -> dict[str, Tensor]:
    """Weights of a `PlainConvUNet` under the names of a `UNet3d`.

    Args:
        own: The state of such a network; only its names count.
    """
    return {name: weights[_theirs(name)] for name in own}


def _theirs(name: str) -> str:
    part, level, *rest = name.split(".")
    if part in ("up", "score"):
        return f"decoder.{ {'up': 'transpconvs', 'score': 'seg_layers'}[part] }.{level}.{rest[0]}"
    place, kind = int(rest[0]), rest[1]
    layer = f"convs.{place // 3}.{_OWN[place % 3]}.{kind}"
    return f"encoder.stages.{level}.0.{layer}" if part == "encoder" else f"decoder.stages.{level}.{layer}"
