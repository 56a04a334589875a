"""What convolutions, deconvolutions and pooling windows state about themselves."""

from __future__ import annotations

from engines.surgery.net import Net, Node

Value = float | str


def _main(net: Net, node: Node) -> str:
    """The tensor that a node works on: its first input that is no weight."""
    live = net.live(node)
    return live[0] if live else str(node.output[0])


def shape_of(net: Net, node: Node) -> tuple[int, ...]:
    return net.fixed(_main(net, node))


def kernel(net: Net, node: Node) -> tuple[int, ...]:
    """A window's size; where the attribute is absent, from the weight."""
    stated = net.setting(node, "kernel_shape")
    if stated is None and len(node.input) > 1:
        stated = net.fixed(node.input[1])[2:]
    return tuple(int(size) for size in stated or ())


def _spread(net: Net, node: Node, name: str, default: int) -> tuple[int, ...]:
    found = net.setting(node, name)
    return tuple(int(value) for value in (found or [default] * max(1, len(kernel(net, node)))))


def strides(net: Net, node: Node) -> tuple[int, ...]:
    return _spread(net, node, "strides", 1)


def dilations(net: Net, node: Node) -> tuple[int, ...]:
    return _spread(net, node, "dilations", 1)


def pads(net: Net, node: Node) -> tuple[int, ...]:
    """Begins, then ends."""
    return tuple(int(pad) for pad in net.setting(node, "pads") or [0] * (2 * max(1, len(kernel(net, node)))))


def pads_beyond_kernel(net: Net, node: Node) -> tuple[Value, ...]:
    """By how much each padding passes the last that is smaller than the kernel."""
    sizes = kernel(net, node) * 2
    return tuple(max(0, pad - size + 1) for pad, size in zip(pads(net, node), sizes, strict=False))


def square(values: tuple[int, ...]) -> tuple[Value, ...]:
    return values[:1] if len(set(values)) == 1 else ()


def groups(net: Net, node: Node) -> tuple[Value, ...]:
    return (int(net.setting(node, "group", default=1)),)


def channels(net: Net, node: Node) -> tuple[Value, ...]:
    """In and out of a (transposed) convolution."""
    return tuple(shape[1] for shape in (shape_of(net, node), net.fixed(node.output[0])) if len(shape) > 1)


def output_padding(net: Net, node: Node) -> tuple[Value, ...]:
    return tuple(int(value) for value in net.setting(node, "output_padding") or [0])


def auto_pad(net: Net, node: Node) -> tuple[Value, ...]:
    stated = str(net.setting(node, "auto_pad", default="NOTSET"))
    return ("OUTPUT_SHAPE" if net.setting(node, "output_shape") else stated,)


def exclusive_padding(net: Net, node: Node) -> tuple[Value, ...]:
    """1 for an average that does not count its padding."""
    padded = any(pads(net, node)) or net.setting(node, "auto_pad", default="NOTSET") not in ("NOTSET", "VALID")
    return (int(node.op_type == "AveragePool" and padded and not net.setting(node, "count_include_pad", default=0)),)
