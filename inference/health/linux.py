"""Temperatures, clocks, memory and load as any Linux tells them."""

from __future__ import annotations

import re
from pathlib import Path

from inference.health.files import entries, maybe_number, maybe_text
from inference.health.reading import Clock, Load, Memory, Part, Temperature

KIB = 1024
# A sensor of a part without power says -256; the power chip's own on a Jetson says 100 for ever.
_SENSIBLE_C = (-40.0, 150.0)
_CONSTANT = "pmic"


class Temperatures:
    """Thermal zones, and hwmon chips that are not zones already.

    Args:
        root: Where the system's files lie; "/" on a real machine.
    """

    name = "thermal"

    def __init__(self, root: Path = Path("/")) -> None:
        self._class = root / "sys/class"

    def read(self, now_s: float) -> Part:  # noqa: ARG002 - every source is asked the same way
        zones = [(maybe_text(z / "type"), z / "temp") for z in entries(self._class / "thermal", "thermal_zone*")]
        known = {_plain(name) for name, _ in zones}
        found = [_temperature(name, file) for name, file in (*zones, *self._chips(known))]
        told = tuple(one for one in found if one is not None)
        return Part(self.name, temperatures=told) if told else Part(self.name, _reason("temperature"))

    def close(self) -> None:
        """Nothing is held."""

    def _chips(self, known: set[str]) -> list[tuple[str, Path]]:
        found = []
        for chip in entries(self._class / "hwmon", "hwmon*"):
            name = maybe_text(chip / "name")
            if _plain(name) in known:
                continue
            for file in entries(chip, "temp*_input"):
                label = maybe_text(chip / file.name.replace("_input", "_label"))
                found.append((f"{name} {label}".strip(), file))
        return found


class Clocks:
    """The processor's clocks, a Jetson's GPU clock, and its DLA clocks where they may be read (root only)."""

    name = "clocks"

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root

    def read(self, now_s: float) -> Part:  # noqa: ARG002 - every source is asked the same way
        clocks = self._cores() or self._told_by_cpuinfo()
        clocks += self._gpus() + self._dlas()
        return Part(self.name, clocks=tuple(clocks)) if clocks else Part(self.name, _reason("clock"))

    def close(self) -> None:
        """Nothing is held."""

    def _cores(self) -> list[Clock]:
        folders = entries(self._root / "sys/devices/system/cpu", "cpu[0-9]*")
        found = [(folder.name[3:], maybe_number(folder / "cpufreq/scaling_cur_freq")) for folder in folders]
        return [Clock(f"CPU {core}", khz / 1e3) for core, khz in found if khz is not None]

    def _told_by_cpuinfo(self) -> list[Clock]:
        text = maybe_text(self._root / "proc/cpuinfo")
        told = re.findall(r"^cpu MHz\s*:\s*(\d{1,6}(?:\.\d{1,6})?)\s*$", text, re.MULTILINE)
        return [Clock(f"CPU {core}", float(mhz)) for core, mhz in enumerate(told)]

    def _gpus(self) -> list[Clock]:
        folders = entries(self._root / "sys/class/devfreq", "*")
        found = [(f.name, maybe_number(f / "cur_freq")) for f in folders if re.search(r"\.(gpu|g[avp]\w+b)$", f.name)]
        return [Clock("GPU", hertz / 1e6) for _, hertz in found if hertz is not None]

    def _dlas(self) -> list[Clock]:
        folders = entries(self._root / "sys/kernel/debug/clk", "*dla*")
        found = [(folder.name, maybe_number(folder / "clk_rate")) for folder in folders]
        return [Clock(name, hertz / 1e6) for name, hertz in found if hertz is not None]


class MemoryAndLoad:
    """Main memory in use, what this program holds of it, and how busy the processor was since the last reading."""

    name = "memory"

    def __init__(self, root: Path = Path("/")) -> None:
        self._proc = root / "proc"
        self._last: tuple[int, int] | None = None

    def read(self, now_s: float) -> Part:  # noqa: ARG002 - every source is asked the same way
        text = maybe_text(self._proc / "meminfo")
        total, free = _kib(text, "MemTotal"), _kib(text, "MemAvailable")
        if total is None or free is None:
            return Part(self.name, _reason("memory"), loads=self._loads())
        return Part(self.name, memories=(Memory("RAM", total - free, total, self._own()),), loads=self._loads())

    def close(self) -> None:
        """Nothing is held."""

    def _own(self) -> int | None:
        """Resident bytes of this process and its children; what a child shares is counted here only."""
        own = _kib(maybe_text(self._proc / "self/status"), "VmRSS")
        if own is None:
            return None
        listed = (maybe_text(task / "children") for task in entries(self._proc / "self/task", "*"))
        statuses = [maybe_text(self._proc / pid / "status") for text in listed for pid in text.split()]
        children = ((_kib(status, "VmRSS") or 0) - (_kib(status, "RssShmem") or 0) for status in statuses)
        return own + sum(children)

    def _loads(self) -> tuple[Load, ...]:
        line = re.match(r"cpu +(\d[\d ]{0,400})", maybe_text(self._proc / "stat"))
        ticks = [int(word) for word in line.group(1).split()] if line else []
        if len(ticks) < 5:
            return ()
        # user nice system idle iowait irq softirq steal; guest time is in user time already.
        now = (sum(ticks[:8]), ticks[3] + ticks[4])
        before, self._last = self._last, now
        if before is None or now[0] <= before[0]:
            return ()
        idle = (now[1] - before[1]) / (now[0] - before[0])
        return (Load("processor", 100.0 * min(1.0, max(0.0, 1.0 - idle))),)


def _temperature(name: str, file: Path) -> Temperature | None:
    millidegrees = maybe_number(file)
    low, high = _SENSIBLE_C
    if millidegrees is None or not low < millidegrees / 1e3 < high or name.lower().startswith(_CONSTANT):
        return None
    return Temperature(name or file.parent.name, millidegrees / 1e3)


def _plain(name: str) -> str:
    """A thermal zone's own hwmon chip has its name with other dashes."""
    return name.replace("-", "_")


def _kib(text: str, field: str) -> int | None:
    found = re.search(rf"^{field}:\s*(\d{{1,15}}) kB", text, re.MULTILINE)
    return int(found.group(1)) * KIB if found else None


def _reason(what: str) -> str:
    return f"This system shows no {what}."
