"""The graphs that engines are made from, derived once from a bundle's fp32 ONNX and cached."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path

from engines.library import Bundle
from inference import cache
from inference.errors import EngineError, PrecisionAbsent
from inference.result import Precision

# Raised whenever a derivation writes another graph from the same model, so that old files are not taken for new ones.
RECIPE = "5"
# Who runs graphs that need fewer multiply-adds. ONNX Runtime stays the untouched reference.
FOLDING = frozenset({"openvino"})


def graph_of(bundle: Bundle, precision: Precision, backend: str | None = None) -> Path:
    """The graph that a backend loads for a bundle in a precision; see `model_for`."""
    return model_for(bundle.model, bundle.sha256, precision, bundle.calibration, backend, bundle.task.model.whole)


def model_for(
    bundle_model: Path,
    sha256: str,
    precision: Precision,
    calibration: Path | None = None,
    backend: str | None = None,
    whole: tuple[str, ...] = (),
) -> Path:
    """The graph that `Backend.load` takes for a precision.

    fp32 and bf16 run from the bundle's own file or, on a backend that gains by it, from one graph for both that
    computes the same with less work (`engines.surgery.fold`); int8 starts from that one there. It and the graphs of
    fp16 and int8 are made on first use and kept in the cache folder under a key of the model, the precision, the
    calibration data and the versions of this recipe and of onnx.

    Args:
        bundle_model: The bundle's fp32 ONNX.
        sha256: Its digest as the manifest states it.
        calibration: Test vector (npz, inputs under their names); needed by int8 alone.
        backend: Who will load it; None: any.
        whole: Operations that int8 leaves in single precision.

    Raises:
        PrecisionAbsent: The weights do not fit the precision, or int8 was asked without calibration data.
        EngineError: The model is damaged or the cache folder cannot be written.
    """
    source = bundle_model
    if backend in FOLDING and precision is not Precision.FP16:
        name = cache.key(sha256, "folded", RECIPE, version("onnx"))
        source = cache.keep(f"graphs/{name}.fp32.onnx", partial(_fold, bundle_model, sha256))
    if precision in (Precision.FP32, Precision.BF16):
        return source
    make = _maker(bundle_model, source, sha256, precision, calibration, whole)
    data = "\n".join((cache.sha256(calibration), *whole)) if precision is Precision.INT8 and calibration else ""
    form = "" if source is bundle_model else "folded"
    name = cache.key(sha256, precision.value, data, form, RECIPE, version("onnx"))
    return cache.keep(f"graphs/{name}.{precision.value}.onnx", make)


def _fold(model: Path, sha256: str, target: Path) -> None:
    from engines.surgery import fold

    _require_whole(model, sha256)
    fold.write(model, target)


def _maker(
    model: Path, source: Path, sha256: str, precision: Precision, calibration: Path | None, whole: tuple[str, ...]
) -> Callable[[Path], None]:
    def make(target: Path) -> None:
        from engines import half, int8  # these import onnx, which the window's start should not wait for

        _require_whole(model, sha256)
        if precision is Precision.FP16:
            half.write(source, target)
        elif calibration is not None:
            int8.write(source, calibration, target, whole)

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
