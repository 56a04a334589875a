"""Transposed convolutions spelt the way CPUs run fastest, with the same products and sums.

What a network cuts off a transposed convolution's border becomes margins of it: nothing is computed to be thrown away,
and what follows can be fused. One with few outputs fills a fraction of each vector; as a convolution for its four
phases at once, sorted onto the fine places afterwards, it fills whole ones.
"""

from __future__ import annotations

from itertools import product

import numpy as np

from engines.surgery.net import Array, Net, Node

# The channels of one vector register in single precision: fewer are padded to as many.
_VECTOR = 16
_AXES = (2, 3)


def crop_into_margins(net: Net) -> None:
    """Fold slices behind transposed convolutions into their margins, as many as follow one another."""
    for up in [node for node in net.nodes if node.op_type == "ConvTranspose"]:
        while (crop := _crop(net, up)) is not None:
            cut, (begin, end) = crop
            rank = len(begin)
            margins = net.setting(up, "pads", default=[0] * 2 * rank)
            more = [have + cut_off for have, cut_off in zip(margins, [*begin, *end], strict=True)]
            _set(up, "pads", more)
            up.output[0] = cut.output[0]
            net.swap([cut], [])
            net.refresh()


def _crop(net: Net, up: Node) -> tuple[Node, tuple[list[int], list[int]]] | None:
    """The slice that alone reads a transposed convolution, and what it cuts off each spatial axis at either end."""
    cut = net.only_reader(up.output[0])
    shape = net.fixed(up.output[0])
    if cut is None or cut.op_type != "Slice" or not shape:
        return None
    if net.setting(up, "auto_pad", default="NOTSET") != "NOTSET" or net.setting(up, "output_shape") is not None:
        return None
    starts, ends = net.setting(cut, "starts", 1), net.setting(cut, "ends", 2)
    if starts is None or ends is None:
        return None
    axes = net.setting(cut, "axes", 3, default=list(range(len(starts))))
    steps = net.setting(cut, "steps", 4, default=[1] * len(starts))
    if axes is None or steps is None or set(steps) != {1}:
        return None
    off = [[0] * len(shape), [0] * len(shape)]
    for axis, start, end in zip(axes, starts, ends, strict=True):
        low, high, _ = slice(start, end).indices(shape[axis])
        off[0][axis], off[1][axis] = low, shape[axis] - high
    return None if any(off[0][:2] + off[1][:2]) else (cut, (off[0][2:], off[1][2:]))


def narrow_into_phases(net: Net) -> None:
    """Turn transposed convolutions (kernel 4, step 2, margin 1) with few outputs into convolutions of kernel 2."""
    for up in list(net.nodes):
        kernel = constant(net, up.input[1]) if up.op_type == "ConvTranspose" else None
        bias = constant(net, up.input[2]) if len(up.input) > 2 else np.zeros(0, np.float32)
        if kernel is not None and bias is not None and _is_narrow(net, up, kernel):
            net.swap([up], _phases(net, up, kernel, bias))
    net.refresh()


def _is_narrow(net: Net, up: Node, kernel: Array) -> bool:
    if kernel.dtype != np.float32 or kernel.shape[2:] != (4, 4) or 4 * kernel.shape[1] > _VECTOR:
        return False
    usual = {"group": 1, "dilations": [1, 1], "output_padding": [0, 0], "output_shape": None, "auto_pad": "NOTSET"}
    plain = all(net.setting(up, name, default=value) == value for name, value in usual.items())
    return plain and net.setting(up, "strides") == [2, 2] and net.setting(up, "pads") == [1] * 4


def _phases(net: Net, up: Node, old: Array, bias: Array) -> list[Node]:
    """Place p of the new convolution hears coarse places p - 1 and p and answers the fine ones 2p - 1 and 2p."""
    name, (coarse, out) = up.output[0], old.shape[:2]
    kernel = np.zeros((2, 2, out, coarse, 2, 2), np.float32)
    for y, x, b, a in product(range(2), repeat=4):
        kernel[y, x, :, :, b, a] = old[:, :, y + 2 * (1 - b), x + 2 * (1 - a)].T
    inputs = [up.input[0], net.store(kernel.reshape(4 * out, coarse, 2, 2), f"{name}/phases/weight")]
    if bias.size:
        inputs.append(net.store(np.tile(bias, 4), f"{name}/phases/bias"))
    made = [net.node("Conv", inputs, None, f"{name}/phases", kernel_shape=[2, 2], pads=[1] * 4)]
    made.append(net.node("DepthToSpace", [made[0].output[0]], None, f"{name}/sort", blocksize=2, mode="DCR"))
    ends = [2 * size + 1 for size in net.fixed(up.input[0])[2:]]
    bounds = [net.store(np.asarray(values, np.int64), f"{name}/crop") for values in ([1, 1], ends, _AXES)]
    return [*made, net.node("Slice", [made[1].output[0], *bounds], name, f"{name}/crop")]


def constant(net: Net, name: str) -> Array | None:
    """A weight's values; exporters let equal weights be one that the others repeat."""
    while (maker := net.maker(name)) is not None and maker.op_type == "Identity":
        name = maker.input[0]
    return net.array(name)


def _set(node: Node, name: str, value: list[int]) -> None:
    from onnx import helper

    kept = [attribute for attribute in node.attribute if attribute.name != name]
    del node.attribute[:]
    node.attribute.extend([*kept, helper.make_attribute(name, value)])
