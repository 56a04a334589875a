"""What a rule can measure at a node: numbers and words, by the names that the rule files use."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from engines.surgery import windows
from engines.surgery.net import Net, Node
from engines.surgery.windows import Value, shape_of

Measure = Callable[[Net, Node], tuple[Value, ...]]
# What ONNX calls "from here to the end" in a Slice.
_END = 2**31 - 1


def _axes(net: Net, node: Node) -> tuple[Value, ...]:
    """Axes of every tensor that flows."""
    return tuple(len(net.fixed(name)) for name in (*net.live(node), *filter(None, node.output)))


def _extents(net: Net, node: Node) -> tuple[Value, ...]:
    """Sizes of all axes but the batch."""
    return tuple(n for name in (*net.live(node), *filter(None, node.output)) for n in net.fixed(name)[1:])


def _batch(net: Net, node: Node) -> tuple[Value, ...]:
    """What counts as batch: the product of all but the last three axes."""
    return tuple(prod(net.fixed(name)[:-3]) for name in (*net.live(node), *filter(None, node.output)))


def _formats(net: Net, node: Node) -> tuple[Value, ...]:
    return tuple(net.kind(name) for name in (*net.live(node), *filter(None, node.output)))


def _unfixed(net: Net, node: Node) -> tuple[Value, ...]:
    """How many tensors have no fixed shape."""
    names = (*net.live(node), *filter(None, node.output))
    return (sum(net.shape(name) is None for name in names),)


def _live_operands(net: Net, node: Node) -> tuple[Value, ...]:
    return (len(net.live(node)),)


def _constant_operands(net: Net, node: Node) -> tuple[Value, ...]:
    return (sum(1 for name in node.input if net.is_constant(name)),)


def _answers(_net: Net, node: Node) -> tuple[Value, ...]:
    return (sum(1 for name in node.output if name),)


def _axis_from_end(net: Net, node: Node) -> tuple[Value, ...]:
    default = -1 if node.op_type == "Softmax" and net.opset >= 13 else 1
    axis, rank = int(net.setting(node, "axis", default=default)), len(shape_of(net, node))
    return (axis - rank if axis >= 0 else axis,)


def _weight_broadcast(net: Net, node: Node) -> tuple[Value, ...]:
    """How a constant operand is spread: over everything, by channel, by element, or otherwise."""
    constants = [net.fixed(name) for name in node.input if net.is_constant(name)]
    return tuple(_spread_of(shape, shape_of(net, node)) for shape in constants)


def _spread_of(shape: tuple[int, ...], full: tuple[int, ...]) -> str:
    padded = (1,) * (len(full) - len(shape)) + shape
    if prod(shape) == 1:
        return "uniform"
    if len(padded) > 1 and padded[1] == prod(padded) == full[1]:
        return "channel"
    return "element" if padded[1:] == full[1:] else "other"


def _same_shapes(net: Net, node: Node) -> tuple[Value, ...]:
    """How many shapes flow in: one unless something is broadcast."""
    return (len({net.fixed(name) for name in net.live(node)}),)


def _clip(net: Net, node: Node, name: str, place: int, default: float) -> tuple[Value, ...]:
    found = net.setting(node, name, place, default)
    return (float(found[0] if isinstance(found, list) else default if found is None else found),)


def scales(net: Net, node: Node) -> tuple[float, ...]:
    """By how much a Resize or Upsample enlarges each axis, as stated or by its shapes."""
    stated = net.setting(node, "scales", 1 if len(node.input) == 2 else 2)
    if stated:
        return tuple(float(scale) for scale in stated)
    inside, outside = shape_of(net, node), net.fixed(node.output[0])
    return tuple(b / a for a, b in zip(inside, outside, strict=False))


def _linear_scales(net: Net, node: Node) -> tuple[Value, ...]:
    return scales(net, node)[2:] if net.setting(node, "mode", default="nearest") == "linear" else ()


def _by_sizes(_net: Net, node: Node) -> tuple[Value, ...]:
    return (int(len(node.input) > 3 and bool(node.input[3])),)


def resize_form(net: Net, node: Node) -> tuple[str, ...]:
    """Interpolation, place of the pixels and, for nearest, rounding."""
    mode = str(net.setting(node, "mode", default="nearest"))
    if node.op_type == "Upsample":
        return (f"{mode} asymmetric" + (" floor" if mode == "nearest" else ""),)
    place = str(net.setting(node, "coordinate_transformation_mode", default="half_pixel"))
    rounding = str(net.setting(node, "nearest_mode", default="round_prefer_floor"))
    smoothed = " antialias" if net.setting(node, "antialias", default=0) else ""
    return (f"{mode} {place}" + (f" {rounding}" if mode == "nearest" else smoothed),)


def cuts(net: Net, node: Node) -> dict[int, tuple[int, int, int]]:
    """What a Slice keeps of each axis that it names: start, stop and step, counted from the front."""
    starts, ends = (net.setting(node, name, place) for name, place in (("starts", 1), ("ends", 2)))
    shape = shape_of(net, node)
    if starts is None or ends is None or not shape:
        return {}
    axes = net.setting(node, "axes", 3, list(range(len(starts))))
    steps = net.setting(node, "steps", 4, [1] * len(starts))
    if axes is None or steps is None:
        return {}
    found = {}
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        span = range(shape[axis])[slice(start, None if abs(end) >= _END else end, step)]
        found[axis % len(shape)] = (span.start, span.stop, span.step)
    return found


def _steps(net: Net, node: Node) -> tuple[Value, ...]:
    return tuple(step for _, _, step in cuts(net, node).values()) or (1,)


def _sliced_batch(net: Net, node: Node) -> tuple[Value, ...]:
    """1 where something of the batch axis is cut away."""
    if node.op_type == "Split":
        return (int(net.setting(node, "axis", default=0) % max(1, len(shape_of(net, node))) == 0),)
    return (int(net.fixed(node.output[0])[:1] != shape_of(net, node)[:1]),)


def _softmax(net: Net, node: Node, alone: bool) -> tuple[Value, ...]:
    """The axis's size, if every other axis but the batch is one value wide (or if not)."""
    shape, (axis,) = shape_of(net, node), _axis_from_end(net, node)
    if len(shape) < 2 or not -len(shape) <= int(axis) < 0:
        return ()
    size = shape[int(axis)]
    return (size,) if (prod(shape[1:]) == size) is alone else ()


def _batch_kept(net: Net, node: Node) -> tuple[Value, ...]:
    """1 where the first axis goes through as it is."""
    if node.op_type == "Transpose":
        return (int((net.setting(node, "perm") or [-1])[0] == 0),)
    return (int(shape_of(net, node)[:1] == net.fixed(node.output[0])[:1]),)


def _neighbours(net: Net, node: Node) -> tuple[Value, ...]:
    """How many slices and concatenations stand right before or behind a reshape."""
    beside = [net.maker(node.input[0]), *net.readers(node.output[0])]
    found = [other for other in beside if other is not None and other.op_type in ("Slice", "Split", "Concat")]
    return (len(found) if node.op_type == "Reshape" else 0,)


def _pad_form(net: Net, node: Node) -> tuple[Value, ...]:
    value = net.setting(node, "value", 2, [0.0])
    number = value[0] if isinstance(value, list) and value else value
    return (f"{net.setting(node, 'mode', default='constant')} {'0' if number == 0 else 'other'}",)


def _pad_readers(net: Net, node: Node) -> tuple[Value, ...]:
    return (len(net.readers(node.output[0])),)


def _pad_batch(net: Net, node: Node) -> tuple[Value, ...]:
    found = net.setting(node, "pads", 1) or [0]
    return (found[0], found[len(found) // 2])


def _size(net: Net, node: Node) -> tuple[Value, ...]:
    return (int(net.setting(node, "size", default=0)),)


MEASURES: dict[str, Measure] = {
    "kernel": windows.kernel,
    "kernel axes": lambda net, node: (len(windows.kernel(net, node)),),
    "square kernel": lambda net, node: windows.square(windows.kernel(net, node)),
    "square stride": lambda net, node: windows.square(windows.strides(net, node)),
    "strides": windows.strides,
    "dilations": windows.dilations,
    "pads": windows.pads,
    "pads beyond kernel": windows.pads_beyond_kernel,
    "groups": windows.groups,
    "channels": windows.channels,
    "output padding": windows.output_padding,
    "auto pad": windows.auto_pad,
    "axes": _axes,
    "extents": _extents,
    "batch": _batch,
    "formats": _formats,
    "unfixed": _unfixed,
    "live operands": _live_operands,
    "constant operands": _constant_operands,
    "answers": _answers,
    "axis from end": _axis_from_end,
    "weight broadcast": _weight_broadcast,
    "shapes": _same_shapes,
    "clip from": lambda net, node: _clip(net, node, "min", 1, float("-inf")),
    "clip to": lambda net, node: _clip(net, node, "max", 2, float("inf")),
    "exclusive padding": windows.exclusive_padding,
    "batch and channel scale": lambda net, node: scales(net, node)[:2],
    "scales": lambda net, node: scales(net, node)[2:],
    "linear scales": _linear_scales,
    "by sizes": _by_sizes,
    "resize form": resize_form,
    "steps": _steps,
    "sliced batch": _sliced_batch,
    "softmax alone": lambda net, node: _softmax(net, node, True),
    "softmax beside others": lambda net, node: _softmax(net, node, False),
    "batch kept": _batch_kept,
    "cut or joined beside a reshape": _neighbours,
    "pad form": _pad_form,
    "pad readers": _pad_readers,
    "pad batch": _pad_batch,
    "size": _size,
}
