"""Pix2Pix (Isola et al. 2017) in the eight forms of paper p0, section V-A, and its PatchGAN discriminator.

Transposed convolutions with padding are what deep learning accelerators refuse. "cropping" computes them without
padding and slices the border off: the same numbers from the same weights. "convolution" replaces the slice by a
trained 3x3 convolution without padding, so it has more weights. "original" is the plain network; the other five are
the substitutes that the paper tried and gave up. Their details are ours where the paper leaves them open.
"""

from __future__ import annotations

from enum import Enum

import torch
from torch import Tensor, nn

SLOPE = 0.3
"""Leaky ReLU's slope in the network that the paper measures (Keras's default)."""

EPSILON = 1e-3


class Form(Enum):
    """How the border of a transposed convolution is taken off; the values are the paper's words.

    A pool is 3x3 with stride 1, the only one that takes off one line on each side. Without any padding the sides
    shrink on the way down and grow back alike on the way up if the picture is 3 * 2 ** 8 - 2 = 766 wide: eight
    levels have no such answer at 256.
    """

    ORIGINAL = "original"
    CROP = "cropping"
    CONV = "convolution"
    AVERAGE = "average-pooling"
    MAXIMUM = "maximum-pooling"
    SMALL_UP = "kernel-2-deconvolutions"
    SMALL = "kernel-2"
    UNPADDED = "no-padding"


class Up(nn.Module):
    """Doubles the grid: transposed convolution of stride 2, in one of the forms."""

    def __init__(self, inside: int, outside: int, form: Form, bias: bool = False) -> None:
        super().__init__()
        self.form = form
        kernel = 2 if form in (Form.SMALL_UP, Form.SMALL) else 4
        padding = 1 if form is Form.ORIGINAL else 0
        self.widen = nn.ConvTranspose2d(inside, outside, kernel, 2, padding, bias=bias)
        self.trim = _trim(outside, form)

    def forward(self, x: Tensor) -> Tensor:
        x = self.widen(x)
        if self.form is Form.CROP:
            return x[:, :, 1:-1, 1:-1]
        return x if self.trim is None else self.trim(x)


class Generator(nn.Module):
    """Pictures [n, channels, 256, 256] in [-1, 1] -> pictures of the same size in [-1, 1] (766 if nothing is padded).

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
            _down(a, b, form, norm=level > 0) for level, (a, b) in enumerate(zip(before, widths, strict=True))
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
    """Source and target side by side [n, channels, 256, 256] -> a real-or-made logit per 70 x 70 patch.

    The default is the judge of the shipped recipe; `published_discriminator` is the paper's.

    Args:
        channels: Of source and target together.
        width: Channels of the first layer.
        widest: Channels of the fourth layer, as multiples of `width`.
        slope, epsilon: Of leaky ReLU and batch norm.
        bias: Whether the first layer has one.
    """

    def __init__(
        self,
        channels: int = 2,
        width: int = 32,
        *,
        widest: int = 4,
        slope: float = 0.2,
        epsilon: float = 1e-5,
        bias: bool = True,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 4, 2, 1, bias=bias), nn.LeakyReLU(slope, inplace=True)]
        for a, b, stride in ((1, 2, 2), (2, 4, 2), (4, widest, 1)):
            layers += [
                nn.Conv2d(a * width, b * width, 4, stride, 1, bias=False),
                nn.BatchNorm2d(b * width, eps=epsilon),
                nn.LeakyReLU(slope, inplace=True),
            ]
        self.body = nn.Sequential(*layers, nn.Conv2d(widest * width, 1, 4, 1, 1))

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        logits: Tensor = self.body(torch.cat([source, target], dim=1))
        return logits


def published_discriminator() -> Discriminator:
    """The judge of paper p0, section V-A: three halving blocks of 64, 128 and 256 channels, then 512."""
    return Discriminator(6, 64, widest=8, slope=SLOPE, epsilon=EPSILON, bias=False)


def _down(inside: int, outside: int, form: Form, norm: bool) -> nn.Sequential:
    kernel = 2 if form is Form.SMALL else 4
    padding = 0 if form in (Form.SMALL, Form.UNPADDED) else 1
    layers: list[nn.Module] = [nn.Conv2d(inside, outside, kernel, 2, padding, bias=False)]
    if norm:
        layers.append(nn.BatchNorm2d(outside, eps=EPSILON))
    return nn.Sequential(*layers, nn.LeakyReLU(SLOPE, inplace=True))


def _trim(width: int, form: Form) -> nn.Module | None:
    if form is Form.CONV:
        return nn.Conv2d(width, width, 3, bias=False)
    if form is Form.AVERAGE:
        return nn.AvgPool2d(3, 1)
    return nn.MaxPool2d(3, 1) if form is Form.MAXIMUM else None


def _after(width: int, dropped: bool) -> nn.Sequential:
    layers: list[nn.Module] = [nn.BatchNorm2d(width, eps=EPSILON)]
    if dropped:
        layers.append(nn.Dropout(0.5))
    return nn.Sequential(*layers, nn.ReLU(inplace=True))
