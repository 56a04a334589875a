"""Nodes that change nothing are taken out, and neighbours that undo each other (R8)."""

from __future__ import annotations

import numpy as np

from engines.surgery import measures
from engines.surgery.net import Net, Node, copied, label
from engines.surgery.rewrites.base import Exactness, Rewrite, Wish, repeated, wherever

# One tensor in, one out, every value by itself: a transposition before one may as well come after it.
PER_VALUE = {
    *("Relu", "LeakyRelu", "Sigmoid", "Tanh", "Clip", "Abs"),
    *("Exp", "Sqrt", "Neg", "Elu", "HardSwish", "Softplus"),
}
_PASSING = {"Identity", "Dropout"}
_SHAPED = {"Reshape", "Expand", "Slice", "Pad", "Tile", "Flatten", "Squeeze", "Unsqueeze"}


def _idle(net: Net, node: Node, _wish: Wish) -> bool:
    return _does_nothing(net, node) and net.bypass(node)


def _does_nothing(net: Net, node: Node) -> bool:
    before, after = node.input[0], node.output[0]
    if sum(1 for name in node.output if name and (net.readers(name) or net.is_output(name))) > 1:
        return False
    if node.op_type == "Dropout":
        return not _trains(net, node)
    if node.op_type == "Identity":
        return True
    if node.op_type == "Transpose":
        perm = net.setting(node, "perm")
        return perm is not None and list(perm) == sorted(perm)
    if node.op_type == "Concat":
        return len(node.input) == 1
    if node.op_type == "Cast":
        return net.kind(before) == net.kind(after) != ""
    if node.op_type == "Resize":
        return net.shape(before) is not None and set(measures.scales(net, node)) == {1.0}
    return net.shape(before) is not None and net.shape(before) == net.shape(after) and _in_order(net, node)


def _in_order(net: Net, node: Node) -> bool:
    """A slice may turn an axis round and keep its shape; padding may take away in front what it adds behind."""
    if node.op_type == "Slice":
        return bool(measures.cuts(net, node)) and all(step == 1 for _, _, step in measures.cuts(net, node).values())
    return node.op_type != "Pad" or not any(net.setting(node, "pads", 1) or [1])


def _trains(net: Net, node: Node) -> bool:
    """From opset 12 on a third input says whether values are dropped at all."""
    if len(node.input) < 3 or not node.input[2]:
        return False
    mode = net.array(node.input[2])
    return mode is None or bool(np.any(mode))


def _undone(net: Net, node: Node, _wish: Wish) -> bool:
    """Two transpositions in a row are one, or none; one moves past what looks at single values."""
    maker = net.maker(node.input[0])
    if maker is None or net.only_reader(node.input[0]) is not node:
        return False
    if maker.op_type == "Transpose":
        first, second = net.setting(maker, "perm"), net.setting(node, "perm")
        if first is None or second is None:
            return False
        joined = [first[axis] for axis in second]
        made = net.node("Transpose", [maker.input[0]], node.output[0], f"{label(node)}.joined", perm=joined)
        net.swap([maker, node], [made])
        return True
    return _moved_up(net, maker, node)


def _moved_up(net: Net, maker: Node, node: Node) -> bool:
    """Swap per-value operation and transposition, if that brings two transpositions together."""
    if maker.op_type not in PER_VALUE or maker.input[0] not in {n for m in net.nodes for n in m.output}:
        return False
    above = net.maker(maker.input[0])
    if above is None or above.op_type not in {*PER_VALUE, "Transpose"} or not _reaches_transpose(net, maker):
        return False
    turned = net.node("Transpose", [maker.input[0]], None, f"{label(node)}.up", perm=net.setting(node, "perm"))
    applied = copied(maker)
    applied.input[0], applied.output[0] = turned.output[0], node.output[0]
    net.swap([maker, node], [turned, applied])
    return True


def _reaches_transpose(net: Net, node: Node) -> bool:
    while node.op_type in PER_VALUE and net.only_reader(node.input[0]) is node:
        above = net.maker(node.input[0])
        if above is None:
            return False
        node = above
    return bool(node.op_type == "Transpose")


def _joined_slices(net: Net, node: Node, _wish: Wish) -> bool:
    """Two slices in a row along different axes are one."""
    maker = net.maker(node.input[0])
    if maker is None or maker.op_type != "Slice" or net.only_reader(node.input[0]) is not node:
        return False
    first, second = measures.cuts(net, maker), measures.cuts(net, node)
    spans = {**first, **second}
    if (
        not first
        or not second
        or len(spans) < len(first) + len(second)
        or any(step < 1 for _, _, step in spans.values())
    ):
        return False
    rows = [(start, end, axis, step) for axis, (start, end, step) in sorted(spans.items())]
    names = [net.store(np.asarray(column, np.int64), f"{label(node)}.bounds") for column in zip(*rows, strict=True)]
    made = net.node("Slice", [maker.input[0], *names], node.output[0], f"{label(node)}.joined")
    net.swap([maker, node], [made])
    return True


IDLE = Rewrite(
    "drop-idle",
    "nodes that change nothing are taken out",
    Exactness.BITWISE,
    wherever(_idle, {*_PASSING, *_SHAPED, "Transpose", "Concat", "Cast", "Resize"}, only_refused=False),
)
UNDONE = Rewrite(
    "join-transposes",
    "transpositions that undo each other are taken out",
    Exactness.BITWISE,
    repeated(wherever(_undone, {"Transpose"}, only_refused=False)),
)
JOINED = Rewrite(
    "join-slices",
    "two slices in a row along different axes are one",
    Exactness.BITWISE,
    repeated(wherever(_joined_slices, {"Slice"}, only_refused=False)),
)
