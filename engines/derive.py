"""The graphs of other precisions, derived once from a bundle's fp32 ONNX and cached."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from inference import cache
from inference.errors import EngineError, PrecisionAbsent
from inference.result import Precision

# Raised whenever a derivation writes another graph from the same model, so that old files are not taken for new ones.
RECIPE = "3"


def model_for(bundle_model: Path, sha256: str, precision: Precision, calibration: Path | None = None) -> Path:
    """The graph that `Backend.load` takes for a precision.

    fp32 and bf16 run from the bundle's own file. fp16 and int8 graphs are made on first use and kept in the cache
    folder under a key of the model, the precision, the calibration data and the versions of this recipe and of onnx.

    Args:
        bundle_model: The bundle's fp32 ONNX.
        sha256: Its digest as the manifest states it.
        calibration: Test vector (npz, inputs under their names); needed by int8 alone.

    Raises:
        PrecisionAbsent: The weights do not fit the precision, or int8 was asked without calibration data.
        EngineError: The model is damaged or the cache folder cannot be written.
    """
    if precision in (Precision.FP32, Precision.BF16):
        return bundle_model
    make = _maker(bundle_model, sha256, precision, calibration)
    data = cache.sha256(calibration) if precision is Precision.INT8 and calibration is not None else ""
    name = cache.key(sha256, precision.value, data, RECIPE, version("onnx"))
    return cache.keep(f"graphs/{name}.{precision.value}.onnx", make)


def _maker(model: Path, sha256: str, precision: Precision, calibration: Path | None) -> Callable[[Path], None]:
    def make(target: Path) -> None:
        from engines import half, int8  # these import onnx, which the window's start should not wait for

        _require_whole(model, sha256)
        if precision is Precision.FP16:
            half.write(model, target)
        elif calibration is not None:
            int8.write(model, calibration, target)

    if precision is Precision.INT8 and calibration is None:
        raise PrecisionAbsent(
            f"{model.parent.name or model.name} cannot run in int8: it has no calibration data.",
            "Add a test vector to the bundle, or choose fp32 or fp16.",
        )
    return make


def _require_whole(model: Path, sha256: str) -> None:
    if not model.is_file():
        raise EngineError(f"There is no model file {model.name}.", "Install the bundle again.")
    if cache.sha256(model) != sha256:
        raise EngineError(f"{model.name} is not the file its manifest describes.", "Install the bundle again.")
