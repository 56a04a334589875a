"""The formats of an engine's inputs and outputs: asked of the builder, then read back from the engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from inference.backends.tensorrt import library
from inference.backends.tensorrt.graphs import Source
from inference.backends.tensorrt.layout import Layout
from inference.backends.tensorrt.library import Typing, tensorrt
from inference.backends.tensorrt.placement import Border, PlacementRefused
from inference.backends.tensorrt.wish import Wish
from inference.errors import EngineError
from inference.result import Precision

# TensorRT's names of number formats, and numpy's.
_DTYPES: dict[str, np.dtype[Any]] = {
    "FLOAT": np.dtype(np.float32),
    "HALF": np.dtype(np.float16),
    "INT8": np.dtype(np.int8),
}
_HWC4_CHANNELS = 4


def pin(network: Any, wish: Wish, source: Source) -> None:
    """Ask for the wished formats on every input and output.

    Raises:
        PlacementRefused: The tensor has no channels and rows to be laid out so.
    """
    if wish.placement.border is Border.PLAIN:
        return
    for index in range(network.num_inputs):
        _pin_one(network.get_input(index), wish, source, inward=True)
    for index in range(network.num_outputs):
        _pin_one(network.get_output(index), wish, source, inward=False)


def _pin_one(tensor: Any, wish: Wish, source: Source, inward: bool) -> None:
    trt = tensorrt()
    if len(tensor.shape) != 4:
        raise PlacementRefused(
            f"{tensor.name} has {len(tensor.shape)} axes, and a DLA takes pictures with 4 only.", "Run it on the GPU."
        )
    int8 = wish.precision is Precision.INT8 and tensor.name in source.ranges
    if library.here().typing is Typing.WEAK:
        tensor.dtype = trt.int8 if int8 else trt.float16
    tensor.allowed_formats = 1 << int(_format(tensor, wish.placement.border, int8, inward))


def _format(tensor: Any, border: Border, int8: bool, inward: bool) -> Any:
    formats = tensorrt().TensorFormat
    if border is Border.DLA_LINEAR:
        return formats.DLA_LINEAR
    if border is Border.DLA_HWC4 and inward:
        if tensor.shape[1] > _HWC4_CHANNELS:
            raise PlacementRefused(
                f"{tensor.name} has {tensor.shape[1]} channels, and this border takes at most {_HWC4_CHANNELS}.",
                "Choose the border NATIVE.",
            )
        return formats.DLA_HWC4
    return formats.CHW32 if int8 else formats.CHW16


def layout(engine: Any, context: Any, name: str, ranges: Mapping[str, float]) -> Layout:
    """How an input or output lies in memory, as the engine itself says.

    Raises:
        EngineError: A number format that nothing here asked for.
    """
    kind = str(engine.get_tensor_dtype(name).name)
    if kind not in _DTYPES:
        raise EngineError(f"The engine wants {name} in {kind.lower()}.", "Choose fp32, fp16 or int8 for this model.")
    axis = int(engine.get_tensor_vectorized_dim(name))
    lanes = int(engine.get_tensor_components_per_element(name)) if axis >= 0 else 1
    scale = ranges[name] / 127 if kind == "INT8" else None
    shape = tuple(int(count) for count in engine.get_tensor_shape(name))
    strides = tuple(int(step) for step in context.get_tensor_strides(name))
    return Layout(shape, strides, _DTYPES[kind], axis, lanes, scale)
