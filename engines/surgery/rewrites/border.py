"""Changes of the border: transpositions at it are taken off (R8), and a decode tail is cut away."""

from __future__ import annotations

from math import prod

from engines.surgery.net import Net, Node, label
from engines.surgery.rewrites.base import Exactness, Rewrite, Wish

# A tail has at most this share of the multiply-adds: enough for the expectation over bins that some heads end in.
_LIGHT = 0.01
# Channels come first; channels come last.
_FIRST, _LAST = [0, 3, 1, 2], [0, 2, 3, 1]


def _strip(net: Net, _wish: Wish) -> list[str]:
    """A transposition that alone reads an input, or that makes an output, goes; the border has its layout then."""
    touched: list[str] = []
    for node in [n for n in net.nodes if n.op_type == "Transpose"]:
        source, answer = node.input[0], node.output[0]
        perm = net.setting(node, "perm")
        if net.fixed(source) == net.fixed(answer):
            continue  # nobody could tell the two layouts apart
        if perm == _FIRST and net.is_input(source) and net.only_reader(source) is node and not net.is_output(answer):
            _turn_input(net, node, perm)
        elif perm == _LAST and _ends(net, node):
            _turn_output(net, node)
        else:
            continue
        touched.append(label(node))
        net.refresh()
    return touched


def _ends(net: Net, node: Node) -> bool:
    """Whether a node makes an answer that nothing else reads, from a tensor that nothing else reads."""
    source, answer = node.input[0], node.output[0]
    made = net.maker(source) is not None and net.only_reader(source) is node
    return made and net.is_output(answer) and not net.readers(answer)


def _turn_input(net: Net, node: Node, perm: list[int]) -> None:
    from onnx import helper

    source, answer = node.input[0], node.output[0]
    value = next(value for value in net.inputs if value.name == source)
    dims = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
    turned = helper.make_tensor_value_info(source, value.type.tensor_type.elem_type, [dims[axis] for axis in perm])
    net.inputs = [turned if value.name == source else value for value in net.inputs]
    for reader in net.readers(answer):
        reader.input[:] = [source if name == answer else name for name in reader.input]
    net.swap([node], [])


def _turn_output(net: Net, node: Node) -> None:
    from onnx import helper

    source, answer = node.input[0], node.output[0]
    turned = helper.make_tensor_value_info(answer, 1, list(net.fixed(source)))
    net.outputs = [turned if value.name == answer else value for value in net.outputs]
    maker = net.maker(source)
    assert maker is not None
    maker.output[:] = [answer if name == source else name for name in maker.output]
    net.swap([node], [])


def tail_of(net: Net, wish: Wish) -> list[Node]:
    """What stands at or behind a refused node, if hardly any multiply-adds do; empty otherwise."""
    tail: set[int] = set()
    for node in net.nodes:
        behind = any(id(maker) in tail for name in node.input if (maker := net.maker(name)) is not None)
        if behind or (not net.is_constant(node.output[0]) and wish.refuses(net, node)):
            tail.add(id(node))
    work = {id(node): _work(net, node) for node in net.nodes}
    light = sum(work[place] for place in tail) <= _LIGHT * sum(work.values()) > 0
    return [node for node in net.nodes if id(node) in tail] if light else []


def _work(net: Net, node: Node) -> int:
    """Multiply-adds of a convolution of either kind."""
    if node.op_type not in ("Conv", "ConvTranspose"):
        return 0
    through = node.input[0] if node.op_type == "ConvTranspose" else node.output[0]
    return prod(net.fixed(through)) * prod(net.fixed(node.input[1])[1:])


def frontier(net: Net, tail: list[Node]) -> list[str]:
    """The tensors that the body hands to a tail, and answers that the body gives itself."""
    inside = {id(node) for node in tail}
    own = {name for node in net.nodes if id(node) not in inside for name in node.output}
    read = {name for node in tail for name in node.input} | {value.name for value in net.outputs}
    return [name for node in net.nodes for name in node.output if name in own and name in read]


def _cut(net: Net, wish: Wish) -> list[str]:
    tail = tail_of(net, wish)
    names = frontier(net, tail)
    if not tail or any(not net.is_float(name) or not net.fixed(name) for name in names):
        return []
    net.outputs = [net.value(name) for name in names]
    touched = [label(node) for node in tail]
    net.refresh()
    return touched


STRIP = Rewrite(
    "strip-transposes",
    "transpositions at the border go; inputs and outputs have the layout inside",
    Exactness.BITWISE,
    _strip,
    needs_border=True,
)
CUT = Rewrite(
    "cut-tail",
    "what follows the raw maps is cut off into a graph of its own",
    Exactness.BITWISE,
    _cut,
    needs_border=True,
)
