"""What every runtime must offer, and the one place where feeds and answers are checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from inference.errors import BadOutput, EngineError
from inference.result import Precision, PrecisionKind

Arrays = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Support:
    """How a backend provides a precision on a device of this machine, and why."""

    kind: PrecisionKind
    note: str = ""


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """Name and static shape of one input or output; fp32 at the border whatever runs inside."""

    name: str
    shape: tuple[int, ...]


class Engine(Protocol):
    """A model made ready for one device and precision.

    One `infer` runs at a time: a second thread waits for its turn.
    """

    @property
    def inputs(self) -> tuple[TensorSpec, ...]: ...

    @property
    def outputs(self) -> tuple[TensorSpec, ...]: ...

    def infer(self, feed: Arrays) -> dict[str, NDArray[np.float32]]:
        """Answer one feed. Inputs and outputs are fp32 arrays of the declared shapes.

        Raises:
            EngineError: A wrong name or shape, or the library failed.
            BadOutput: The answer holds NaN or infinity.
            JobCancelled: `cancel` was called meanwhile.
        """
        ...

    def cancel(self) -> None:
        """Stop the `infer` that runs now, if one does; called from another thread. The engine stays usable."""
        ...

    def close(self) -> None:
        """Give memory back, after a running `infer` has ended. The engine cannot be used afterwards."""
        ...


class Backend(Protocol):
    """A library that runs engines."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    def why_not(self) -> str | None:
        """None when usable here, else one sentence that says what to install."""
        ...

    def devices(self) -> tuple[str, ...]:
        """Devices it can use here, best first, in capitals: "CPU", "GPU", "DLA0"."""
        ...

    def support(self, precision: Precision, device: str) -> Support: ...

    def load(self, model: Path, precision: Precision, device: str) -> Engine:
        """Make an engine from an ONNX graph that already is of that precision.

        fp32 and bf16 take a bundle's own graph. fp16 takes one with half-precision weights, int8 one with Q/DQ nodes;
        `engines.derive.model_for` makes both. The border stays fp32 in each. A graph of another precision is refused,
        so that a result never carries the wrong label.

        Raises:
            BackendMissing: The library is not installed or cannot start.
            PrecisionAbsent: `support` says absent for this precision and device.
            EngineError: The file is not such a graph, or the library refuses it.
        """
        ...


def checked_feed(feed: Arrays, inputs: tuple[TensorSpec, ...]) -> dict[str, NDArray[np.float32]]:
    """Return contiguous fp32 copies of the feed after checking names and shapes.

    Raises:
        EngineError: A name or a shape is not what the engine declares.
    """
    if set(feed) != {spec.name for spec in inputs}:
        raise EngineError(
            f"The engine expects inputs {sorted(s.name for s in inputs)} and was given {sorted(feed)}.",
            "Verify the bundle with `insula engines verify`.",
        )
    for spec in inputs:
        if feed[spec.name].shape != spec.shape:
            raise EngineError(
                f"Input {spec.name} must have shape {spec.shape} and has {feed[spec.name].shape}.",
                "Verify the bundle with `insula engines verify`.",
            )
    return {name: np.ascontiguousarray(array, dtype=np.float32) for name, array in feed.items()}


def halved(arrays: Arrays) -> dict[str, NDArray[np.float32]]:
    """Round to half precision and back, as a border of half precision does; beyond 65504 becomes infinity."""
    with np.errstate(over="ignore"):
        return {name: array.astype(np.float16).astype(np.float32) for name, array in arrays.items()}


def checked_answer(answer: Arrays) -> dict[str, NDArray[np.float32]]:
    """Return the answer unless it holds NaN or infinity.

    Raises:
        BadOutput: A network must never turn broken numbers into a picture.
    """
    for name, array in answer.items():
        if not _finite(array):
            raise BadOutput(
                f"The model's output {name} holds values that are not numbers.",
                "Run it again in fp32; if it happens there too, the bundle is damaged.",
            )
    return dict(answer)


def _finite(array: NDArray[np.float32]) -> bool:
    """NaN and infinity survive a sum, which is several times faster than looking at each value; large values may
    overflow it too, and only then each is looked at.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(array.sum())) or bool(np.isfinite(array).all())
