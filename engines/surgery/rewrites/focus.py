"""Four strided slices and a convolution, as some detectors begin, are one convolution of stride 2."""

from __future__ import annotations

import numpy as np

from engines.surgery import measures, windows
from engines.surgery.net import Net, Node, label
from engines.surgery.rewrites.base import Exactness, Rewrite, Wish


def _focus(net: Net, node: Node, _wish: Wish) -> bool:
    """Four strided slices, joined, then a convolution: one convolution of twice the size with stride 2."""
    shares = [_offset(net, name) for name in node.input]
    conv = net.only_reader(node.output[0])
    known = [share for share in shares if share is not None]
    if len(known) < len(node.input) or len(known) != 4 or len({source for source, _, _ in known}) != 1:
        return False
    if conv is None or conv.op_type != "Conv" or sorted((y, x) for _, y, x in known) != sorted(np.ndindex(2, 2)):
        return False
    return _merged(net, node, conv, known)


def _merged(net: Net, node: Node, conv: Node, shares: list[tuple[str, int, int]]) -> bool:
    kernel, source = net.array(conv.input[1]), shares[0][0]
    plain = (windows.groups(net, conv), set(windows.dilations(net, conv))) == ((1,), {1})
    if kernel is None or not plain or windows.auto_pad(net, conv) != ("NOTSET",):
        return False
    channels = net.fixed(source)[1]
    outside, _, rows, columns = kernel.shape
    dense = np.zeros((outside, channels, 2 * rows, 2 * columns), np.float32)
    for place, (_, y, x) in enumerate(shares):
        dense[:, :, y::2, x::2] = kernel[:, place * channels : (place + 1) * channels]
    weights = [net.store(dense, f"{label(conv)}.focus"), *conv.input[2:]]
    words = {
        "kernel_shape": dense.shape[2:],
        "strides": [2 * step for step in windows.strides(net, conv)],
        "pads": [2 * pad for pad in windows.pads(net, conv)],
    }
    made = net.node("Conv", [source, *weights], conv.output[0], f"{label(conv)}.focus", **words)
    net.swap([node, conv], [made])
    return True


def _offset(net: Net, name: str) -> tuple[str, int, int] | None:
    """From which tensor every second voxel is taken, and where it begins; through one slice or two."""
    spans: dict[int, tuple[int, int, int]] = {}
    while (maker := net.maker(name)) is not None and maker.op_type == "Slice":
        found = measures.cuts(net, maker)
        if not found or set(found) & set(spans):
            return None
        spans |= found
        name = maker.input[0]
    shape = net.fixed(name)
    if set(spans) != {2, 3} or len(shape) != 4 or shape[2] % 2 or shape[3] % 2:
        return None
    starts = [spans[axis][0] for axis in (2, 3)]
    whole = all(len(range(*spans[axis])) == shape[axis] // 2 and spans[axis][2] == 2 for axis in (2, 3))
    return (name, starts[0], starts[1]) if whole else None


FOCUS = Rewrite(
    "focus-as-convolution",
    "four strided slices and a convolution become one convolution of stride 2",
    Exactness.ROUNDING,
    lambda net, wish: _focused(net, wish),
)


def _focused(net: Net, wish: Wish) -> list[str]:
    """The strided slices are what the target refuses, not the node that joins them."""
    touched: list[str] = []
    for node in [n for n in net.nodes if n.op_type == "Concat"]:
        slices = [maker for name in node.input if (maker := net.maker(name)) is not None and maker.op_type == "Slice"]
        names = _chain(net, slices)
        if any(wish.refuses(net, maker) for maker in slices) and _focus(net, node, wish):
            touched += [*names, label(node)]
            net.refresh()
    return touched


def _chain(net: Net, slices: list[Node]) -> list[str]:
    found: dict[str, None] = {}
    waiting = list(slices)
    while waiting:
        node = waiting.pop()
        found[label(node)] = None
        maker = net.maker(node.input[0])
        if maker is not None and maker.op_type == "Slice":
            waiting.append(maker)
    return list(found)
