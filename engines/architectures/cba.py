"""The block of every network of paper p2: convolution, batch norm, ReLU.

The paper trains with TensorFlow 2.3; where it names no number, that library's default holds (a bias in every
convolution, batch norm with epsilon 1e-3 and momentum 0.99, enlargement by the nearest neighbour).
"""

from __future__ import annotations

from torch import nn

EPSILON = 1e-3
MOMENTUM = 0.01
"""Share of the newest batch in the running statistics: 1 - 0.99."""


class Cba(nn.Sequential):
    """3x3 convolution, batch norm, ReLU; [n, inside, h, w] -> [n, outside, h / stride, w / stride]."""

    def __init__(self, inside: int, outside: int, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inside, outside, 3, stride, 1),
            nn.BatchNorm2d(outside, eps=EPSILON, momentum=MOMENTUM),
            nn.ReLU(inplace=True),
        )


class Maps(nn.Sequential):
    """3x3 convolution and softmax: one probability map for each class, background first."""

    def __init__(self, inside: int, classes: int) -> None:
        super().__init__(nn.Conv2d(inside, classes, 3, 1, 1), nn.Softmax(1))
