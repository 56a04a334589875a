"""Energy counters of Intel and AMD processors (RAPL), through Linux's powercap files.

`energy_uj` counts microjoules and begins anew after `max_energy_range_uj`. Source: Linux, power/powercap.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from inference.health.files import Unread, entries, maybe_text, number
from inference.health.reading import Part, Rail, Scope

LEAST_S = 0.01


@dataclass(frozen=True, slots=True)
class _Count:
    at_s: float
    microjoules: dict[Path, int]


class Rapl:
    """Processor packages and their memory. Power is the energy since the reading before.

    Args:
        root: Where the system's files lie; "/" on a real machine.
    """

    name = "rapl"

    def __init__(self, root: Path = Path("/")) -> None:
        self._folder = root / "sys/class/powercap"
        self._last: _Count | None = None
        self._joules: dict[Path, float] = {}
        self._newest = self._waiting()

    def read(self, now_s: float) -> Part:
        zones = self._zones()
        if not zones:
            return Part(self.name, "The system shows no energy counter of the processor.", Scope.PROCESSOR)
        try:
            now = _Count(now_s, {zone: number(zone / "energy_uj") for zone in zones})
            return self._since_last(now)
        except Unread as unread:
            return Part(self.name, f"The processor's {unread}", Scope.PROCESSOR)

    def close(self) -> None:
        """Nothing is held."""

    def _zones(self) -> tuple[Path, ...]:
        """Packages and their DRAM. Cores lie inside a package; `psys` and the MMIO copy would count it twice."""
        found = []
        for zone in entries(self._folder, "intel-rapl:*"):
            name = maybe_text(zone / "name")
            if name.startswith("package") or name == "dram":
                found.append(zone)
        return tuple(found)

    def _since_last(self, now: _Count) -> Part:
        before = self._last
        if before is None or before.microjoules.keys() != now.microjoules.keys():
            self._last, self._joules = now, dict.fromkeys(now.microjoules, 0.0)
            self._newest = self._waiting()
            return self._newest
        seconds = now.at_s - before.at_s
        if seconds < LEAST_S:
            return self._newest
        rails = []
        for zone, count in now.microjoules.items():
            joules = _grown(before.microjoules[zone], count, zone) / 1e6
            self._joules[zone] += joules
            rails.append(Rail(_label(zone), joules / seconds))
        self._last = now
        watts, joules = sum(rail.watts for rail in rails), sum(self._joules.values())
        self._newest = Part(self.name, scope=Scope.PROCESSOR, watts=watts, joules=joules, rails=tuple(rails))
        return self._newest

    def _waiting(self) -> Part:
        reason = "The processor counts energy; its power is known from the second reading on."
        return Part(self.name, scope=Scope.PROCESSOR, watts_absent=reason, joules=0.0)


def _grown(before: int, now: int, zone: Path) -> int:
    """Microjoules between two counts, one round of the counter included."""
    return now - before if now >= before else now - before + number(zone / "max_energy_range_uj")


def _label(zone: Path) -> str:
    name = maybe_text(zone / "name")
    package = zone.name.split(":")[1]
    return f"dram-{package}" if name == "dram" else name
