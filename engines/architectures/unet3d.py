"""A 3D U-Net of the nnU-Net kind (Isensee et al. 2021, "Network architecture"; paper p1, section on nnU-Net).

Two 3x3x3 convolutions a level, instance norm, leaky ReLU, strided convolutions down, transposed ones up, and in
training a loss at every resolution of the decoder but the two coarsest.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

SLOPE = 0.01


class Pair(nn.Sequential):
    """Two convolutions, each with instance norm and leaky ReLU; the first may halve the grid."""

    def __init__(self, inside: int, outside: int, stride: int = 1) -> None:
        super().__init__(*_layer(inside, outside, stride), *_layer(outside, outside, 1))


class UNet3d(nn.Module):
    """Tiles [n, channels, k, j, i] -> logits [n, labels, k, j, i]; sides are multiples of 2 ** (levels - 1).

    Args:
        channels: Input channels.
        labels: Output classes with background first.
        widths: Channels of each level, finest first.
    """

    def __init__(self, channels: int, labels: int, widths: Sequence[int]) -> None:
        super().__init__()
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

    def supervised(self, x: Tensor, resolutions: int = 3) -> list[Tensor]:
        """Logits at the finest resolutions of the decoder, full size first (deep supervision)."""
        features = self._features(x)
        kept = list(zip(self.score, features, strict=True))[::-1][:resolutions]
        return [score(feature) for score, feature in kept]

    def _features(self, x: Tensor) -> list[Tensor]:
        skips = []
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
