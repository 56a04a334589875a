"""Padding written as numbers: `auto_pad` and `output_shape` are resolved, Pad layers go into what reads them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engines.surgery import measures, windows
from engines.surgery.net import Array, Net, Node, copied, label
from engines.surgery.rewrites.base import MOST_KERNEL, Exactness, Rewrite, Wish, wherever
from engines.surgery.rewrites.deconvolution import delta

_AUTOMATIC = ("auto_pad", "output_shape", "pads", "output_padding")


def _explicit(net: Net, node: Node, _wish: Wish) -> bool:
    (form,) = windows.auto_pad(net, node)
    if form in ("NOTSET", "VALID"):
        return False
    totals = _missing(net, node) if node.op_type == "ConvTranspose" else _needed(net, node)
    upper = net.setting(node, "auto_pad", default="NOTSET") == "SAME_UPPER"
    halves = [max(0, total) // 2 for total in totals]
    rest = [max(0, total) - half for total, half in zip(totals, halves, strict=True)]
    made = copied(node)
    _drop(made, _AUTOMATIC)
    _set(made, "pads", [*halves, *rest] if upper else [*rest, *halves])
    if any(total < 0 for total in totals):
        _set(made, "output_padding", [max(0, -total) for total in totals])
    net.swap([node], [made])
    return True


def _needed(net: Net, node: Node) -> list[int]:
    """What SAME adds to each axis of a convolution or pooling window."""
    inside, outside = windows.shape_of(net, node)[2:], net.fixed(node.output[0])[2:]
    reach = _reach(net, node)
    steps = windows.strides(net, node)
    return [(b - 1) * s + r - a for a, b, s, r in zip(inside, outside, steps, reach, strict=True)]


def _missing(net: Net, node: Node) -> list[int]:
    """What a deconvolution answers beyond its stated shape; negative where it falls short."""
    inside, outside = windows.shape_of(net, node)[2:], net.fixed(node.output[0])[2:]
    extra = net.setting(node, "output_padding") or [0] * len(inside)
    reach, steps = _reach(net, node), windows.strides(net, node)
    return [s * (a - 1) + e + r - b for a, b, s, r, e in zip(inside, outside, steps, reach, extra, strict=True)]


def _reach(net: Net, node: Node) -> list[int]:
    sizes, gaps = windows.kernel(net, node), windows.dilations(net, node)
    return [gap * (size - 1) + 1 for size, gap in zip(sizes, gaps, strict=True)]


def _pad(net: Net, node: Node, _wish: Wish) -> bool:
    """Zeros around a picture: into the convolutions that read it, else a convolution that only adds them."""
    pads = net.setting(node, "pads", 1)
    if measures.MEASURES["pad form"](net, node) != ("constant 0",) or not pads or len(pads) != 8 or len(node.input) > 3:
        return False
    if any(pads[at] for at in (0, 1, 4, 5)) or min(pads) < 0:
        return False
    border = [pads[at] for at in (2, 3, 6, 7)]
    return _into_readers(net, node, border) or _into_own(net, node, border)


def _into_readers(net: Net, node: Node, border: Sequence[int]) -> bool:
    readers = net.readers(node.output[0])
    plain = all(
        r.op_type == "Conv" and windows.auto_pad(net, r) == ("NOTSET",) and r.input[0] == node.output[0]
        for r in readers
    )
    if not readers or not plain or net.is_output(node.output[0]):
        return False
    sums = [[a + b for a, b in zip(windows.pads(net, reader), border, strict=True)] for reader in readers]
    sizes = [windows.kernel(net, reader) * 2 for reader in readers]
    if any(
        pad >= size for pads, kernel in zip(sums, sizes, strict=True) for pad, size in zip(pads, kernel, strict=True)
    ):
        return False
    made = []
    for reader, pads in zip(readers, sums, strict=True):
        copy = copied(reader)
        copy.input[0] = node.input[0]
        _drop(copy, ("pads",))
        _set(copy, "pads", pads)
        made.append(copy)
    net.swap([node, *readers], made)
    return True


def _into_own(net: Net, node: Node, border: Sequence[int]) -> bool:
    """A kernel that picks one place, padded so far that the answer is the padded picture."""
    rows, columns = border[0] + border[2], border[1] + border[3]
    shape = net.fixed(node.input[0])
    if max(rows, columns) >= MOST_KERNEL or len(shape) != 4:
        return False
    weight = net.store(delta(shape[1], (rows + 1, columns + 1), (border[2], border[3])), f"{label(node)}.delta")
    made = net.node(
        "Conv",
        [node.input[0], weight],
        node.output[0],
        f"{label(node)}.conv",
        kernel_shape=(rows + 1, columns + 1),
        pads=(rows, columns, rows, columns),
        group=shape[1],
    )
    net.swap([node], [made])
    return True


def _average(net: Net, node: Node, _wish: Wish) -> bool:
    """An average that leaves padding out is one that counts it, times a constant for each place."""
    if windows.exclusive_padding(net, node) != (1,) or net.setting(node, "ceil_mode", default=0):
        return False
    shape, sizes = net.fixed(node.output[0]), windows.kernel(net, node)
    if len(shape) != 4:
        return False
    counts = [
        _counts(*axis)
        for axis in zip(
            windows.shape_of(net, node)[2:],
            shape[2:],
            sizes,
            windows.strides(net, node),
            windows.pads(net, node),
            strict=False,
        )
    ]
    factor = np.prod(sizes) / np.multiply.outer(*counts)
    whole = copied(node)
    _drop(whole, ("count_include_pad",))
    _set(whole, "count_include_pad", 1)
    whole.output[0] = net.fresh(f"{node.output[0]}.counted")
    spread = np.broadcast_to(factor, (1, *shape[1:])).astype(np.float32)
    weight = net.store(spread, f"{label(node)}.factor")
    net.swap([node], [whole, net.node("Mul", [whole.output[0], weight], node.output[0], f"{label(node)}.uncount")])
    return True


def _counts(inside: int, outside: int, size: int, step: int, pad: int) -> Array:
    """How many places of each window lie inside the picture."""
    starts = np.arange(outside) * step - pad
    return np.asarray(np.minimum(starts + size, inside) - np.maximum(starts, 0), np.int64)


def _drop(node: Node, names: Sequence[str]) -> None:
    kept = [attribute for attribute in node.attribute if attribute.name not in names]
    del node.attribute[:]
    node.attribute.extend(kept)


def _set(node: Node, name: str, value: object) -> None:
    from onnx import helper

    node.attribute.append(helper.make_attribute(name, value))


_WINDOWS = {"Conv", "ConvTranspose", "MaxPool", "AveragePool"}
EXPLICIT = Rewrite("explicit-pads", "padding is written as numbers", Exactness.BITWISE, wherever(_explicit, _WINDOWS))
PAD = Rewrite(
    "pad-in-convolution",
    "a padding layer goes into the convolution after it, or becomes one",
    Exactness.BITWISE,
    wherever(_pad, {"Pad"}),
)
AVERAGE = Rewrite(
    "average-counts-padding",
    "an average counts its padding, and a constant for each place makes up for it",
    Exactness.ROUNDING,
    wherever(_average, {"AveragePool"}),
)
