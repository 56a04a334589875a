"""Deconvolutions as an accelerator takes them: one group, no dilation, no padding of either kind.

R0 puts groups, dilation and output padding into the kernel. R1 crops with a slice, as the first paper does; R2 crops
with a depthwise kernel that is 1 in one place and 0 elsewhere, which int8 has too; R4 needs no crop at all.
"""

from __future__ import annotations

import numpy as np

from engines.surgery import windows
from engines.surgery.net import Array, Net, Node, label
from engines.surgery.rewrites.base import MOST_KERNEL, Crop, Exactness, Rewrite, Wish, wherever
from inference.result import Precision


def delta(channels: int, size: tuple[int, int], at: tuple[int, int]) -> Array:
    """Depthwise kernel [channels, 1, rows, columns] that picks one place."""
    kernel = np.zeros((channels, 1, *size), np.float32)
    kernel[:, :, at[0], at[1]] = 1
    return kernel


def _plain(net: Net, node: Node, _wish: Wish) -> bool:
    """R0: groups, dilation and output padding move into the kernel."""
    kernel = net.array(node.input[1])
    if kernel is None or kernel.ndim != 4:
        return False
    (groups,), extra = windows.groups(net, node), net.setting(node, "output_padding") or [0, 0]
    dense = _extended(_dilated(_ungrouped(kernel, int(groups)), windows.dilations(net, node)), extra)
    if dense.shape == kernel.shape or max(dense.shape[2:]) > MOST_KERNEL:
        return False
    weights = [net.store(dense, f"{node.input[1]}.plain"), *node.input[2:]]
    made = _deconvolution(net, node, [node.input[0], *weights], dense.shape[2:], windows.pads(net, node), None)
    net.swap([node], [made])
    return True


def _crop(net: Net, node: Node, wish: Wish) -> bool:
    """R1, R2 or R4: the padding becomes a crop of the whole answer."""
    pads, kernel = windows.pads(net, node), windows.kernel(net, node)
    if len(kernel) != 2 or not any(pads) or not _is_plain(net, node):
        return False
    wished = wish.crop or (Crop.DELTA if wish.precision is Precision.INT8 else Crop.SLICE)
    if wished is Crop.DEPTH_TO_SPACE and _depth_to_space(net, node):
        return True
    whole = _deconvolution(net, node, list(node.input), kernel, (0, 0, 0, 0), f"{node.output[0]}.whole")
    _, channels, rows, columns = net.fixed(node.output[0])
    if wished is Crop.SLICE:
        cut = _slice(net, whole.output[0], node, (pads[0], pads[1]), (rows, columns))
    else:
        size = (pads[0] + pads[2] + 1, pads[1] + pads[3] + 1)
        weight = net.store(delta(channels, size, (pads[0], pads[1])), f"{label(node)}.delta")
        cut = net.node(
            "Conv", [whole.output[0], weight], node.output[0], f"{label(node)}.crop", kernel_shape=size, group=channels
        )
    net.swap([node], [whole, cut])
    return True


def _is_plain(net: Net, node: Node) -> bool:
    ungrouped = net.setting(node, "group", default=1) == 1 and set(windows.dilations(net, node)) == {1}
    return ungrouped and not any(net.setting(node, "output_padding") or [])


def _slice(net: Net, name: str, node: Node, start: tuple[int, int], size: tuple[int, int]) -> Node:
    ends = [begin + length for begin, length in zip(start, size, strict=True)]
    bounds = [net.store(np.asarray(v, np.int64), f"{label(node)}.{w}") for v, w in ((start, "from"), (ends, "to"))]
    axes = net.store(np.asarray((2, 3), np.int64), f"{label(node)}.axes")
    return net.node("Slice", [name, *bounds, axes], node.output[0], f"{label(node)}.crop")


def _depth_to_space(net: Net, node: Node) -> bool:
    """R4: kernel 4, stride 2, padding 1 is a 3x3 convolution to four times the channels, then a spread of them."""
    kernel = net.array(node.input[1])
    stated = (windows.kernel(net, node), windows.strides(net, node), windows.pads(net, node))
    if kernel is None or stated != ((4, 4), (2, 2), (1, 1, 1, 1)):
        return False
    inside, channels = kernel.shape[:2]
    # Which tap of the 4 each of 3 neighbours sees, for even and for odd places of the answer.
    taps = (((0, 3), (1, 1)), ((1, 2), (2, 0)))
    dense = np.zeros((channels, 2, 2, inside, 3, 3), np.float32)
    for row, column in np.ndindex(2, 2):
        for (y, tap_y), (x, tap_x) in ((a, b) for a in taps[row] for b in taps[column]):
            dense[:, row, column, :, y, x] = kernel[:, :, tap_y, tap_x].T
    weights = [net.store(dense.reshape(4 * channels, inside, 3, 3), f"{label(node)}.quarters")]
    if len(node.input) > 2 and node.input[2]:
        bias = net.array(node.input[2])
        if bias is None:
            return False
        weights.append(net.store(np.repeat(bias, 4), f"{label(node)}.bias"))
    stem = label(node)
    conv = net.node("Conv", [node.input[0], *weights], None, f"{stem}.quarters", kernel_shape=(3, 3), pads=(1, 1, 1, 1))
    spread = net.store(spreading(channels, 2), f"{stem}.spread")
    net.swap([node], [conv, _spread(net, [conv.output[0], spread], node, 2)])
    return True


def spreading(channels: int, block: int) -> Array:
    """Kernel [channels * block^2, channels, block, block] that lays each of block^2 channels at its own place."""
    kernel = np.zeros((channels, block, block, channels, block, block), np.float32)
    for channel, row, column in np.ndindex(channels, block, block):
        kernel[channel, row, column, channel, row, column] = 1
    return kernel.reshape(channels * block * block, channels, block, block)


def _spread(net: Net, inputs: list[str], node: Node, block: int) -> Node:
    sizes = {"kernel_shape": (block, block), "strides": (block, block)}
    return net.node("ConvTranspose", inputs, node.output[0], f"{label(node)}.spread", **sizes)


def _deconvolution(
    net: Net, node: Node, inputs: list[str], kernel: tuple[int, ...], pads: tuple[int, ...], output: str | None
) -> Node:
    return net.node(
        "ConvTranspose",
        inputs,
        net.fresh(output) if output else node.output[0],
        f"{label(node)}.plain",
        kernel_shape=kernel,
        strides=windows.strides(net, node),
        pads=pads,
    )


def _ungrouped(kernel: Array, groups: int) -> Array:
    """Dense weights, zero between channels of different groups."""
    inside, outside = kernel.shape[:2]
    dense = np.zeros((inside, outside * groups, *kernel.shape[2:]), kernel.dtype)
    step = inside // groups
    for group in range(groups):
        rows, columns = slice(group * step, (group + 1) * step), slice(group * outside, (group + 1) * outside)
        dense[rows, columns] = kernel[rows]
    return dense


def _dilated(kernel: Array, dilations: tuple[int, ...]) -> Array:
    """Zeros between the taps."""
    size = [step * (n - 1) + 1 for step, n in zip(dilations, kernel.shape[2:], strict=True)]
    stuffed = np.zeros((*kernel.shape[:2], *size), kernel.dtype)
    stuffed[:, :, :: dilations[0], :: dilations[1]] = kernel
    return stuffed


def _extended(kernel: Array, extra: list[int]) -> Array:
    """Zeros after the last tap."""
    return np.pad(kernel, ((0, 0), (0, 0), (0, int(extra[0])), (0, int(extra[1]))))


PLAIN = Rewrite(
    "plain-deconvolution",
    "groups, dilation and output padding of a deconvolution go into its kernel",
    Exactness.BITWISE,
    wherever(_plain, {"ConvTranspose"}),
)
CROP = Rewrite(
    "crop",
    "a deconvolution without padding, then a crop",
    Exactness.BITWISE,
    wherever(_crop, {"ConvTranspose"}),
)
QUARTERS = Rewrite(
    "depth-to-space",
    "a deconvolution becomes a convolution and a spread of its channels",
    Exactness.ROUNDING,
    wherever(_crop, {"ConvTranspose"}),
)
