"""Does an engine answer what was stored when its bundle was made? The gates of the parity ladder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.derive import graph_of
from engines.library import Bundle
from engines.vector import Sample, samples
from inference.backends import graph, registry
from inference.backends.base import Backend, Engine
from inference.backends.tensorrt.placement import PlacementRefused
from inference.errors import EngineError
from inference.result import Precision

# Largest difference allowed, as a share of the stored output's range. fp16 keeps 11 bits, bf16 8, int8 at most 8.
# The stored answer is ONNX Runtime's; another runtime adds the 262,144 voxels under an instance norm in another order.
GATES: Mapping[Precision, float] = {
    Precision.FP32: 1e-3,
    Precision.FP16: 1e-2,
    Precision.BF16: 1e-1,
    Precision.INT8: 3e-1,
}
# int8 and bf16 are wrong here and there by much and on the whole by little: the root of the mean square is gated too.
RMS_GATES: Mapping[Precision, float] = {
    Precision.FP32: 3e-5,
    Precision.FP16: 2e-3,
    Precision.BF16: 2e-2,
    Precision.INT8: 5e-2,
}
# Outputs are stored in steps of 2^-11 so that they compress: half a step may lie between them and the truth.
GRAIN = 2.0**-12


@dataclass(frozen=True, slots=True)
class Check:
    """How far an engine's answer lies from the stored one; the worst output of the worst sample.

    Attributes:
        max_abs: Largest absolute difference, in the output's own unit.
        max_rel: The same as a share of the stored output's range.
        rms_rel: Root of the mean square difference as a share of that range.
        constant: An output is one value everywhere though the stored one is not.
        passed: Both shares are below the precision's gates (and the grain of storage) and no output is constant.
    """

    max_abs: float
    max_rel: float
    rms_rel: float
    constant: bool
    passed: bool

    @property
    def sentence(self) -> str:
        if self.constant:
            return "the output is one value everywhere"
        return f"differs by at most {self.max_rel:.1e} of the range (mean {self.rms_rel:.1e})"


def verify_bundle(bundle: Bundle, backend: Backend, precision: Precision, device: str = "CPU") -> Check:
    """Run a bundle's model on its test vector and compare with the answer that its reference gave in fp32.

    Raises:
        EngineError: The bundle is damaged, the vector does not fit, or the engine failed.
        PrecisionAbsent: The backend does not run that precision there.
    """
    stored = samples(bundle.vector, graph.read(bundle.model))
    engine = backend.load(graph_of(bundle, precision, backend.name), precision, device)
    try:
        return worst([check for sample in stored for check in _compared(engine, sample, precision)])
    finally:
        engine.close()


def compare(answer: NDArray[np.float32], stored: NDArray[np.float32], precision: Precision) -> Check:
    """Hold one answer against the stored one; the shapes are equal."""
    difference = np.abs(answer.astype(np.float64) - stored)
    extent = float(np.ptp(stored)) or float(np.abs(stored).max()) or 1.0
    largest, rms = float(difference.max()), float(np.sqrt(np.mean(difference**2)))
    constant = bool(np.ptp(answer) == 0 < np.ptp(stored))
    close = largest <= GATES[precision] * extent + GRAIN and rms <= RMS_GATES[precision] * extent + GRAIN
    return Check(largest, largest / extent, rms / extent, constant, close and not constant)


def worst(checks: Iterable[Check]) -> Check:
    """The largest of each figure; passed only if all did."""
    every = tuple(checks)
    if not every:
        raise EngineError("The test vector stores no outputs.", "Make the test vector again.")
    return Check(
        max(check.max_abs for check in every),
        max(check.max_rel for check in every),
        max(check.rms_rel for check in every),
        any(check.constant for check in every),
        all(check.passed for check in every),
    )


def _compared(engine: Engine, sample: Sample, precision: Precision) -> Iterable[Check]:
    answer = engine.infer(sample.feed)
    return [compare(answer[name], stored, precision) for name, stored in sample.answer.items()]


def checks(bundle: Bundle, every_device: bool = False) -> list[dict[str, Any]]:
    """Verify a bundle on the best device of every backend in every precision that it offers, or on each device.

    Returns:
        One dict per engine: task, backend, device, precision, precision_kind, passed, refused (the model has no place
        on that device, which is no fault of either), sentence, and where the engine answered also max_abs, max_rel,
        rms_rel.
    """
    return [_row(bundle, offer, precision) for offer, precision in registry.offers(every_device)]


def _row(bundle: Bundle, offer: registry.Choice, precision: Precision) -> dict[str, Any]:
    row = {
        "task": bundle.task.name,
        "backend": offer.backend.name,
        "device": offer.device,
        "precision": precision.value,
        "precision_kind": offer.support.kind.value,
        "refused": False,
    }
    try:
        check = verify_bundle(bundle, offer.backend, precision, offer.device)
    except EngineError as error:
        return {**row, "passed": False, "refused": isinstance(error, PlacementRefused), "sentence": str(error)}
    figures = {"max_abs": check.max_abs, "max_rel": check.max_rel, "rms_rel": check.rms_rel}
    return {**row, "passed": check.passed, "sentence": check.sentence, **figures}
