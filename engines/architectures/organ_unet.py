"""The U-Net that paper p2 (section III-B1) runs on CT-ORG slices: five organs and background."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from engines.architectures.cba import Cba, Maps
from engines.architectures.ushape import Level, UShape

WIDTHS = (8, 16, 32, 64, 128)
DROPPED = 0.05


class OrganUNet(UShape):
    """CT slices [n, 1, 256, 256] in [-1, 1] -> probability maps [n, 6, 256, 256]; sides are multiples of 16.

    The paper leaves the kernel of the transposed convolutions open: 2 here, which doubles the grid without the padding
    that accelerators refuse.

    Args:
        channels: Input channels.
        classes: Organs and background.
        widths: Filters of each stack, finest first; the last is of the stack that joins the two ways.
    """

    def __init__(self, channels: int = 1, classes: int = 6, widths: Sequence[int] = WIDTHS) -> None:
        before = [channels, *widths[:-2]]
        levels = [_level(*of) for of in zip(before, widths[:-1], widths[1:], strict=True)]
        super().__init__(levels, _stack(widths[-2], widths[-1]), Maps(widths[0], classes))


def _level(before: int, width: int, below: int) -> Level:
    return Level(
        encode=_stack(before, width),
        shrink=nn.Sequential(nn.MaxPool2d(2), nn.Dropout(DROPPED)),
        enlarge=nn.ConvTranspose2d(below, width, 2, 2),
        decode=nn.Sequential(nn.Dropout(DROPPED), *_stack(2 * width, width)),
    )


def _stack(inside: int, outside: int) -> nn.Sequential:
    return nn.Sequential(Cba(inside, outside), Cba(outside, outside))
