"""OpenVINO: the default on CPUs, and Intel's GPUs and NPUs where its plugin finds them."""

from __future__ import annotations

import importlib
import importlib.util
import threading
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference import settings
from inference.backends import blobs, graph
from inference.backends.base import Arrays, Support, TensorSpec
from inference.backends.border import Border
from inference.backends.cores import confined_to
from inference.errors import BackendMissing, EngineError, JobCancelled, PrecisionAbsent
from inference.result import Precision, PrecisionKind

NAME = "openvino"
_INSTALL = "Install it with `pip install openvino`, or choose another backend."
_HALF_WEIGHTS = (
    "weights, inputs and outputs are rounded to half precision; the arithmetic between them is single precision, "
    "so overflow inside the network does not show"
)
_CAPABILITY = {Precision.FP32: "FP32", Precision.BF16: "BF16", Precision.FP16: "FP16", Precision.INT8: "INT8"}
_REDUCED = {Precision.BF16: ("bf16", "bfloat16"), Precision.FP16: ("f16", "float16")}


@cache
def _core() -> Any:
    """The library's one core object; importing it takes a moment, so only its use does.

    Raises:
        BackendMissing: The library is absent or cannot start.
    """
    try:
        return importlib.import_module("openvino").Core()
    except (ImportError, RuntimeError, OSError) as error:
        raise BackendMissing("OpenVINO is not installed or cannot start.", _INSTALL) from error


class OpenVinoBackend:
    """Engines of the OpenVINO runtime.

    The library's threads serve every engine of a process and go where the process may go. So an engine that is loaded
    on a thread confined to some of the cores runs on that thread alone; a lane of several but not all cores wants
    ONNX Runtime, or a process of its own.

    Args:
        threads: CPU threads of one engine; None takes the settings' number, or leaves the choice to the library.
    """

    name = NAME

    def __init__(self, threads: int | None = None) -> None:
        self._threads = threads

    @property
    def version(self) -> str:
        _core()
        return str(importlib.import_module("openvino").__version__).split("-", maxsplit=1)[0]

    def why_not(self) -> str | None:
        return None if importlib.util.find_spec("openvino") else f"OpenVINO is not installed. {_INSTALL}"

    def devices(self) -> tuple[str, ...]:
        """The CPU first: it is there everywhere and does not share memory with the screen."""
        found = [str(device) for device in _core().available_devices]
        return tuple(sorted(found, key=lambda device: device != "CPU"))

    def support(self, precision: Precision, device: str) -> Support:
        """Native where the device's capability list names the format; half precision is emulated elsewhere."""
        if device not in self.devices():
            return Support(PrecisionKind.ABSENT, f"OpenVINO finds no device {device} here")
        offered = _core().get_property(device, "OPTIMIZATION_CAPABILITIES")
        if _CAPABILITY[precision] in offered:
            return Support(PrecisionKind.NATIVE, _native_note(precision))
        if precision is Precision.FP16 and "FP32" in offered:
            return Support(PrecisionKind.EMULATED, _HALF_WEIGHTS)
        return Support(PrecisionKind.ABSENT, f"this {device} has no {precision.value} arithmetic")

    def load(self, model: Path, precision: Precision, device: str) -> OpenVinoEngine:
        """See `Backend.load`."""
        support = self.support(precision, device)
        if support.kind is PrecisionKind.ABSENT:
            raise PrecisionAbsent(f"OpenVINO cannot run {precision.value}: {support.note}.", "Choose fp32 or fp16.")
        border = graph.read_as(model, precision)
        native = support.kind is PrecisionKind.NATIVE
        hint, granted = _REDUCED.get(precision, ("f32", "float32")) if native else ("f32", "float32")
        compiled = self._compiled(model, device, hint)
        _require_granted(compiled, hint, granted)
        return OpenVinoEngine(compiled, Border(border, half=precision is Precision.FP16 and not native))

    def _options(self, device: str, hint: str) -> dict[str, Any]:
        wished = settings.read().openvino
        options: dict[str, Any] = {"INFERENCE_PRECISION_HINT": hint, "PERFORMANCE_HINT": "LATENCY"}
        if device == "CPU":
            # Pinned threads wait for whatever else runs on their core: the window, or another engine.
            options["ENABLE_CPU_PINNING"] = False
            threads = self._threads or wished.threads
            if confined_to() is not None:
                threads = 1
            if threads is not None:
                options["INFERENCE_NUM_THREADS"] = threads
        return options | wished.options

    def _compiled(self, model: Path, device: str, hint: str) -> Any:
        options = self._options(device, hint)
        try:
            return blobs.compiled(_core(), self.version, model, device, options)
        except RuntimeError as error:
            raise EngineError(
                f"OpenVINO could not make an engine from {model.name} for {device}.",
                "Try the backend onnxruntime, or verify the bundle with `insula engines verify`.",
            ) from error


def _native_note(precision: Precision) -> str:
    if precision is Precision.INT8:
        return "convolutions and matrix products run in int8, everything else in single precision"
    return ""


def _require_granted(compiled: Any, hint: str, granted: str) -> None:
    """The library quietly computes f16 as bf16 on some CPUs; an engine must be what its label says."""
    got = compiled.get_property("INFERENCE_PRECISION_HINT").to_string()
    if got not in (hint, granted):
        raise PrecisionAbsent(f"OpenVINO was asked for {hint} and would compute in {got}.", "Choose fp32.")


class OpenVinoEngine:
    """One compiled model with its one request."""

    def __init__(self, compiled: Any, border: Border) -> None:
        self._request = compiled.create_infer_request()
        self._border = border
        self._cancelled = threading.Event()

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
        if self._request is None:
            raise EngineError("The engine was closed before it was asked.", "Load it again.")
        self._cancelled.clear()
        try:
            self._request.infer(feed, share_inputs=True, share_outputs=True)
        except RuntimeError as error:
            if self._cancelled.is_set():
                raise JobCancelled from error
            raise EngineError("OpenVINO failed while it ran the model.", "Try the backend onnxruntime.") from error
        if self._cancelled.is_set():
            raise JobCancelled
        return {spec.name: np.array(self._request.get_tensor(spec.name).data) for spec in self.outputs}

    def cancel(self) -> None:
        """See `Engine.cancel`."""
        request = self._request
        if request is not None and self._border.turn.locked():
            self._cancelled.set()
            request.cancel()

    def close(self) -> None:
        """See `Engine.close`."""
        with self._border.turn:
            self._request = None
