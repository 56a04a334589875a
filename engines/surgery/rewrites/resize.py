"""Enlargement in the few forms that an accelerator has (R5)."""

from __future__ import annotations

from itertools import zip_longest

import numpy as np

from engines.surgery import measures
from engines.surgery.net import Net, Node, copied, label
from engines.surgery.rewrites.base import Exactness, Rewrite, Wish, wherever

_MOST_SCALE = 32
# For whole scales these pick the same voxel as "asymmetric floor" does.
_SAME_AS_FLOOR = {
    "nearest half_pixel round_prefer_floor",
    "nearest half_pixel round_prefer_ceil",
    "nearest pytorch_half_pixel round_prefer_floor",
    "nearest pytorch_half_pixel round_prefer_ceil",
    "nearest tf_half_pixel_for_nn floor",
    "nearest half_pixel_symmetric round_prefer_floor",
    "nearest half_pixel_symmetric round_prefer_ceil",
}
_SAME_AS_HALF_PIXEL = {"linear pytorch_half_pixel", "linear half_pixel_symmetric"}
_INEXACT = {"linear asymmetric", "linear align_corners"}


def _by_scales(net: Net, node: Node, _wish: Wish) -> bool:
    """Sizes become scales where they are whole multiples."""
    factors = _whole(net, node)
    if factors is None or measures.MEASURES["by sizes"](net, node) == (0,) or net.setting(node, "axes"):
        return False
    made = copied(node)
    made.input[:] = [*node.input[:2], net.store(np.asarray(factors, np.float32), f"{label(node)}.scales")]
    net.swap([node], [made])
    return True


def _form(net: Net, node: Node, _wish: Wish) -> bool:
    (form,) = measures.resize_form(net, node)
    if _whole(net, node) is None or node.op_type != "Resize":
        return False
    if form in _SAME_AS_FLOOR:
        return _restated(net, node, {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"})
    if form in _SAME_AS_HALF_PIXEL and min(net.fixed(node.output[0])[2:]) > 1:
        return _restated(net, node, {"coordinate_transformation_mode": "half_pixel"})
    return False


def _half_pixel(net: Net, node: Node, _wish: Wish) -> bool:
    (form,) = measures.resize_form(net, node)
    if form not in _INEXACT or _whole(net, node) is None or node.op_type != "Resize":
        return False
    return _restated(net, node, {"coordinate_transformation_mode": "half_pixel"})


def _whole(net: Net, node: Node) -> list[float] | None:
    """The scales, if they are whole."""
    factors = measures.scales(net, node)
    return list(factors) if len(factors) == 4 and all(f == int(f) for f in factors) else None


def _restated(net: Net, node: Node, words: dict[str, str]) -> bool:
    from onnx import helper

    made = copied(node)
    kept = [attribute for attribute in made.attribute if attribute.name not in words]
    del made.attribute[:]
    made.attribute.extend([*kept, *(helper.make_attribute(name, word) for name, word in words.items())])
    net.swap([node], [made])
    return True


def _spread(net: Net, node: Node, _wish: Wish) -> bool:
    """An operand of one row or column is enlarged first, so that both have one shape."""
    live, full = net.live(node), net.fixed(node.output[0])
    narrow = [name for name in live if net.fixed(name) != full]
    if len(live) != 2 or len(narrow) != 1 or len(full) != 4:
        return False
    shape = net.fixed(narrow[0])
    factors = [_factors(b // a) for a, b in zip(shape[2:], full[2:], strict=True)]
    if shape[:2] != full[:2] or any(a not in (1, b) for a, b in zip(shape, full, strict=True)) or None in factors:
        return False
    made: list[Node] = []
    for row, column in zip_longest(*(f or [] for f in factors), fillvalue=1):
        source = made[-1].output[0] if made else narrow[0]
        made.append(_enlarged(net, node, source, (row, column)))
    joined = copied(node)
    joined.input[:] = [made[-1].output[0] if name == narrow[0] else name for name in node.input]
    net.swap([node], [*made, joined])
    return True


def _factors(length: int) -> list[int] | None:
    """Scales whose product is a length, largest first; None where a prime is larger than a scale may be."""
    found: list[int] = []
    while length > 1:
        scale = next((n for n in range(_MOST_SCALE, 1, -1) if length % n == 0), None)
        if scale is None:
            return None
        found.append(scale)
        length //= scale
    return found


def _enlarged(net: Net, node: Node, source: str, factor: tuple[int, int]) -> Node:
    scales = net.store(np.asarray((1, 1, *factor), np.float32), f"{label(node)}.scales")
    # Before opset 13 the region that is enlarged had to be named, though it counts for nothing here.
    region = "" if net.opset >= 13 else net.store(np.zeros(0, np.float32), f"{label(node)}.region")
    words = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    return net.node("Resize", [source, region, scales], None, f"{label(node)}.spread", **words)


BY_SCALES = Rewrite("resize-by-scales", "sizes become scales", Exactness.BITWISE, wherever(_by_scales, {"Resize"}))
FORM = Rewrite(
    "resize-form", "the same enlargement in a form that is there", Exactness.BITWISE, wherever(_form, {"Resize"})
)
SPREAD = Rewrite(
    "spread-by-resize",
    "an operand of one row and column is enlarged before it meets a picture",
    Exactness.BITWISE,
    wherever(_spread, {"Add", "Sub", "Mul", "Max", "Min", "Sum", "Div"}),
)
HALF_PIXEL = Rewrite(
    "resize-half-pixel",
    "linear enlargement between half pixels in place of another; train with it to lose nothing",
    Exactness.APPROXIMATE,
    wherever(_half_pixel, {"Resize"}),
)
