"""Which backends there are, and which one serves a wish best."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from itertools import product

from inference.backends.base import Backend, Support
from inference.backends.fake import FakeBackend
from inference.backends.onnxruntime import OnnxRuntimeBackend
from inference.backends.openvino import OpenVinoBackend
from inference.backends.tensorrt.backend import TensorRtBackend
from inference.errors import BackendMissing, PrecisionAbsent
from inference.result import Precision, PrecisionKind


class Known(Enum):
    """The backends by name, in order of preference. `fake` serves only who asks for it by name."""

    TENSORRT = "tensorrt"
    OPENVINO = "openvino"
    ONNXRUNTIME = "onnxruntime"
    FAKE = "fake"


@dataclass(frozen=True, slots=True)
class Choice:
    """A backend and device for a precision.

    Attributes:
        why: One sentence for the plan and the log.
    """

    backend: Backend
    device: str
    support: Support
    why: str


def backend(known: Known) -> Backend:
    """Make a backend; its library is imported when it is first used, not here."""
    makers: dict[Known, Callable[[], Backend]] = {
        Known.TENSORRT: TensorRtBackend,
        Known.OPENVINO: OpenVinoBackend,
        Known.ONNXRUNTIME: OnnxRuntimeBackend,
        Known.FAKE: FakeBackend,
    }
    return makers[known]()


def every() -> tuple[Backend, ...]:
    """All real backends, usable here or not, in order of preference."""
    return tuple(backend(known) for known in Known if known is not Known.FAKE)


def available() -> tuple[Backend, ...]:
    """The real backends that can be used here, in order of preference."""
    return tuple(found for found in every() if found.why_not() is None)


def named(name: str) -> Backend:
    """The backend of a name.

    Raises:
        BackendMissing: No such backend, or not usable here.
    """
    try:
        found = backend(Known(name))
    except ValueError:
        names = ", ".join(known.value for known in Known)
        raise BackendMissing(f"There is no backend called {name}.", f"Choose one of: {names}.") from None
    reason = found.why_not()
    if reason is not None:
        raise BackendMissing(f"The backend {name} cannot be used here.", reason)
    return found


def choose(name: str | None, precision: Precision, device: str | None = None) -> Choice:
    """The best backend and device for a precision.

    Native beats emulated, an accelerator beats the CPU, and else the order of `Known` decides.

    Args:
        name: A backend's name, or None for the best.
        device: "CPU", "GPU" ..., or None for the best.

    Raises:
        BackendMissing: The named backend, or any at all, is not usable.
        PrecisionAbsent: None of them runs that precision there.
    """
    candidates = (named(name),) if name is not None else tuple(filter(_starts, available()))
    if not candidates:
        raise BackendMissing("No backend is installed.", "Install one with `pip install openvino`.")
    fitting = [choice for choice in _offers(candidates, precision, device) if _usable(choice)]
    if not fitting:
        who = f"The backend {name} does not run" if name else "No backend runs"
        raise PrecisionAbsent(
            f"{who} {precision.value} on {device or 'this machine'}.",
            "Choose fp32, or ask `insula doctor` what this machine offers.",
        )
    return min(fitting, key=_rank)


def offers(every_device: bool = False) -> Iterator[tuple[Choice, Precision]]:
    """Each usable backend in each precision that it runs, on its best device for it or on every one."""
    for offered, precision in product(available(), Precision):
        with suppress(BackendMissing):
            usable = sorted(filter(_usable, _offers((offered,), precision, None)), key=_rank)
            yield from ((choice, precision) for choice in usable[: None if every_device else 1])


def _offers(backends: Iterable[Backend], precision: Precision, device: str | None) -> Iterable[Choice]:
    for offered in backends:
        for place in offered.devices() if device is None else (device,):
            support = offered.support(precision, place)
            yield Choice(
                offered, place, support, f"{offered.name} on {place} runs {precision.value} {support.kind.value}"
            )


def _starts(offered: Backend) -> bool:
    """An installed library can still fail to load; with another one there, that must not stop the work."""
    try:
        return bool(offered.devices())
    except BackendMissing:
        return False


def _usable(choice: Choice) -> bool:
    return choice.support.kind is not PrecisionKind.ABSENT


def _rank(choice: Choice) -> tuple[bool, bool]:
    return choice.support.kind is not PrecisionKind.NATIVE, choice.device == "CPU"
