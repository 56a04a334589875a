"""An int8 graph from an fp32 one: static quantisation with Q/DQ nodes and ranges from real inputs."""

from __future__ import annotations

import importlib
import tempfile
from pathlib import Path
from typing import Any

import onnx

from engines import vector
from inference.backends import graph

# Only what both runtimes have int8 kernels for: rounding the others costs accuracy and gains no time.
QUANTISED = ("Conv", "Gemm", "MatMul")
# The quantiser's own mark for a graph whose shapes were inferred; without it it asks for that on the log.
_PREPARED = ("onnx.quant.pre_process", "onnxruntime.quant")


def write(model: Path, calibration: Path, target: Path) -> None:
    """Quantise an ONNX file: weights int8 per channel, activations uint8 per tensor, smallest and largest value.

    Deterministic: the same model and calibration data give the same bytes.

    Raises:
        EngineError: The calibration data do not fit the model's inputs.
    """
    quantiser = importlib.import_module("onnxruntime.quantization")
    feeds = [sample.feed for sample in vector.samples(calibration, graph.read(model))]
    with tempfile.TemporaryDirectory(prefix="insula-int8-") as scratch:
        prepared = Path(scratch) / "prepared.onnx"
        onnx.save(_prepared(model), prepared)
        quantiser.quantize_static(
            str(prepared),
            str(target),
            _reader(quantiser, feeds),
            quant_format=quantiser.QuantFormat.QDQ,
            op_types_to_quantize=list(QUANTISED),
            per_channel=True,
            activation_type=quantiser.QuantType.QUInt8,
            weight_type=quantiser.QuantType.QInt8,
            calibrate_method=quantiser.CalibrationMethod.MinMax,
            # What follows a convolution is mostly a normalisation in single precision: rounding before it gains nothing.
            extra_options={"OpTypesToExcludeOutputQuantization": list(QUANTISED)},
        )


def _prepared(model: Path) -> Any:
    prepared = onnx.shape_inference.infer_shapes(onnx.load(model))
    prepared.metadata_props.add(key=_PREPARED[0], value=_PREPARED[1])
    return prepared


def _reader(quantiser: Any, feeds: list[Any]) -> Any:
    class Reader(quantiser.CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._rest = iter(feeds)

        def get_next(self) -> Any:
            return next(self._rest, None)

    return Reader()
