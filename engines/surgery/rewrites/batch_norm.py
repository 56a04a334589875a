"""Batch norm folded into the weights of the convolution or deconvolution before it (R8)."""

from __future__ import annotations

import numpy as np

from engines.surgery import measures
from engines.surgery.net import Array, Net, Node, copied, label
from engines.surgery.rewrites.base import Exactness, Rewrite, Wish, wherever

_HEAVY = {"Conv", "ConvTranspose"}


def _fold(net: Net, node: Node, _wish: Wish) -> bool:
    """Fold through crops of rows and columns, which treat every channel alike."""
    heavy, crops = _before(net, node)
    affine = _affine(net, node)
    if heavy is None or affine is None or net.setting(heavy, "group", default=1) not in _groups(heavy):
        return False
    gain, shift = affine
    kernel, bias = net.array(heavy.input[1]), _bias(net, heavy, len(gain))
    if kernel is None or bias is None:
        return False
    across = (1, -1) if heavy.op_type == "ConvTranspose" else (-1, 1)
    folded = {"folded": kernel * gain.reshape(*across, *[1] * (kernel.ndim - 2)), "folded.bias": bias * gain + shift}
    made = [copied(heavy), *(copied(crop) for crop in crops)]
    names = [net.store(values.astype(np.float32), f"{label(heavy)}.{what}") for what, values in folded.items()]
    made[0].input[:] = [heavy.input[0], *names]
    made[-1].output[0] = node.output[0]
    net.swap([heavy, *crops, node], made)
    return True


def _bias(net: Net, heavy: Node, channels: int) -> Array | None:
    return net.array(heavy.input[2]) if len(heavy.input) > 2 and heavy.input[2] else np.zeros(channels)


def _groups(heavy: Node) -> tuple[int, ...] | range:
    """A grouped deconvolution counts its output channels within each group."""
    return (1,) if heavy.op_type == "ConvTranspose" else range(1, 8193)


def _before(net: Net, node: Node) -> tuple[Node | None, list[Node]]:
    """The convolution that the norm belongs to, and the crops between the two."""
    crops: list[Node] = []
    maker, reader = net.maker(node.input[0]), node
    while maker is not None and net.only_reader(maker.output[0]) is reader:
        if maker.op_type in _HEAVY:
            return maker, crops
        spans = measures.cuts(net, maker) if maker.op_type == "Slice" else {}
        if not spans or min(spans) < 2:
            break
        crops.insert(0, maker)
        maker, reader = net.maker(maker.input[0]), maker
    return None, []


def _affine(net: Net, node: Node) -> tuple[Array, Array] | None:
    """Gain and shift of each channel in double precision."""
    found = [values for name in node.input[1:5] if (values := net.array(name)) is not None]
    if len(found) != 4:
        return None
    scale, offset, mean, variance = (values.astype(np.float64) for values in found)
    gain = scale / np.sqrt(variance + net.setting(node, "epsilon", default=1e-5))
    return gain, offset - mean * gain


FOLD_NORM = Rewrite(
    "fold-batch-norm",
    "batch norm goes into the weights before it",
    Exactness.ROUNDING,
    wherever(_fold, {"BatchNormalization"}, only_refused=False),
)
