"""The network that paper p2 (section III-B2) runs on BraTS slices: MobileNetV2 at width 0.35, then a plain decoder."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from engines.architectures.cba import EPSILON, Cba, Maps

WIDTH = 0.35
STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1))
"""Expansion, channels at width 1, blocks, stride of the first (Sandler et al. 2018, table 2), down to stride 16."""

DECODER = (64, 32, 16, 8)
_MOMENTUM = 1e-3


def channels_at(full: int, width: float) -> int:
    """`full` channels times `width`: a multiple of 8 that loses no more than a tenth."""
    near = max(8, int(full * width + 4) // 8 * 8)
    return near if near >= 0.9 * full * width else near + 8


class Layer(nn.Sequential):
    """Convolution without bias, batch norm, and ReLU6 unless it is linear."""

    def __init__(
        self, inside: int, outside: int, kernel: int, stride: int = 1, groups: int = 1, linear: bool = False
    ) -> None:
        layers: list[nn.Module] = [
            nn.Conv2d(inside, outside, kernel, stride, kernel // 2, groups=groups, bias=False),
            nn.BatchNorm2d(outside, eps=EPSILON, momentum=_MOMENTUM),
        ]
        super().__init__(*layers, *([] if linear else [nn.ReLU6(inplace=True)]))


class Inverted(nn.Module):
    """Inverted residual: widen, filter each channel, narrow without activation.

    Attributes:
        expand: The first part; where the block halves the grid, its answer is what the decoder joins.
        narrow: The rest.
    """

    def __init__(self, inside: int, outside: int, expansion: int, stride: int) -> None:
        super().__init__()
        wide = inside * expansion
        self.halves = stride == 2
        self.adds = stride == 1 and inside == outside
        self.expand = Layer(inside, wide, 1) if expansion > 1 else nn.Identity()
        self.narrow = nn.Sequential(Layer(wide, wide, 3, stride, groups=wide), Layer(wide, outside, 1, linear=True))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        wide = self.expand(x)
        out = self.narrow(wide)
        return (out + x if self.adds else out), wide


class MobileEncoder(nn.Module):
    """Pictures [n, channels, h, w] -> the maps behind its ReLU6 layers at strides 2, 4, 8 and 16."""

    def __init__(self, channels: int, width: float) -> None:
        super().__init__()
        inside = channels_at(32, width)
        self.stem = Layer(channels, inside, 3, 2)
        blocks: list[Inverted] = []
        for expansion, full, count, stride in STAGES:
            outside = channels_at(full, width)
            for n in range(count):
                blocks.append(Inverted(inside, outside, expansion, stride if n == 0 else 1))
                inside = outside
        self.blocks = nn.ModuleList(blocks)
        self.last = Layer(inside, 6 * inside, 1)
        self.widths = [*(b.narrow[0][0].in_channels for b in blocks if b.halves), 6 * inside]

    def forward(self, x: Tensor) -> list[Tensor]:
        x = self.stem(x)
        maps = []
        for block in self.blocks:
            x, wide = block(x)
            if block.halves:
                maps.append(wide)
        return [*maps, self.last(x)]


class MobileUNet(nn.Module):
    """Slices [n, 4, 240, 240] in [-1, 1] -> probability maps [n, 4, 240, 240]; sides are multiples of 16.

    The encoder ends where its map still is a whole sixteenth (15 x 15): at the expansion of the first block of 160
    channels. One step further 15 halves to 8, which doubles to 16, and the paper names no layer that would mend that.
    The paper gives no filters of the decoder: those of its U-Net at the same strides. At stride 1 the encoder has no
    ReLU layer to join.

    Args:
        channels: MR sequences.
        classes: Background and three parts of a tumour.
        width: MobileNetV2's width multiplier.
        decoder: Filters at strides 8, 4, 2 and 1.
    """

    def __init__(
        self, channels: int = 4, classes: int = 4, width: float = WIDTH, decoder: Sequence[int] = DECODER
    ) -> None:
        super().__init__()
        self.encoder = MobileEncoder(channels, width)
        skips = [*self.encoder.widths[-2::-1], 0]
        entering = [self.encoder.widths[-1], *decoder[:-1]]
        self.enlarge = nn.Upsample(scale_factor=2, mode="nearest")
        self.decode = nn.ModuleList(
            nn.Sequential(Cba(a + skip, b), Cba(b, b)) for a, skip, b in zip(entering, skips, decoder, strict=True)
        )
        self.answer = Maps(decoder[-1], classes)

    def forward(self, x: Tensor) -> Tensor:
        *skips, x = self.encoder(x)
        for decode, skip in zip(self.decode, [*skips[::-1], None], strict=True):
            x = self.enlarge(x)
            x = decode(x if skip is None else torch.cat([x, skip], dim=1))
        answer: Tensor = self.answer(x)
        return answer
