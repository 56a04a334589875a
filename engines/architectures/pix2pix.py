"""Pix2Pix (Isola et al. 2017) in the three forms of paper p0, section III, and its PatchGAN discriminator.

Transposed convolutions with padding are what deep learning accelerators refuse. "crop" computes them without
padding and slices the border off: the same numbers from the same weights. "conv" replaces the slice by a trained
3x3 convolution without padding, so it has more weights. "original" is the plain network.
"""

from __future__ import annotations

from enum import Enum

import torch
from torch import Tensor, nn

SLOPE = 0.3
"""Leaky ReLU's slope in the network that the paper measures (Keras's default)."""

EPSILON = 1e-3


class Form(Enum):
    """How the border of a transposed convolution is taken off."""

    ORIGINAL = "original"
    CROP = "crop"
    CONV = "conv"


class Up(nn.Module):
    """Doubles the grid: transposed convolution, kernel 4, stride 2, in one of the three forms."""

    def __init__(self, inside: int, outside: int, form: Form, bias: bool = False) -> None:
        super().__init__()
        self.form = form
        padding = 1 if form is Form.ORIGINAL else 0
        self.widen = nn.ConvTranspose2d(inside, outside, 4, 2, padding, bias=bias)
        self.trim = nn.Conv2d(outside, outside, 3, bias=False) if form is Form.CONV else None

    def forward(self, x: Tensor) -> Tensor:
        x = self.widen(x)
        if self.form is Form.CROP:
            return x[:, :, 1:-1, 1:-1]
        return x if self.trim is None else self.trim(x)


class Generator(nn.Module):
    """Pictures [n, channels, 256, 256] in [-1, 1] -> pictures of the same size in [-1, 1].

    Eight steps down, seven up with skips, one last up. Dropout of the first three steps up is on in training only.

    Args:
        inside, outside: Channels in and out (3 and 3 in the paper).
        width: Channels of the first step (64 in the paper; at most 8 x width further down).
        form: How padding of the transposed convolutions is expressed.
    """

    def __init__(self, inside: int = 1, outside: int = 1, width: int = 64, form: Form = Form.CROP) -> None:
        super().__init__()
        widths = [width * n for n in (1, 2, 4, 8, 8, 8, 8, 8)]
        before = [inside, *widths[:-1]]
        self.down = nn.ModuleList(
            _down(a, b, norm=level > 0) for level, (a, b) in enumerate(zip(before, widths, strict=True))
        )
        skips = [*widths[-2::-1]]
        entering = [widths[-1], *(2 * w for w in skips[:-1])]
        self.up = nn.ModuleList(Up(a, b, form) for a, b in zip(entering, skips, strict=True))
        self.after = nn.ModuleList(_after(b, dropped=level < 3) for level, b in enumerate(skips))
        self.last = Up(2 * skips[-1], outside, form, bias=True)

    def forward(self, x: Tensor) -> Tensor:
        skips = []
        for step in self.down:
            x = step(x)
            skips.append(x)
        for up, after, skip in zip(self.up, self.after, skips[-2::-1], strict=True):
            x = torch.cat([after(up(x)), skip], dim=1)
        return torch.tanh(self.last(x))


class Discriminator(nn.Module):
    """Source and target side by side [n, channels, 256, 256] -> a real-or-made logit per 70 x 70 patch."""

    def __init__(self, channels: int = 2, width: int = 32) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 4, 2, 1), nn.LeakyReLU(0.2, inplace=True)]
        for a, b, stride in ((width, 2 * width, 2), (2 * width, 4 * width, 2), (4 * width, 4 * width, 1)):
            layers += [nn.Conv2d(a, b, 4, stride, 1, bias=False), nn.BatchNorm2d(b), nn.LeakyReLU(0.2, inplace=True)]
        self.body = nn.Sequential(*layers, nn.Conv2d(4 * width, 1, 4, 1, 1))

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        logits: Tensor = self.body(torch.cat([source, target], dim=1))
        return logits


def parameters_as_published(network: nn.Module) -> int:
    """Weights and running statistics, as Keras counts them (four numbers for each batch norm channel)."""
    running = [b for name, b in network.named_buffers() if "running" in name]
    return sum(t.numel() for t in [*network.parameters(), *running])


def _down(inside: int, outside: int, norm: bool) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Conv2d(inside, outside, 4, 2, 1, bias=False)]
    if norm:
        layers.append(nn.BatchNorm2d(outside, eps=EPSILON))
    return nn.Sequential(*layers, nn.LeakyReLU(SLOPE, inplace=True))


def _after(width: int, dropped: bool) -> nn.Sequential:
    layers: list[nn.Module] = [nn.BatchNorm2d(width, eps=EPSILON)]
    if dropped:
        layers.append(nn.Dropout(0.5))
    return nn.Sequential(*layers, nn.ReLU(inplace=True))
