"""Slices, splits and moves between channels and places as convolutions that pick: no slice has strides or int8."""

from __future__ import annotations

import numpy as np

from engines.surgery import measures
from engines.surgery.net import Array, Net, Node, label
from engines.surgery.rewrites.base import MOST_KERNEL, Exactness, Rewrite, Wish, wherever
from engines.surgery.rewrites.deconvolution import delta, spreading

MOST_STRIDE = 8


def _picked(net: Net, node: Node, _wish: Wish) -> bool:
    """A cut of rows and columns is a depthwise kernel with one 1; a cut of channels a 1x1 kernel of ones and zeros."""
    shape, spans = net.fixed(node.input[0]), measures.cuts(net, node)
    if len(shape) != 4 or 0 in spans or not spans or any(step < 1 for _, _, step in spans.values()):
        return False
    spatial = {axis: span for axis, span in spans.items() if axis > 1}
    made: list[Node] = []
    if 1 in spans and spans[1] != (0, shape[1], 1):
        made.append(channels_of(net, node, node.input[0], range(*spans[1]), shape[1]))
    if spatial:
        picked = _place(net, node, made[-1].output[0] if made else node.input[0], spatial)
        if picked is None:
            return False
        made.append(picked)
    if not made:
        return False
    made[-1].output[0] = node.output[0]
    net.swap([node], made)
    return True


def channels_of(net: Net, node: Node, source: str, chosen: range, channels: int) -> Node:
    kernel = np.zeros((len(chosen), channels, 1, 1), np.float32)
    kernel[np.arange(len(chosen)), list(chosen)] = 1
    weight = net.store(kernel, f"{label(node)}.channels")
    return net.node("Conv", [source, weight], None, f"{label(node)}.pick", kernel_shape=(1, 1))


def _place(net: Net, node: Node, source: str, spans: dict[int, tuple[int, int, int]]) -> Node | None:
    shape = net.fixed(node.input[0])
    sizes, ats, steps = [], [], []
    for axis in (2, 3):
        start, stop, step = spans.get(axis, (0, shape[axis], 1))
        count = len(range(start, stop, step))
        sizes.append(max(start + 1, shape[axis] - count * step + 1))
        ats.append(start)
        steps.append(step)
    if max(sizes) > MOST_KERNEL or max(steps) > MOST_STRIDE:
        return None
    channels = net.fixed(node.output[0])[1]
    weight = net.store(delta(channels, (sizes[0], sizes[1]), (ats[0], ats[1])), f"{label(node)}.delta")
    words = {"kernel_shape": sizes, "strides": steps, "group": channels}
    return net.node("Conv", [source, weight], None, f"{label(node)}.pick", **words)


def _rearranged(net: Net, node: Node, _wish: Wish) -> bool:
    """Moves between channels and places by kernels of ones and zeros."""
    block, shape = int(net.setting(node, "blocksize")), net.fixed(node.input[0])
    if len(shape) != 4 or block > MOST_STRIDE:
        return False
    sizes = {"kernel_shape": (block, block), "strides": (block, block)}
    if node.op_type == "SpaceToDepth":
        op, kernel = "Conv", _gathering(shape[1], block)
    else:
        op, kernel = "ConvTranspose", spreading(shape[1] // block**2, block)
        if str(net.setting(node, "mode", default="DCR")) == "DCR":
            kernel = kernel.reshape(-1, block * block, *kernel.shape[1:]).swapaxes(0, 1).reshape(kernel.shape)
    weight = net.store(kernel, f"{label(node)}.moves")
    net.swap([node], [net.node(op, [node.input[0], weight], node.output[0], f"{label(node)}.conv", **sizes)])
    return True


def _gathering(channels: int, block: int) -> Array:
    """Kernel of SpaceToDepth: the place within a block comes before the channel."""
    kernel = np.zeros((block, block, channels, channels, block, block), np.float32)
    for row, column, channel in np.ndindex(block, block, channels):
        kernel[row, column, channel, channel, row, column] = 1
    return kernel.reshape(block * block * channels, channels, block, block)


PICKED = Rewrite(
    "slices-as-convolutions",
    "a slice becomes a convolution whose kernel is 1 where it picks and 0 elsewhere",
    Exactness.BITWISE,
    wherever(_picked, {"Slice"}),
)
REARRANGED = Rewrite(
    "rearrange-by-convolution",
    "moves between channels and places become convolutions of ones and zeros",
    Exactness.BITWISE,
    wherever(_rearranged, {"DepthToSpace", "SpaceToDepth"}),
)
