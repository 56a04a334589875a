"""The text lines of NVIDIA's tegrastats, as JetPack 4 to 7 write them on Nano, Xavier, Orin and Thor.

Parts come in any order and any may be missing. Source: NVIDIA Jetson Linux developer guide, "tegrastats utility".
"""

from __future__ import annotations

import re

from inference.health.rails import counted, total_watts
from inference.health.reading import Clock, Load, Memory, Part, Rail, Scope, Temperature

NAME = "tegrastats"
_N = r"\d{1,9}"
_RAM = re.compile(rf"\bRAM ({_N})/({_N})([kMG])B")
_CPU = re.compile(r"\bCPU \[([^\]]*)\]")
_CORE = re.compile(rf"({_N})%(?:@({_N}))?")
_UNIT = re.compile(
    r"\b(GR3D2?|EMC|VIC|NVDLA\d|PVA\d|NVENC\d?|NVDEC\d?|NVJPG\d?|MSENC|SE|APE)(?:_FREQ)? "
    rf"(?:({_N})%)?@?(?:\[({_N}(?:,{_N})*)\]|({_N}))?(?![\w./%])"
)
_TEMPERATURE = re.compile(r"(?<![\w.-])([A-Za-z][\w.-]{0,40})@(-?\d{1,4}(?:\.\d{1,6})?)C\b")
_RAIL = re.compile(rf"(?<![\w.-])([A-Z][A-Z0-9_]{{0,40}}) ({_N})(?:mW)?/{_N}(?:mW)?(?![\w./])")
_BYTES = {"k": 1 << 10, "M": 1 << 20, "G": 1 << 30}
# A sensor of a part without power says -256; the power chip's own says 100 for ever.
_SENSIBLE_C = (-40.0, 150.0)
_CONSTANT = "pmic"


def parse(line: str) -> Part | None:
    """What a line tells, or None when nothing in it is known."""
    rails = counted(Rail(name, int(milliwatts) / 1e3) for name, milliwatts in _RAIL.findall(line))
    loads, clocks = _cores(line)
    for unit in _UNIT.finditer(line):
        _add_unit(unit, loads, clocks)
    temperatures, memories = _temperatures(line), _memories(line)
    if not (rails or loads or clocks or temperatures or memories):
        return None
    watts = total_watts(rails)
    return Part(
        NAME,
        scope=Scope.BOARD,
        watts=watts,
        watts_absent="" if watts is not None else "tegrastats names no power rail on this board.",
        rails=rails,
        temperatures=temperatures,
        clocks=tuple(clocks),
        loads=tuple(loads),
        memories=memories,
    )


def _cores(line: str) -> tuple[list[Load], list[Clock]]:
    """Cores that are switched on, by their number; a core that is off tells nothing."""
    loads: list[Load] = []
    clocks: list[Clock] = []
    listed = _CPU.search(line)
    for index, word in enumerate(listed.group(1).split(",") if listed else ()):
        core = _CORE.fullmatch(word.strip())
        if core is None:
            continue
        loads.append(Load(f"CPU {index}", float(core.group(1))))
        if core.group(2):
            clocks.append(Clock(f"CPU {index}", float(core.group(2))))
    return loads, clocks


def _add_unit(unit: re.Match[str], loads: list[Load], clocks: list[Clock]) -> None:
    name, percent, several, one = unit.groups()
    if percent:
        loads.append(Load(name, float(percent)))
    frequencies = several.split(",") if several else [one] if one else []
    if frequencies:
        clocks.append(Clock(name, max(float(mhz) for mhz in frequencies)))


def _temperatures(line: str) -> tuple[Temperature, ...]:
    low, high = _SENSIBLE_C
    return tuple(
        Temperature(name, float(celsius))
        for name, celsius in _TEMPERATURE.findall(line)
        if low < float(celsius) < high and not name.lower().startswith(_CONSTANT)
    )


def _memories(line: str) -> tuple[Memory, ...]:
    found = _RAM.search(line)
    if found is None:
        return ()
    unit = _BYTES[found.group(3)]
    return (Memory("RAM", int(found.group(1)) * unit, int(found.group(2)) * unit),)
