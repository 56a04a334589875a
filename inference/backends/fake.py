"""A backend that runs no network: it lets the viewer be tested alone and names itself on the screen."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inference.backends import graph
from inference.backends.base import Arrays, Support, TensorSpec, checked_answer, checked_feed, halved
from inference.backends.faults import Fault, misbehave
from inference.errors import JobCancelled, PrecisionAbsent
from inference.result import Precision, PrecisionKind

NAME = "fake"
NOTE = "FAKE ENGINE: no network was run"


class FakeBackend:
    """Deterministic answers of the right shapes.

    Args:
        fault: What its engines do wrong on the device "CPU".
        specs: Inputs and outputs; without them they are read from the ONNX file.
    """

    name = NAME
    version = "0"

    def __init__(
        self,
        fault: Fault = Fault.NONE,
        specs: tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]] | None = None,
    ) -> None:
        self._fault = fault
        self._specs = specs

    def why_not(self) -> str | None:
        return None

    def devices(self) -> tuple[str, ...]:
        return ("CPU",)

    def support(self, precision: Precision, device: str) -> Support:
        if device not in ("CPU", *Fault.__members__) or precision not in (Precision.FP32, Precision.FP16):
            return Support(PrecisionKind.ABSENT, f"{NOTE}; it knows fp32 and fp16 on the CPU")
        return Support(PrecisionKind.EMULATED, NOTE)

    def load(self, model: Path, precision: Precision, device: str) -> FakeEngine:
        """See `Backend.load`; the file is opened only when no shapes were given, and any graph will do."""
        support = self.support(precision, device)
        if support.kind is PrecisionKind.ABSENT:
            raise PrecisionAbsent(f"The fake engine cannot run {precision.value} on {device}.", "Choose fp32 or fp16.")
        inputs, outputs = self._specs or _specs_of(model)
        fault = self._fault if device == "CPU" else Fault[device]
        return FakeEngine(inputs, outputs, precision, fault)


def _specs_of(model: Path) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    border = graph.read(model)
    return border.inputs, border.outputs


class FakeEngine:
    """Answers the mean of its inputs' channels in every channel of its outputs."""

    def __init__(
        self,
        inputs: tuple[TensorSpec, ...],
        outputs: tuple[TensorSpec, ...],
        precision: Precision,
        fault: Fault = Fault.NONE,
    ) -> None:
        self.inputs = inputs
        self.outputs = outputs
        self._half = precision is Precision.FP16
        self._fault = fault
        self._turn = threading.Lock()
        self._stop = threading.Event()

    def infer(self, feed: Arrays) -> dict[str, NDArray[np.float32]]:
        """See `Engine.infer`."""
        ready = checked_feed(feed, self.inputs)
        with self._turn:
            self._misbehave()
        answer = {spec.name: self._answer(ready, spec) for spec in self.outputs}
        return checked_answer(halved(answer) if self._half else answer)

    def _misbehave(self) -> None:
        if self._fault is Fault.HANGS:
            self._stop.wait()
            self._stop.clear()
            raise JobCancelled
        misbehave(self._fault)

    def _answer(self, feed: Arrays, spec: TensorSpec) -> NDArray[np.float32]:
        if self._fault in (Fault.NAN, Fault.CONSTANT):
            return np.full(spec.shape, np.nan if self._fault is Fault.NAN else 0.5, np.float32)
        first = feed[self.inputs[0].name]
        mean = first.mean(axis=1, keepdims=True) if first.ndim > 1 else first
        if mean.shape[2:] == spec.shape[2:]:
            return np.broadcast_to(mean, spec.shape).astype(np.float32)
        return np.resize(mean, spec.shape).astype(np.float32)

    def cancel(self) -> None:
        """See `Engine.cancel`."""
        if self._turn.locked():
            self._stop.set()

    def close(self) -> None:
        """See `Engine.close`; a fake holds no memory."""
