"""The compressed U-Net of paper p3 ("Model Compression"), and the plain one that it is measured against."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.architectures.ushape import Level, UShape

LABELS = ("non-tumour", "necrosis", "oedema", "non-enhancing tumour", "enhancing tumour")
REGIONS = {"complete": (1, 2, 3, 4), "core": (1, 3, 4), "enhancing": (4,)}
"""Labels of each region that the paper scores (section "Dataset")."""

WIDTHS = (32, 64, 128, 256, 512)
PLAIN_WIDTHS = (64, 128, 256, 512, 1024)
SLOPE = 0.3
GROUPS = 8
DROPPED = 0.05


def region_of(labels: Tensor, name: str) -> Tensor:
    """Where a region of `REGIONS` lies among label numbers; the same shape, true or false."""
    return torch.isin(labels, torch.tensor(REGIONS[name], device=labels.device))


class StaticGroupNorm(nn.GroupNorm):
    """Group norm whose exported graph reads no shape: instance norm of each group laid out in one row.

    While it learns it is PyTorch's own, which computes the same and takes half as long.
    """

    def forward(self, input: Tensor) -> Tensor:
        if self.training:
            return super().forward(input)
        sizes = [int(n) for n in input.shape]
        rows = F.instance_norm(input.reshape(sizes[0], self.num_groups, -1), eps=self.eps)
        return rows.reshape(sizes) * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)


class Independent(nn.Sequential):
    """The paper's IC layer: group norm and dropout, before the weights (Chen et al. 2019)."""

    def __init__(self, channels: int) -> None:
        super().__init__(StaticGroupNorm(math.gcd(GROUPS, channels), channels), nn.Dropout(DROPPED))


class Separable(nn.Module):
    """MobileNetV2's block without its expansion: 1x1, 3x3 of each channel, 1x1; the last without activation.

    What came in is added where the channels agree.
    """

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            Independent(inside),
            nn.Conv2d(inside, inside, 1),
            nn.LeakyReLU(SLOPE),
            Independent(inside),
            nn.Conv2d(inside, inside, 3, 1, 1, groups=inside),
            nn.LeakyReLU(SLOPE),
            Independent(inside),
            nn.Conv2d(inside, outside, 1),
        )
        self.adds = inside == outside

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.body(x)
        return out + x if self.adds else out


class CompressedUNet(UShape):
    """Slices [n, 4, 128, 128] (FLAIR, T2, T1, T1c) -> sigmoid maps [n, 5, 128, 128] of `LABELS`.

    The paper names 512 maps at the bottom and about 2.1 million parameters, neither the other widths nor how much its
    blocks widen. Halving the plain network's widths gives the 512; two blocks a level down, one up and no expansion
    give 2.06 million (two blocks up as well: 2.24). Its normalisation has 8 groups, its dropout 5 % as in Chen's work.

    Args:
        channels: MR sequences.
        labels: Maps of the answer.
        widths: Channels of each level, finest first; the last is the bottom. Sides are multiples of 2 ** (levels - 1).
    """

    def __init__(self, channels: int = 4, labels: int = 5, widths: Sequence[int] = WIDTHS) -> None:
        before = [channels, *widths[:-2]]
        levels = [_level(*of) for of in zip(before, widths[:-1], widths[1:], strict=True)]
        super().__init__(levels, _two(widths[-2], widths[-1]), _answer(widths[0], labels))
        self.apply(_start)


class PlainUNet(UShape):
    """The U-Net that the paper compresses (Ronneberger et al. 2015, padded): 31 million parameters."""

    def __init__(self, channels: int = 4, labels: int = 5, widths: Sequence[int] = PLAIN_WIDTHS) -> None:
        before = [channels, *widths[:-2]]
        levels = [_plain_level(*of) for of in zip(before, widths[:-1], widths[1:], strict=True)]
        super().__init__(levels, _plain(widths[-2], widths[-1]), _answer(widths[0], labels))


def _level(before: int, width: int, below: int) -> Level:
    return Level(
        encode=_two(before, width),
        shrink=nn.MaxPool2d(2),
        enlarge=nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False),
        decode=Separable(below + width, width),
    )


def _two(inside: int, outside: int) -> nn.Sequential:
    return nn.Sequential(Separable(inside, outside), Separable(outside, outside))


def _plain_level(before: int, width: int, below: int) -> Level:
    return Level(
        encode=_plain(before, width),
        shrink=nn.MaxPool2d(2),
        enlarge=nn.ConvTranspose2d(below, width, 2, 2),
        decode=_plain(2 * width, width),
    )


def _plain(inside: int, outside: int) -> nn.Sequential:
    first, second = nn.Conv2d(inside, outside, 3, 1, 1), nn.Conv2d(outside, outside, 3, 1, 1)
    return nn.Sequential(first, nn.ReLU(inplace=True), second, nn.ReLU(inplace=True))


def _answer(inside: int, labels: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inside, labels, 1), nn.Sigmoid())


def _start(module: nn.Module) -> None:
    """Glorot normal kernels, biases of zero ("Training and Implementation Details")."""
    if isinstance(module, nn.Conv2d):
        nn.init.xavier_normal_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
