"""Readings and energy as a JSON document and as lines for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from inference.health.energy import Energy
from inference.health.reading import Memory, Part, Reading, Throttled

Document = dict[str, Any]
_MB = 1e6


def reading_document(reading: Reading) -> Document:
    """`{"watts", "watts_absent", "covers", "rails", ..., "throttled", "memory", "absent"}`; unknown ones are null."""
    hottest, memory = reading.hottest, reading.memory
    return {
        "watts": _rounded(reading.watts),
        "watts_absent": reading.watts_absent or None,
        "covers": list(reading.covers),
        "rails": [rail for part in reading.parts for rail in _rails(part)],
        "temperature_c": None if hottest is None else round(hottest.celsius, 1),
        "temperatures_c": {one.name: round(one.celsius, 1) for one in reading.temperatures},
        "cpu_mhz": _rounded(reading.cpu_mhz, 0),
        "clocks_mhz": {one.name: round(one.mhz) for one in reading.clocks},
        "loads_percent": {one.name: round(one.percent, 1) for one in reading.loads},
        "throttled": reading.throttle.state.value,
        "throttled_reason": reading.throttle.reason,
        "memory": None if memory is None else _memory(memory),
        "memories": {one.name: _memory(one) for part in reading.parts for one in part.memories},
        "absent": reading.absent(),
    }


def energy_document(energy: Energy, slices: int, seconds: float) -> Document:
    """What one result cost.

    Args:
        slices: Images that the result answers.
        seconds: Wall time of the work that the energy belongs to.
    """
    return {
        "joules": _rounded(energy.joules),
        "mean_watts": _rounded(energy.mean_watts),
        "joules_per_volume": _rounded(energy.joules),
        "joules_per_slice": _rounded(energy.joules_per(slices), 4),
        "slices": slices,
        "fps": _rounded(slices / seconds if seconds > 0 else None),
        "fps_per_watt": _rounded(energy.per_watt(slices), 4),
        "covers": list(energy.covers),
        "absent": energy.absent or None,
    }


def part_documents(reading: Reading) -> list[Document]:
    """One entry for each source: what it tells, or why it tells nothing."""
    return [
        {
            "source": part.source,
            "absent": part.absent or None,
            "watts": _rounded(part.watts),
            "watts_absent": part.watts_absent or None,
            "tells": _tells(part),
        }
        for part in reading.parts
    ]


def part_lines(documents: list[Document]) -> Iterator[str]:
    """The same for people."""
    for one in documents:
        yield f"{one['source']:<11} {one['absent'] or one['tells']}"


def energy_line(document: Document) -> str:
    """ "12.3 J, 8.1 W, 5.2 slices/s, 0.64 slices/s per watt", or why it is not known."""
    if document["joules"] is None:
        return f"energy not known: {document['absent']}"
    return (
        f"{document['joules']:.1f} J, {document['mean_watts']:.1f} W, {document['fps']:.1f} slices/s, "
        f"{document['fps_per_watt']:.2f} slices/s per watt"
    )


def _tells(part: Part) -> str:
    """A few words with the figures of one source."""
    return ", ".join(word for word in _words(part) if word)


def _words(part: Part) -> Iterator[str]:
    if part.watts is not None:
        yield f"{part.watts:.1f} W ({', '.join(f'{rail.name} {rail.watts:.1f}' for rail in part.rails)})"
    yield part.watts_absent
    yield from (f"{one.name} {one.celsius:.0f} °C" for one in part.temperatures)
    yield from _clocks(part)
    yield from (f"{one.name} {one.percent:.0f} % busy" for one in part.loads)
    yield from (f"{one.name} {one.used_bytes / 1e9:.1f} of {one.total_bytes / 1e9:.1f} GB" for one in part.memories)
    if part.throttle is not None:
        held = {Throttled.YES: "held down", Throttled.NO: "not held down", Throttled.UNKNOWN: "unknown"}
        yield f"clocks {held[part.throttle.state]}: {part.throttle.reason}"


def _clocks(part: Part) -> Iterator[str]:
    """Cores together, other clocks one by one."""
    cores = [one.mhz for one in part.clocks if one.name.startswith("CPU")]
    if cores:
        yield f"{len(cores)} cores at {min(cores):.0f} to {max(cores):.0f} MHz"
    yield from (f"{one.name} {one.mhz:.0f} MHz" for one in part.clocks if not one.name.startswith("CPU"))


def _rails(part: Part) -> Iterator[Document]:
    for rail in part.rails:
        yield {"source": part.source, "name": rail.name, "watts": _rounded(rail.watts), "in_total": rail.counted}


def _memory(memory: Memory) -> Document:
    own = memory.own_bytes
    return {
        "used_mb": round(memory.used_bytes / _MB),
        "total_mb": round(memory.total_bytes / _MB),
        "own_mb": None if own is None else round(own / _MB),
    }


def _rounded(value: float | None, digits: int = 3) -> float | None:
    return None if value is None else round(value, digits)
