"""The small V-Net that paper p2 (section III-B3) runs on Prostate-3T slices."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from engines.architectures.cba import Cba, Maps
from engines.architectures.ushape import Level, UShape

WIDTHS = (8, 16, 32, 64, 64)
DROPPED = 0.01


class ProstateVNet(UShape):
    """T2 slices [n, 1, 256, 256] in [-1, 1] -> probability maps [n, classes, 256, 256]; sides are multiples of 32.

    Five stacks of one block down, five up. The paper gives no filters, only that the network is smaller than its
    U-Net: eight in the first stack as in its other networks, doubled at each, and 64 at most.

    Args:
        classes: 3 for background, central gland and peripheral zone, 2 for background and prostate.
        widths: Filters of each stack, finest first.
    """

    def __init__(self, classes: int = 3, widths: Sequence[int] = WIDTHS) -> None:
        before, below = [1, *widths[:-1]], [*widths[1:], widths[-1]]
        levels = [_level(*of) for of in zip(before, widths, below, strict=True)]
        super().__init__(levels, nn.Identity(), Maps(widths[0], classes))


def _level(before: int, width: int, below: int) -> Level:
    return Level(
        encode=Cba(before, width),
        shrink=nn.Sequential(nn.MaxPool2d(2), nn.Dropout(DROPPED)),
        enlarge=nn.Upsample(scale_factor=2, mode="nearest"),
        decode=Cba(below + width, width),
    )
