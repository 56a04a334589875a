"""What goes to and comes from the process that opens a MONAI bundle's weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NETWORKS = ("UNet", "BasicUNet", "DynUNet", "SegResNet", "AttentionUnet", "VNet", "UNETR", "SwinUNETR")
"""Classes of monai.networks.nets that may be made; nothing else that a bundle names is imported."""


@dataclass(frozen=True, slots=True)
class Order:
    """What to convert, and where the graph goes.

    Attributes:
        weights: A state dict (.pt), or TorchScript (.ts) where `network` is "".
        shape: Of one window [c, x, y, z].
        heads: Channels of the answer.
    """

    weights: str
    network: str
    arguments: Mapping[str, Any]
    shape: tuple[int, ...]
    heads: int
    model: str
    trust: bool = False
