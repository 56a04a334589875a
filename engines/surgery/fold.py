"""Fewer multiply-adds for the same numbers: a U-Net's upsampling folded into the convolution behind it.

A decoder raises its coarse features with a transposed convolution, joins them to the skip connection and convolves
both. Nothing between is bent, so the convolution is the sum of one over the skip alone and one over the raised
features, and the latter, following a linear map, is with it one transposed convolution from coarse to fine. Kernel and
step k of the upsampling and kernel 2h + 1 of the convolution give kernel k + 2h, step k, margin h. Neither the raised
features nor what joins them is ever written.

The convolution sees zeros outside the picture, and not the upsampling's bias. A coarse channel of ones, of which there
are none outside either, carries the bias, so the border comes out right as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from engines.surgery.crop import constant, crop_into_margins, narrow_into_phases
from engines.surgery.net import Net, Node, copied
from inference.errors import InputRefused

Doubles = NDArray[np.float64]
Steps = tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """An upsampling, what it is joined with, and the convolution over both.

    Attributes:
        up, conv: Their nodes.
        rest: The tensors it is joined with, in their order.
        raising: float64 [coarse, raised, *step].
        bias: float64 [raised], of the upsampling.
        over_raised, over_rest: The convolution's kernel, float64 [out, channel, *kernel], by what it reads.
    """

    up: Node
    conv: Node
    rest: tuple[str, ...]
    raising: Doubles
    bias: Doubles
    over_raised: Doubles
    over_rest: Doubles

    @property
    def step(self) -> Steps:
        return self.raising.shape[2:]

    @property
    def margin(self) -> Steps:
        return tuple(size // 2 for size in self.over_raised.shape[2:])

    @property
    def saves(self) -> bool:
        """Whether the folded form needs fewer multiply-adds for each coarse voxel."""
        coarse, raised = self.raising.shape[:2]
        out, kernel, step = len(self.over_raised), prod(self.over_raised.shape[2:]), prod(self.step)
        before = step * raised * (coarse + out * kernel)
        wide = prod(size + 2 * margin for size, margin in zip(self.step, self.margin, strict=True))
        return bool((coarse + self.bias.any()) * out * wide < before)


def write(model: Path, target: Path) -> None:
    """Write an ONNX file in its quickest form, which may be the one that it has."""
    made = folded(onnx.load(model))
    onnx.checker.check_model(made)
    onnx.save(made, target)


def folded(model: Any) -> Any:
    """The network with every upsampling folded that one convolution alone reads, where that saves work.

    Other transposed convolutions are spelt as CPUs like them (`engines.surgery.crop`).

    Args:
        model: An `onnx.ModelProto`; it stays as it is.

    Returns:
        One with the same border. Sums are added up in another order, so answers differ by rounding. A graph that
        branches or loops, or whose inputs have no fixed shape, comes back unchanged.
    """
    try:
        net = Net(model)
    except InputRefused:
        return model
    for node in list(net.nodes):
        block = _block(net, node)
        if block is not None and block.saves:
            net.swap([block.conv], _nodes(net, block))
    net.refresh()
    crop_into_margins(net)
    narrow_into_phases(net)
    return net.model()


def merged(raising: Doubles, over: Doubles) -> Doubles:
    """The kernel of the transposed convolution that raises and convolves.

    Args:
        raising: [coarse, raised, *step]: value [.., r] of it falls on fine place `step * l + r` for the coarse one l.
        over: [out, raised, *kernel] with odd sizes 2h + 1.

    Returns:
        float64 [coarse, out, *(step + 2h)] for margin h.
    """
    step, kernel = raising.shape[2:], over.shape[2:]
    margin = [size // 2 for size in kernel]
    wide = [size + 2 * h for size, h in zip(step, margin, strict=True)]
    made = np.zeros((*wide, len(raising), len(over)))
    every = np.moveaxis(over, 0, -1).reshape(over.shape[1], -1)
    for r in np.ndindex(*step):
        reached = (raising[(..., *r)] @ every).reshape(len(raising), *kernel, len(over))
        for t in np.ndindex(*kernel):
            at = tuple(a - b + 2 * h for a, b, h in zip(r, t, margin, strict=True))
            made[at] += reached[(slice(None), *t)]
    return np.moveaxis(made, (-2, -1), (0, 1))


def _block(net: Net, conv: Node) -> Block | None:
    """What a convolution ends; None unless it has the form that can be folded."""
    join = net.maker(conv.input[0]) if conv.op_type == "Conv" else None
    if join is None or join.op_type != "Concat" or net.only_reader(join.output[0]) is not conv:
        return None
    kernel, parts = _kernel(net, conv), list(join.input)
    if kernel is None or not _keeps_size(net, conv, kernel) or net.setting(join, "axis") != 1:
        return None
    if len(parts) < 2 or len(set(parts)) < len(parts) or not all(net.fixed(part) for part in parts):
        return None
    begin = 0
    for part in parts:
        end = begin + net.fixed(part)[1]
        up = net.maker(part) if net.only_reader(part) is join else None
        raising, bias = _raising(net, up), _bias(net, up)
        if up is not None and raising is not None and bias is not None:
            rest = tuple(other for other in parts if other != part)
            over_rest = np.concatenate([kernel[:, :begin], kernel[:, end:]], axis=1)
            return Block(up, conv, rest, raising, bias, kernel[:, begin:end], over_rest)
        begin = end
    return None


def _raising(net: Net, up: Node) -> Doubles | None:
    """The kernel of a transposed convolution whose steps do not overlap; None for any other node."""
    kernel = _kernel(net, up) if up is not None and up.op_type == "ConvTranspose" else None
    if kernel is None or not _is_plain(net, up) or tuple(net.setting(up, "strides", default=())) != kernel.shape[2:]:
        return None
    moved = any(any(net.setting(up, name, default=())) for name in ("pads", "output_padding", "output_shape"))
    return None if moved else kernel


def _keeps_size(net: Net, conv: Node, kernel: Doubles) -> bool:
    sizes = kernel.shape[2:]
    odd = all(size % 2 for size in sizes)
    same = list(net.setting(conv, "pads", default=[0] * 2 * len(sizes))) == [size // 2 for size in sizes] * 2
    return odd and same and _is_plain(net, conv) and set(net.setting(conv, "strides", default=())) <= {1}


def _is_plain(net: Net, node: Node) -> bool:
    """One group, no holes in the kernel, margins as written."""
    written = net.setting(node, "auto_pad", default="NOTSET") == "NOTSET"
    return (
        written
        and net.setting(node, "group", default=1) == 1
        and set(net.setting(node, "dilations", default=())) <= {1}
    )


def _kernel(net: Net, node: Node) -> Doubles | None:
    values = constant(net, node.input[1])
    return values.astype(np.float64) if values is not None and values.dtype == np.float32 else None


def _bias(net: Net, up: Node) -> Doubles | None:
    """Of an upsampling; None where it is not known."""
    if up is None or len(up.input) < 2:
        return None
    if len(up.input) < 3 or not up.input[2]:
        return np.zeros(net.fixed(up.output[0])[1])
    values = constant(net, up.input[2])
    return None if values is None else values.astype(np.float64)


def _nodes(net: Net, block: Block) -> list[Node]:
    name, low, raising = block.conv.output[0], block.up.input[0], block.raising
    made: list[Node] = []
    if block.bias.any():
        batch, _, *places = net.fixed(low)
        ones = net.store(np.ones((batch, 1, *places), np.float32), f"{name}/ones")
        made.append(net.node("Concat", [low, ones], None, f"{name}/coarse", axis=1))
        low, raising = made[-1].output[0], np.concatenate([raising, _constant(block)])
    rest = block.rest[0]
    if len(block.rest) > 1:
        made.append(net.node("Concat", block.rest, None, f"{name}/rest", axis=1))
        rest = made[-1].output[0]
    kernel = net.store(block.over_rest.astype(np.float32), f"{name}/fine/weight")
    fine = copied(block.conv)
    fine.name = net.fresh(f"{name}/fine")
    fine.input[:2], fine.output[:] = [rest, kernel], [net.fresh(f"{name}/fine.out")]
    wide = net.store(merged(raising, block.over_raised).astype(np.float32), f"{name}/raise/weight")
    coarse = net.node("ConvTranspose", [low, wide], None, f"{name}/raise", strides=block.step, pads=block.margin * 2)
    return [*made, fine, coarse, net.node("Add", [fine.output[0], coarse.output[0]], name, f"{name}/sum")]


def _constant(block: Block) -> Doubles:
    """The upsampling's bias as the kernel of a channel that is one everywhere: [1, raised, *step]."""
    flat = block.bias.reshape(1, -1, *[1] * len(block.step))
    return np.broadcast_to(flat, (1, len(block.bias), *block.step))
