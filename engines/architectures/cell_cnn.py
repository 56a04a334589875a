"""The residual CNN that paper p2 (section III-B4) runs on pictures of blood cells (BCCD)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from engines.architectures.cba import Cba

WIDTHS = (8, 16, 32, 64, 128)
LAST_WIDTH = 30
DROPPED = 0.2


class Stack(nn.Module):
    """Four blocks, a skip past the last three of them, a fifth block; the first block halves the grid and widens.

    The paper does not say where the grid shrinks nor what the skip joins: as in ResNet (He et al. 2016) the first block
    of a stack has stride 2, and the skip starts behind it, where the channels agree.
    """

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.enter = _dropped(inside, outside, 2)
        self.body = nn.Sequential(*(_dropped(outside, outside) for _ in range(3)))
        self.leave = _dropped(outside, outside)

    def forward(self, x: Tensor) -> Tensor:
        x = self.enter(x)
        out: Tensor = self.leave(self.body(x) + x)
        return out


class CellCnn(nn.Module):
    """Pictures [n, 3, 240, 320] -> probabilities [n, 4, 1, 1]: eosinophil, lymphocyte, monocyte, neutrophil.

    There is no fully connected layer: the last convolution is as large as the map that is left.

    Args:
        classes: Kinds of cells.
        size: Rows and columns of a picture.
        widths: Filters of each stack, before the one of 30.
    """

    def __init__(self, classes: int = 4, size: tuple[int, int] = (240, 320), widths: Sequence[int] = WIDTHS) -> None:
        super().__init__()
        every = [3, *widths, LAST_WIDTH]
        self.stacks = nn.Sequential(*(Stack(a, b) for a, b in pairwise(every)))
        rows, columns = (-(-side // 2 ** (len(every) - 1)) for side in size)
        self.answer = nn.Sequential(nn.Conv2d(LAST_WIDTH, classes, (rows, columns)), nn.Softmax(1))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.answer(self.stacks(x))
        return out


def _dropped(inside: int, outside: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(*Cba(inside, outside, stride), nn.Dropout(DROPPED))
