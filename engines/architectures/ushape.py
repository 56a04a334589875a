"""The shape that the 2D segmentation networks share: down with skips, a bottom, up again, an answer (U-Net, 2015)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """One resolution of a U.

    Attributes:
        encode: What happens before the grid is halved; its answer is the skip.
        shrink: Halves the grid.
        enlarge: Doubles it again on the way up.
        decode: Takes the enlarged map and the skip, joined along the channels.
    """

    encode: nn.Module
    shrink: nn.Module
    enlarge: nn.Module
    decode: nn.Module


class UShape(nn.Module):
    """Pictures [n, channels, h, w] -> [n, labels, h, w]; sides are multiples of 2 ** levels.

    Args:
        levels: Finest first.
        bottom: What joins the two ways.
        answer: From the finest map to the labels.
    """

    def __init__(self, levels: Sequence[Level], bottom: nn.Module, answer: nn.Module) -> None:
        super().__init__()
        self.encode = _modules(level.encode for level in levels)
        self.shrink = _modules(level.shrink for level in levels)
        self.bottom = bottom
        self.enlarge = _modules(level.enlarge for level in levels[::-1])
        self.decode = _modules(level.decode for level in levels[::-1])
        self.answer = answer

    def forward(self, x: Tensor) -> Tensor:
        skips = []
        for encode, shrink in zip(self.encode, self.shrink, strict=True):
            x = encode(x)
            skips.append(x)
            x = shrink(x)
        x = self.bottom(x)
        for enlarge, decode, skip in zip(self.enlarge, self.decode, skips[::-1], strict=True):
            x = decode(torch.cat([enlarge(x), skip], dim=1))
        answer: Tensor = self.answer(x)
        return answer


def _modules(parts: Iterable[nn.Module]) -> nn.ModuleList:
    return nn.ModuleList(list(parts))
