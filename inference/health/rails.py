"""Which of a board's rails make its total."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from inference.health.reading import Rail

# The whole module's input, where a board measures it (Xavier NX, Orin NX and Nano, Nano, Thor).
_INPUTS = ("VDD_IN", "VIN", "POM_5V_IN")
# Fed by another measured rail: counting both would count its power twice (AGX Orin).
_FED_BY = {"VDDQ_VDD2_1V8AO": "VIN_SYS_5V0"}


def counted(rails: Iterable[Rail]) -> tuple[Rail, ...]:
    """The same rails, each marked whether it belongs to the total."""
    found = tuple(rails)
    names = {rail.name for rail in found}
    whole = next((name for name in _INPUTS if name in names), None)
    return tuple(replace(rail, counted=_counts(rail.name, names, whole)) for rail in found)


def total_watts(rails: Iterable[Rail]) -> float | None:
    """Sum of the counted rails, None without any."""
    watts = [rail.watts for rail in rails if rail.counted]
    return sum(watts) if watts else None


def _counts(name: str, names: set[str], whole: str | None) -> bool:
    if whole is not None:
        return name == whole
    return _FED_BY.get(name) not in names
