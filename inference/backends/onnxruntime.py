"""ONNX Runtime: the reference every other engine is measured against."""

from __future__ import annotations

import importlib
import importlib.util
import threading
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.backends import graph
from inference.backends.base import Arrays, Support, TensorSpec, checked_answer, checked_feed, halved
from inference.errors import BackendMissing, EngineError, JobCancelled, PrecisionAbsent
from inference.result import Precision, PrecisionKind

NAME = "onnxruntime"
_INSTALL = "Install it with `pip install onnxruntime`, or choose another backend."
_CUDA = "CUDAExecutionProvider"
# TF32 would round fp32 inputs of every convolution to 10 bits without a word.
_PROVIDERS: dict[str, list[Any]] = {
    "CPU": ["CPUExecutionProvider"],
    "GPU": [(_CUDA, {"use_tf32": "0"}), "CPUExecutionProvider"],
}
_SUPPORT = {
    ("CPU", Precision.FP32): Support(PrecisionKind.NATIVE),
    ("CPU", Precision.FP16): Support(
        PrecisionKind.EMULATED,
        "weights, inputs and outputs are rounded to half precision; the arithmetic between them is single precision, "
        "so overflow inside the network does not show",
    ),
    ("CPU", Precision.INT8): Support(
        PrecisionKind.EMULATED,
        "the weights of convolutions and matrix products and what flows into them are rounded to 8 bits; "
        "the arithmetic is single precision",
    ),
    ("GPU", Precision.FP32): Support(PrecisionKind.NATIVE, "TF32 is off"),
    ("GPU", Precision.FP16): Support(PrecisionKind.NATIVE, "normalisation stays in single precision"),
}


@cache
def _library() -> Any:
    """The imported library, its own log quiet below errors.

    Raises:
        BackendMissing: It is absent or cannot start.
    """
    try:
        library = importlib.import_module("onnxruntime")
    except (ImportError, OSError) as error:
        raise BackendMissing("ONNX Runtime is not installed or cannot start.", _INSTALL) from error
    library.set_default_logger_severity(3)
    return library


class OnnxRuntimeBackend:
    """Engines of ONNX Runtime.

    Args:
        threads: CPU threads of one engine; None leaves the choice to the library.
        optimise: False runs the graph node by node as written, the strictest reference.
    """

    name = NAME

    def __init__(self, threads: int | None = None, optimise: bool = True) -> None:
        self._threads = threads
        self._optimise = optimise

    @property
    def version(self) -> str:
        return str(_library().__version__)

    def why_not(self) -> str | None:
        return None if importlib.util.find_spec("onnxruntime") else f"ONNX Runtime is not installed. {_INSTALL}"

    def devices(self) -> tuple[str, ...]:
        """ "GPU" only where the installed build carries CUDA."""
        return ("GPU", "CPU") if _CUDA in _library().get_available_providers() else ("CPU",)

    def support(self, precision: Precision, device: str) -> Support:
        if device not in self.devices():
            return Support(PrecisionKind.ABSENT, f"ONNX Runtime finds no device {device} here")
        absent = Support(PrecisionKind.ABSENT, f"ONNX Runtime has no {precision.value} kernels for this {device}")
        return _SUPPORT.get((device, precision), absent)

    def load(self, model: Path, precision: Precision, device: str) -> OnnxRuntimeEngine:
        """See `Backend.load`."""
        support = self.support(precision, device)
        if support.kind is PrecisionKind.ABSENT:
            raise PrecisionAbsent(f"ONNX Runtime cannot run {precision.value}: {support.note}.", "Choose fp32 or fp16.")
        border = graph.read_as(model, precision)
        session = self._session(model, device)
        return OnnxRuntimeEngine(session, border, half_border=precision is Precision.FP16 and device == "CPU")

    def _session(self, model: Path, device: str) -> Any:
        try:
            session = _library().InferenceSession(str(model), self._options(), providers=_PROVIDERS[device])
        except Exception as error:  # the library's exceptions share no public base
            raise EngineError(
                f"ONNX Runtime could not make an engine from {model.name} for {device}.",
                "Verify the bundle with `insula engines verify`.",
            ) from error
        if device == "GPU" and _CUDA not in session.get_providers():
            raise EngineError("ONNX Runtime could not start CUDA and fell back to the CPU.", "Choose the device CPU.")
        return session

    def _options(self) -> Any:
        levels = _library().GraphOptimizationLevel
        options = _library().SessionOptions()
        options.graph_optimization_level = levels.ORT_ENABLE_ALL if self._optimise else levels.ORT_DISABLE_ALL
        options.log_severity_level = 3
        if self._threads is not None:
            options.intra_op_num_threads = self._threads
        return options


class OnnxRuntimeEngine:
    """One session."""

    def __init__(self, session: Any, border: graph.Graph, half_border: bool) -> None:
        self._session = session
        self._border = border
        self._half_border = half_border
        self._turn = threading.Lock()
        self._run_options: Any = None

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        return self._border.inputs

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        return self._border.outputs

    def infer(self, feed: Arrays) -> dict[str, NDArray[np.float32]]:
        """See `Engine.infer`."""
        ready = checked_feed(feed, self.inputs)
        with self._turn:
            answer = self._run(halved(ready) if self._half_border else ready)
        return checked_answer(halved(answer) if self._half_border else answer)

    def _run(self, feed: Arrays) -> dict[str, NDArray[np.float32]]:
        if self._session is None:
            raise EngineError("The engine was closed before it was asked.", "Load it again.")
        names = [spec.name for spec in self.outputs]
        options = self._run_options = _library().RunOptions()
        options.log_severity_level = 4
        try:
            arrays = self._session.run(names, dict(feed), options)
        except Exception as error:  # the library's exceptions share no public base
            if options.terminate:
                raise JobCancelled from error
            raise EngineError("ONNX Runtime failed while it ran the model.", "Try the backend openvino.") from error
        finally:
            self._run_options = None
        return dict(zip(names, arrays, strict=True))

    def cancel(self) -> None:
        """See `Engine.cancel`."""
        options = self._run_options
        if options is not None:
            options.terminate = True

    def close(self) -> None:
        """See `Engine.close`."""
        with self._turn:
            self._session = None
