"""An anchor-free single-stage detector for grey slices, of the YOLOX kind (Ge et al. 2021, section 2.1).

Only convolution, batch norm, ReLU, max pooling, nearest doubling, addition and channel concatenation: every
operation has an exact accelerator form. The stem is a 6x6 convolution of stride 2 instead of a space-to-depth.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

STRIDES = (8, 16, 32)

FULL_WIDTHS = (16, 32, 64, 128, 256)
FULL_HEAD = 84
"""With these widths 4.0e9 multiply-adds for two classes at 640 x 640, as YOLOv8n has, which paper p0 runs."""


class Conv(nn.Sequential):
    """Convolution without bias, batch norm, ReLU."""

    def __init__(self, inside: int, outside: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inside, outside, kernel, stride, (kernel - 1) // 2, bias=False),
            nn.BatchNorm2d(outside, eps=1e-3, momentum=0.03),
            nn.ReLU(inplace=True),
        )


class Bottleneck(nn.Module):
    """1x1 then 3x3, added to what came in."""

    def __init__(self, width: int, shortcut: bool) -> None:
        super().__init__()
        self.body = nn.Sequential(Conv(width, width, 1), Conv(width, width))
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.body(x)
        return out + x if self.shortcut else out


class CrossStage(nn.Module):
    """Half of the channels through bottlenecks, half past them, then joined (CSP, Wang et al. 2020)."""

    def __init__(self, inside: int, outside: int, depth: int, shortcut: bool = True) -> None:
        super().__init__()
        half = outside // 2
        self.through = nn.Sequential(Conv(inside, half, 1), *(Bottleneck(half, shortcut) for _ in range(depth)))
        self.past = Conv(inside, half, 1)
        self.join = Conv(2 * half, outside, 1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.join(torch.cat([self.through(x), self.past(x)], dim=1))
        return out


class PoolPyramid(nn.Module):
    """Three 5x5 max pools in a row, all of them seen together."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.enter = Conv(width, width // 2, 1)
        self.pool = nn.MaxPool2d(5, 1, 2)
        self.leave = Conv(2 * width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        seen = [self.enter(x)]
        for _ in range(3):
            seen.append(self.pool(seen[-1]))
        out: Tensor = self.leave(torch.cat(seen, dim=1))
        return out


class Head(nn.Module):
    """Decoupled head of one level: box and objectness from one branch, classes from the other."""

    def __init__(self, inside: int, width: int, classes: int) -> None:
        super().__init__()
        self.stem = Conv(inside, width, 1)
        self.regress = nn.Sequential(Conv(width, width), Conv(width, width))
        self.classify = nn.Sequential(Conv(width, width), Conv(width, width))
        self.box = nn.Conv2d(width, 4, 1)
        self.objectness = nn.Conv2d(width, 1, 1)
        self.classes = nn.Conv2d(width, classes, 1)
        nn.init.constant_(self.box.bias[:2], 0.5)
        for layer in (self.objectness, self.classes):
            nn.init.constant_(layer.bias, -math.log(99.0))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        place, kind = self.regress(x), self.classify(x)
        return torch.cat([self.box(place), self.objectness(place), self.classes(kind)], dim=1)


class GridDetector(nn.Module):
    """Slices [n, 1, h, w] in [-1, 1] -> raw maps at strides 8, 16, 32.

    Each map is [n, 5 + classes, h / stride, w / stride]: dx, dy, log w, log h (in cells), objectness logit, class
    logits. Sides must be multiples of 32.

    Args:
        classes: Number of classes.
        widths: Channels at strides 2, 4, 8, 16, 32.
        head: Channels of the neck and the heads.
    """

    def __init__(
        self, classes: int = 5, widths: tuple[int, int, int, int, int] = (16, 32, 64, 128, 192), head: int = 64
    ) -> None:
        super().__init__()
        w1, w2, w3, w4, w5 = widths
        self.stem = nn.Sequential(
            nn.Conv2d(1, w1, 6, 2, 2, bias=False), nn.BatchNorm2d(w1, eps=1e-3, momentum=0.03), nn.ReLU(inplace=True)
        )
        self.down4 = nn.Sequential(Conv(w1, w2, 3, 2), CrossStage(w2, w2, 1))
        self.down8 = nn.Sequential(Conv(w2, w3, 3, 2), CrossStage(w3, w3, 2))
        self.down16 = nn.Sequential(Conv(w3, w4, 3, 2), CrossStage(w4, w4, 2))
        self.down32 = nn.Sequential(Conv(w4, w5, 3, 2), CrossStage(w5, w5, 1), PoolPyramid(w5))
        self.enlarge = nn.Upsample(scale_factor=2, mode="nearest")
        self.lateral32, self.lateral16, self.lateral8 = Conv(w5, head, 1), Conv(w4, head, 1), Conv(w3, head, 1)
        self.up16 = CrossStage(2 * head, head, 1, shortcut=False)
        self.up8 = CrossStage(2 * head, head, 1, shortcut=False)
        self.to16, self.to32 = Conv(head, head, 3, 2), Conv(head, head, 3, 2)
        self.out16 = CrossStage(2 * head, head, 1, shortcut=False)
        self.out32 = CrossStage(2 * head, head, 1, shortcut=False)
        self.heads = nn.ModuleList(Head(head, head, classes) for _ in STRIDES)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        at8 = self.down8(self.down4(self.stem(x)))
        at16 = self.down16(at8)
        at32 = self.lateral32(self.down32(at16))
        mid16 = self.up16(torch.cat([self.enlarge(at32), self.lateral16(at16)], dim=1))
        out8 = self.up8(torch.cat([self.enlarge(mid16), self.lateral8(at8)], dim=1))
        out16 = self.out16(torch.cat([self.to16(out8), mid16], dim=1))
        out32 = self.out32(torch.cat([self.to32(out16), at32], dim=1))
        p8, p16, p32 = (head(level) for head, level in zip(self.heads, (out8, out16, out32), strict=True))
        return p8, p16, p32


def full() -> GridDetector:
    """As large as the detector of paper p0: two classes, made for 640 x 640."""
    return GridDetector(classes=2, widths=FULL_WIDTHS, head=FULL_HEAD)
