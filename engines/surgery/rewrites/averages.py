"""Means and maxima over a whole picture as a chain of small windows (R7)."""

from __future__ import annotations

from itertools import zip_longest

import numpy as np

from engines.surgery.net import Net, Node, label
from engines.surgery.rewrites.base import MOST_KERNEL, Exactness, Rewrite, Wish, wherever

_MOST_WINDOW = 8
_MEANS = {"GlobalAveragePool", "ReduceMean"}


def _windows(net: Net, node: Node, _wish: Wish) -> bool:
    shape = net.fixed(node.input[0])
    if len(shape) != 4 or not _over_picture(net, node):
        return False
    rows, columns = _factors(shape[2]), _factors(shape[3])
    mean = node.op_type in _MEANS
    if rows is None or columns is None:
        return mean and max(shape[2:]) <= MOST_KERNEL and _by_kernel(net, node, shape)
    steps = list(zip_longest(rows, columns, fillvalue=1)) or [(1, 1)]
    made: list[Node] = []
    for number, size in enumerate(steps):
        source = made[-1].output[0] if made else node.input[0]
        output = node.output[0] if number == len(steps) - 1 else None
        op = "AveragePool" if mean else "MaxPool"
        made.append(net.node(op, [source], output, f"{label(node)}.window", kernel_shape=size, strides=size))
    net.swap([node], made)
    return True


def _over_picture(net: Net, node: Node) -> bool:
    """Over rows and columns, which stay as axes of one."""
    if node.op_type.startswith("Global"):
        return True
    axes = net.setting(node, "axes", 1)
    return axes is not None and {axis % 4 for axis in axes} == {2, 3} and net.setting(node, "keepdims", default=1) == 1


def _factors(length: int) -> list[int] | None:
    """Window sizes whose product is a length, largest first; None where a prime is larger than a window."""
    found: list[int] = []
    while length > 1:
        size = next((n for n in range(_MOST_WINDOW, 1, -1) if length % n == 0), None)
        if size is None:
            return None
        found.append(size)
        length //= size
    return found


def _by_kernel(net: Net, node: Node, shape: tuple[int, ...]) -> bool:
    kernel = np.full((shape[1], 1, *shape[2:]), 1 / (shape[2] * shape[3]), np.float32)
    weight = net.store(kernel, f"{label(node)}.mean")
    made = net.node(
        "Conv", [node.input[0], weight], node.output[0], f"{label(node)}.conv", kernel_shape=shape[2:], group=shape[1]
    )
    net.swap([node], [made])
    return True


MEANS = Rewrite(
    "average-by-windows",
    "a mean over the picture becomes a chain of small windows, or one depthwise convolution",
    Exactness.ROUNDING,
    wherever(_windows, _MEANS),
)
MAXIMA = Rewrite(
    "maximum-by-windows",
    "a maximum over the picture becomes a chain of small windows",
    Exactness.BITWISE,
    wherever(_windows, {"GlobalMaxPool", "ReduceMax"}),
)
