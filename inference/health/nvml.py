"""NVIDIA GPUs through NVML, the driver's own library."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from inference.health.reading import Clock, Load, Memory, Part, Rail, Scope, Temperature, Throttle, Throttled

# NVML's bits of "clocks event reasons" that mean held down; idle, chosen clocks and sync boost do not.
_HELD = {
    0x04: "its power limit",
    0x08: "the hardware's slowdown",
    0x20: "its driver's temperature limit",
    0x40: "the hardware's temperature limit",
    0x80: "the power supply's brake",
}
_NO_LIBRARY = "The Python package nvidia-ml-py is not installed."
_NO_DRIVER = "There is no NVIDIA driver on this machine."
_NO_GPU = "The NVIDIA driver finds no GPU."
_SILENT = "The NVIDIA driver does not answer."


class Nvml:
    """Every GPU that the driver lists. What a GPU does not support is left out; nothing is made up."""

    name = "nvml"

    def __init__(self) -> None:
        self._library: Any = None
        self._absent: str | None = None

    def read(self, now_s: float) -> Part:  # noqa: ARG002 - every source is asked the same way
        if self._absent is None:
            self._absent = self._start()
        if self._absent:
            return Part(self.name, self._absent, Scope.GPU)
        try:
            return self._part()
        except self._library.NVMLError:
            return Part(self.name, _SILENT, Scope.GPU)

    def close(self) -> None:
        if self._library is not None and not self._absent:
            with suppress(self._library.NVMLError):
                self._library.nvmlShutdown()
        self._absent = "The reader was closed."

    def _start(self) -> str:
        """Begin; "" or the sentence that says why not. Asked once: a driver does not come while a program runs."""
        try:
            self._library = importlib.import_module("pynvml")
        except ImportError:
            return _NO_LIBRARY
        try:
            self._library.nvmlInit()
            if self._library.nvmlDeviceGetCount() > 0:
                return ""
            self._library.nvmlShutdown()
            return _NO_GPU
        except self._library.NVMLError:
            return _NO_DRIVER

    def _part(self) -> Part:
        asked = [_Gpu(self._library, index) for index in range(self._library.nvmlDeviceGetCount())]
        rails = tuple(rail for gpu in asked for rail in gpu.rails())
        # One GPU without power would make the sum of the others look like the whole.
        complete = len(rails) == len(asked)
        counters = [gpu.joules() for gpu in asked]
        return Part(
            self.name,
            scope=Scope.GPU,
            watts=sum(rail.watts for rail in rails) if complete else None,
            watts_absent="" if complete else "The GPU does not tell its power.",
            joules=sum(j for j in counters if j is not None) if None not in counters else None,
            rails=rails,
            temperatures=tuple(one for gpu in asked for one in gpu.temperatures()),
            clocks=tuple(one for gpu in asked for one in gpu.clocks()),
            loads=tuple(one for gpu in asked for one in gpu.loads()),
            memories=tuple(one for gpu in asked for one in gpu.memories()),
            throttle=_worst([gpu.throttle() for gpu in asked]),
        )


class _Gpu:
    """One GPU; each question may go unanswered."""

    def __init__(self, library: Any, index: int) -> None:
        self._library = library
        self._handle = library.nvmlDeviceGetHandleByIndex(index)
        self._name = f"GPU {index}"

    def rails(self) -> tuple[Rail, ...]:
        milliwatts = self._ask("nvmlDeviceGetPowerUsage")
        return () if milliwatts is None else (Rail(self._name, milliwatts / 1e3),)

    def joules(self) -> float | None:
        millijoules = self._ask("nvmlDeviceGetTotalEnergyConsumption")
        return None if millijoules is None else millijoules / 1e3

    def temperatures(self) -> tuple[Temperature, ...]:
        celsius = self._ask("nvmlDeviceGetTemperature", self._library.NVML_TEMPERATURE_GPU)
        return () if celsius is None else (Temperature(self._name, float(celsius)),)

    def clocks(self) -> tuple[Clock, ...]:
        kinds = (("SM", self._library.NVML_CLOCK_SM), ("memory", self._library.NVML_CLOCK_MEM))
        found = [(word, self._ask("nvmlDeviceGetClockInfo", kind)) for word, kind in kinds]
        return tuple(Clock(f"{self._name} {word}", float(mhz)) for word, mhz in found if mhz is not None)

    def loads(self) -> tuple[Load, ...]:
        rates = self._ask("nvmlDeviceGetUtilizationRates")
        return () if rates is None else (Load(self._name, float(rates.gpu)),)

    def memories(self) -> tuple[Memory, ...]:
        held = self._ask("nvmlDeviceGetMemoryInfo")
        return () if held is None else (Memory(self._name, int(held.used), int(held.total)),)

    def throttle(self) -> Throttle:
        bits = self._ask("nvmlDeviceGetCurrentClocksThrottleReasons")
        if bits is None:
            return Throttle(Throttled.UNKNOWN, f"{self._name} does not tell whether its clocks are held down.")
        held = [words for bit, words in _HELD.items() if bits & bit]
        if held:
            return Throttle(Throttled.YES, f"{self._name} is held down by {' and '.join(held)}.")
        return Throttle(Throttled.NO, f"{self._name} says that nothing holds its clocks down.")

    def _ask(self, question: str, *words: Any) -> Any:
        """The answer, or None where this GPU or driver has none."""
        function: Callable[..., Any] | None = getattr(self._library, question, None)
        if function is None:
            return None
        try:
            return function(self._handle, *words)
        except self._library.NVMLError:
            return None


def _worst(found: list[Throttle]) -> Throttle:
    order = (Throttled.YES, Throttled.UNKNOWN, Throttled.NO)
    return min(found, key=lambda one: order.index(one.state))
