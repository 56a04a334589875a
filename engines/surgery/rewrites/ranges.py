"""One range for tensors that are joined or added in int8 (R9): the largest, as the accelerator's header orders."""

from __future__ import annotations

from engines.surgery.net import Net, Node, label
from engines.surgery.rewrites.base import Exactness, Rewrite, Wish

_QUANTISE, _DEQUANTISE = "QuantizeLinear", "DequantizeLinear"


def _apply(net: Net, _wish: Wish) -> list[str]:
    touched: dict[str, None] = {}
    changed = True
    while changed:
        changed = False
        for node in [n for n in net.nodes if n.op_type in ("Concat", "Add")]:
            if _shared(net, node):
                touched[label(node)] = None
                changed = True
    return list(touched)


def _shared(net: Net, node: Node) -> bool:
    """Give every pair at a node the largest scale of all; whether anything changed."""
    pairs = [_pair(net, name) for name in node.input]
    known = [pair for pair in pairs if pair is not None]
    if len(known) < len(pairs) or len({_zero(net, pair) for pair in known}) != 1:
        return False
    steps = known + (_after(net, node, _zero(net, known[0])) if node.op_type == "Concat" else [])
    scales = {step[0].input[1]: _scale(net, step[0]) for step in steps}
    widest = max(scales, key=lambda name: scales[name])
    if len(set(scales.values())) == 1:
        return False
    for quantise, dequantise in steps:
        quantise.input[1] = dequantise.input[1] = widest
    net.refresh()
    return True


def _pair(net: Net, name: str) -> tuple[Node, Node] | None:
    """The Q and the DQ that a tensor comes through, both with one constant scale."""
    second = net.maker(name)
    first = net.maker(second.input[0]) if second is not None and second.op_type == _DEQUANTISE else None
    if first is None or second is None or first.op_type != _QUANTISE or _scale(net, first) != _scale(net, second):
        return None
    return (first, second) if _scale(net, first) > 0 else None


def _after(net: Net, node: Node, zero: tuple[float, ...]) -> list[tuple[Node, Node]]:
    found = []
    for first in net.readers(node.output[0]):
        for second in net.readers(first.output[0]) if first.op_type == _QUANTISE else []:
            pair = _pair(net, second.output[0])
            if pair is not None and _zero(net, pair) == zero:
                found.append(pair)
    return found


def _scale(net: Net, node: Node) -> float:
    values = net.array(node.input[1])
    return float(values.reshape(-1)[0]) if values is not None and values.size == 1 else 0.0


def _zero(net: Net, pair: tuple[Node, Node]) -> tuple[float, ...]:
    found = [net.array(node.input[2]) for node in pair if len(node.input) > 2]
    return tuple(float(values.reshape(-1)[0]) for values in found if values is not None)


UNIFY = Rewrite(
    "unify-ranges",
    "tensors that are joined or added share the largest of their ranges",
    Exactness.APPROXIMATE,
    _apply,
)
