"""Which operations of a graph a deep learning accelerator takes: the few that the shipped networks use.

Limits as in NVIDIA's TensorRT Developer Guide, "DLA Supported Layers" (8.5 to 10.7), FP16. Static rules are necessary
and never sufficient: the builder on the device is the judge. What stands in no row is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

MOST_KERNEL, MOST_STRIDE, MOST_PAD = 32, 8, 31
MOST_WINDOW, MOST_POOL_STRIDE = 8, 16

Attributes = Mapping[str, Any]


def takes(node: Any) -> bool:
    """Whether an ONNX node may run on the accelerator; its tensors are taken to be four-dimensional."""
    rule = RULES.get(node.op_type)
    return rule is not None and rule(_attributes(node))


def _always(_: Attributes) -> bool:
    return True


def _convolution(found: Attributes) -> bool:
    kernel, strides = found.get("kernel_shape", (1, 1)), found.get("strides", (1, 1))
    return len(kernel) == 2 and max(kernel) <= MOST_KERNEL and max(strides) <= MOST_STRIDE and _pads(found) <= MOST_PAD


def _deconvolution(found: Attributes) -> bool:
    """No padding, no groups, no dilation: the layers that the plain Pix2Pix fails with."""
    kernel = found.get("kernel_shape", (1, 1))
    plain = found.get("group", 1) == 1 and max(found.get("dilations", (1, 1))) == 1
    return len(kernel) == 2 and max(kernel) <= MOST_KERNEL and plain and _pads(found) == 0


def _pooling(found: Attributes) -> bool:
    kernel, strides = found.get("kernel_shape", (1, 1)), found.get("strides", (1, 1))
    return len(kernel) == 2 and max(kernel) <= MOST_WINDOW and max(strides) <= MOST_POOL_STRIDE and _pads(found) < 8


def _channels(found: Attributes) -> bool:
    return bool(found.get("axis", 1) in (1, -3))


def _nearest(found: Attributes) -> bool:
    return bool(found.get("mode", b"nearest") == b"nearest")


def _pads(found: Attributes) -> int:
    return int(max(found.get("pads", (0,))))


RULES: Mapping[str, Callable[[Attributes], bool]] = {
    "Conv": _convolution,
    "ConvTranspose": _deconvolution,
    "MaxPool": _pooling,
    "AveragePool": _pooling,
    "Concat": _channels,
    "Resize": _nearest,
    **dict.fromkeys(("Relu", "LeakyRelu", "PRelu", "Sigmoid", "Tanh", "Clip", "BatchNormalization"), _always),
    **dict.fromkeys(("Add", "Sub", "Mul", "Max", "Min", "Slice", "Identity", "Dropout"), _always),
}


def _attributes(node: Any) -> Attributes:
    from onnx import helper

    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
