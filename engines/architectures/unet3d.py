"""A 3D U-Net of the nnU-Net kind (Isensee et al. 2021, "Network architecture"; paper p1, section on nnU-Net).

Two 3x3x3 convolutions a level, instance norm, leaky ReLU, strided convolutions down, transposed ones up, and in
training a loss at every resolution of the decoder but the two coarsest.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

SLOPE = 0.01

Gain = Sequence[tuple[float, float, float]]
"""Per channel: values above the first number become it, then the second is added, then times the third."""


class Pair(nn.Sequential):
    """Two convolutions, each with instance norm and leaky ReLU; the first may halve the grid."""

    def __init__(self, inside: int, outside: int, stride: int = 1) -> None:
        super().__init__(*_layer(inside, outside, stride), *_layer(outside, outside, 1))


class Spread(nn.Module):
    """Cuts a channel's uninteresting top off and scales the rest, with fixed numbers (see `Gain`)."""

    def __init__(self, gain: Gain) -> None:
        super().__init__()
        for name, column in zip(("top", "shift", "scale"), zip(*gain, strict=True), strict=True):
            self.register_buffer(name, torch.tensor(column).view(1, -1, 1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return (torch.minimum(x, self.get_buffer("top")) + self.get_buffer("shift")) * self.get_buffer("scale")


class UNet3d(nn.Module):
    """Tiles [n, channels, k, j, i] -> logits [n, labels, k, j, i]; sides are multiples of 2 ** (levels - 1).

    Args:
        channels: Input channels.
        labels: Output classes with background first.
        widths: Channels of each level, finest first.
        gain: Spreads the range that matters of an input channel; None leaves the inputs as they are.
    """

    def __init__(self, channels: int, labels: int, widths: Sequence[int], gain: Gain | None = None) -> None:
        super().__init__()
        self.spread = None if gain is None else Spread(gain)
        inside = [channels, *widths[:-1]]
        self.encoder = nn.ModuleList(
            Pair(a, b, 1 if level == 0 else 2) for level, (a, b) in enumerate(zip(inside, widths, strict=True))
        )
        steps = list(zip(widths[:0:-1], widths[-2::-1], strict=True))
        self.up = nn.ModuleList(nn.ConvTranspose3d(coarse, fine, 2, 2) for coarse, fine in steps)
        self.decoder = nn.ModuleList(Pair(2 * fine, fine) for _, fine in steps)
        self.score = nn.ModuleList(nn.Conv3d(fine, labels, 1) for _, fine in steps)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.score[-1](self._features(x)[-1])
        return logits

    def supervised(self, x: Tensor, resolutions: int | None = None) -> list[Tensor]:
        """Logits at every resolution of the decoder, or the finest ones, full size first (deep supervision)."""
        features = self._features(x)
        kept = list(zip(self.score, features, strict=True))[::-1][:resolutions]
        return [score(feature) for score, feature in kept]

    def _features(self, x: Tensor) -> list[Tensor]:
        skips = []
        if self.spread is not None:
            x = self.spread(x)
        for level in self.encoder:
            x = level(x)
            skips.append(x)
        features = []
        for up, decode, skip in zip(self.up, self.decoder, skips[-2::-1], strict=True):
            x = decode(torch.cat([up(x), skip], dim=1))
            features.append(x)
        return features


def _layer(inside: int, outside: int, stride: int) -> tuple[nn.Module, ...]:
    return (
        nn.Conv3d(inside, outside, 3, stride, 1),
        nn.InstanceNorm3d(outside, affine=True),
        nn.LeakyReLU(SLOPE, inplace=True),
    )
