"""Leaky ReLU in other words (R6), division by constants, and squares."""

from __future__ import annotations

import numpy as np

from engines.surgery.net import Net, Node, label
from engines.surgery.rewrites.base import Exactness, Leaky, Rewrite, Wish, wherever


def _leaky(net: Net, node: Node, wish: Wish) -> bool:
    """max(x, a x) for a slope below 1, min(x, a x) above; or PRelu with a constant slope."""
    slope = float(net.setting(node, "alpha", default=0.01))
    rank = len(net.fixed(node.input[0]))
    if rank != 4 or (wish.leaky is Leaky.KEEP and not wish.refuses(net, node)):
        return False
    weight = net.store(np.full((1,) * rank, slope, np.float32), f"{label(node)}.slope")
    if wish.leaky is Leaky.MAX:
        scaled = net.node("Mul", [node.input[0], weight], None, f"{label(node)}.scaled")
        made = net.node(
            "Max" if slope <= 1 else "Min", [node.input[0], scaled.output[0]], node.output[0], f"{label(node)}.larger"
        )
        net.swap([node], [scaled, made])
    else:
        net.swap([node], [net.node("PRelu", [node.input[0], weight], node.output[0], f"{label(node)}.prelu")])
    return True


def _divide(net: Net, node: Node, _wish: Wish) -> bool:
    """x / c is x times 1/c; x to the power of 2 is x times x."""
    constant = net.array(node.input[1])
    if constant is None or not net.is_float(node.input[0]):
        return False
    if node.op_type == "Div" and np.all(constant != 0):
        inverse = net.store((1 / constant.astype(np.float64)).astype(np.float32), f"{label(node)}.inverse")
        operands = [node.input[0], inverse]
    elif node.op_type == "Pow" and np.all(constant == 2) and constant.size == 1:
        operands = [node.input[0], node.input[0]]
    else:
        return False
    net.swap([node], [net.node("Mul", operands, node.output[0], f"{label(node)}.product")])
    return True


LEAKY = Rewrite(
    "leaky-relu",
    "leaky ReLU as a maximum, or as a parametric ReLU with a constant slope",
    Exactness.BITWISE,
    wherever(_leaky, {"LeakyRelu"}, only_refused=False),
)
DIVIDE = Rewrite(
    "divide-by-multiplying",
    "division by a constant becomes multiplication, a square a product",
    Exactness.ROUNDING,
    wherever(_divide, {"Div", "Pow"}),
)
