"""ONNX Runtime: the reference every other engine is measured against."""

from __future__ import annotations

import importlib
import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference import settings
from inference.backends import graph, providers
from inference.backends.base import Arrays, Support, TensorSpec
from inference.backends.border import Border
from inference.backends.cores import confined_to
from inference.errors import BackendMissing, EngineError, JobCancelled, PrecisionAbsent
from inference.result import Precision, PrecisionKind

NAME = "onnxruntime"
_INSTALL = "Install it with `pip install onnxruntime`, or choose another backend."
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
_OTHER = Support(PrecisionKind.NATIVE, "the execution provider rounds as it likes and does not say how")


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


def _installed() -> tuple[str, ...]:
    return tuple(_library().get_available_providers())


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
        """What the settings name and the installed build carries, "GPU" where it carries CUDA, and "CPU"."""
        return tuple(self._providers())

    def _providers(self) -> dict[str, str]:
        return providers.devices(_installed(), settings.read().onnxruntime)

    def support(self, precision: Precision, device: str) -> Support:
        if device not in self._providers():
            why = providers.why_absent(device, _installed(), settings.read().onnxruntime)
            return Support(PrecisionKind.ABSENT, why)
        if device not in ("CPU", "GPU"):
            return _OTHER if precision is not Precision.BF16 else Support(PrecisionKind.ABSENT, "ONNX has no bf16 here")
        absent = Support(PrecisionKind.ABSENT, f"ONNX Runtime has no {precision.value} kernels for this {device}")
        return _SUPPORT.get((device, precision), absent)

    def load(self, model: Path, precision: Precision, device: str) -> OnnxRuntimeEngine:
        """See `Backend.load`."""
        support = self.support(precision, device)
        if support.kind is PrecisionKind.ABSENT:
            raise PrecisionAbsent(f"ONNX Runtime cannot run {precision.value}: {support.note}.", "Choose fp32 or fp16.")
        border = graph.read_as(model, precision)
        half = precision is Precision.FP16 and support.kind is PrecisionKind.EMULATED
        return OnnxRuntimeEngine(self._session(model, device), Border(border, half))

    def _session(self, model: Path, device: str) -> Any:
        wished = settings.read().onnxruntime
        provider = self._providers()[device]
        try:
            session = _library().InferenceSession(
                str(model), self._options(wished.threads), providers=providers.wish(provider, wished)
            )
        except Exception as error:  # the library's exceptions share no public base
            raise EngineError(
                f"ONNX Runtime could not make an engine from {model.name} for {device}.",
                "Verify the bundle with `insula engines verify`.",
            ) from error
        # CUDA leaves what computes shapes to the CPU; that costs nothing.
        providers.require_placed(session, provider, wished.fallback or device == "GPU")
        return session

    def _options(self, wished_threads: int | None) -> Any:
        levels = _library().GraphOptimizationLevel
        options = _library().SessionOptions()
        options.graph_optimization_level = levels.ORT_ENABLE_ALL if self._optimise else levels.ORT_DISABLE_ALL
        options.log_severity_level = 3
        options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
        # Threads of a session start on the thread that makes it and inherit its cores, if their number is given.
        threads = confined_to() or self._threads or wished_threads
        if threads is not None:
            options.intra_op_num_threads = threads
        return options


class OnnxRuntimeEngine:
    """One session."""

    def __init__(self, session: Any, border: Border) -> None:
        self._session = session
        self._border = border
        self._run_options: Any = None

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        return self._border.inputs

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        return self._border.outputs

    def infer(self, feed: Arrays) -> dict[str, NDArray[np.float32]]:
        """See `Engine.infer`."""
        return self._border.infer(feed, self._run)

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
        with self._border.turn:
            self._session = None
