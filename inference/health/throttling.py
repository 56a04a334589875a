"""Whether Linux holds clocks down: counters of x86 cores, cooling devices, a Jetson's over-current events."""

from __future__ import annotations

import re
from pathlib import Path

from inference.health.files import entries, maybe_number, maybe_text
from inference.health.reading import Part, Throttle, Throttled

# Set by a Jetson when it throttles. Where there are such, they alone tell; frequency steps beside them also move.
_ALERT = re.compile(r"(throttle|hot-surface)-alert$")
# Cooling that takes speed. Fans, and the offset that some Intel chips always carry, do not.
_SLOWING = re.compile(r"^(thermal-)?(cpufreq|devfreq)|^Processor$|^intel_powerclamp$")
_NOTHING = "This system does not tell whether clocks are held down."
_FIRST = "Throttling is counted from the first reading on."
_COUNTERS = {
    "core_throttle_count": "A core was too hot since the last reading.",
    "package_throttle_count": "The processor was too hot since the last reading.",
}
_CURRENT = "The board drew too much current since the last reading."


class Throttling:
    """Compares counters with the reading before and looks at cooling devices as they stand.

    Args:
        root: Where the system's files lie; "/" on a real machine.
    """

    name = "throttling"

    def __init__(self, root: Path = Path("/")) -> None:
        self._sys = root / "sys"
        self._last: dict[Path, int] | None = None

    def read(self, now_s: float) -> Part:  # noqa: ARG002 - every source is asked the same way
        cooling, counts = self._cooling(), self._counts()
        if not cooling and not counts:
            return Part(self.name, _NOTHING)
        before, self._last = self._last, counts
        reasons = [f"{name} slows the machine down." for name, state in cooling if state > 0]
        if before is not None:
            reasons += dict.fromkeys(_words(file) for file, count in counts.items() if count > before.get(file, count))
        if reasons:
            return Part(self.name, throttle=Throttle(Throttled.YES, " ".join(reasons)))
        if before is None and not cooling:
            return Part(self.name, throttle=Throttle(Throttled.UNKNOWN, _FIRST))
        return Part(self.name, throttle=Throttle(Throttled.NO, "Linux reports nothing that holds clocks down."))

    def close(self) -> None:
        """Nothing is held."""

    def _cooling(self) -> list[tuple[str, int]]:
        folders = entries(self._sys / "class/thermal", "cooling_device*")
        found = [(maybe_text(folder / "type"), maybe_number(folder / "cur_state")) for folder in folders]
        told = [(name, state) for name, state in found if state is not None]
        alerts = [pair for pair in told if _ALERT.search(pair[0])]
        return alerts or [pair for pair in told if _SLOWING.search(pair[0])]

    def _counts(self) -> dict[Path, int]:
        cores = entries(self._sys / "devices/system/cpu", "cpu[0-9]*")
        files = [core / "thermal_throttle" / name for core in cores for name in _COUNTERS]
        for chip in entries(self._sys / "class/hwmon", "hwmon*"):
            files += entries(chip, "oc*_event_cnt")
        found = {file: maybe_number(file) for file in files}
        return {file: count for file, count in found.items() if count is not None}


def _words(counter: Path) -> str:
    return _COUNTERS.get(counter.name, _CURRENT)
