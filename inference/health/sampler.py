"""One reader for the whole machine. It starts no thread; ask it as often as figures are needed."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from inference.health.ina3221 import Ina3221
from inference.health.linux import Clocks, MemoryAndLoad, Temperatures
from inference.health.nvml import Nvml
from inference.health.rapl import Rapl
from inference.health.reading import Part, Reading
from inference.health.tegrastats_process import Tegrastats
from inference.health.throttling import Throttling

# tegrastats says its first line half a second after it was started.
SETTLE_S = 0.8


class Source(Protocol):
    """One place that tells something of the machine."""

    @property
    def name(self) -> str: ...

    def read(self, now_s: float) -> Part:
        """What it tells now; what it cannot tell carries the reason. It never waits for a sensor's next value."""
        ...

    def close(self) -> None: ...


def sources(root: Path = Path("/")) -> tuple[Source, ...]:
    """Every source, those first that cover a whole board."""
    return (
        Ina3221(root),
        Tegrastats(root),
        Rapl(root),
        Nvml(),
        Temperatures(root),
        Clocks(root),
        Throttling(root),
        MemoryAndLoad(root),
    )


class Sampler:
    """Reads every source in turn. For one thread at a time.

    Args:
        asked: What to read; None: everything this machine may have.
        root: Where the system's files lie; "/" on a real machine.
    """

    def __init__(self, asked: Iterable[Source] | None = None, root: Path = Path("/")) -> None:
        self._sources = tuple(sources(root) if asked is None else asked)

    def read(self) -> Reading:
        """The machine now. Nothing is raised: a source that fails is absent with its reason."""
        now_s = time.perf_counter()
        return Reading(now_s, tuple(_part(source, now_s) for source in self._sources))

    def close(self) -> None:
        """Let go of drivers and children."""
        for source in self._sources:
            source.close()


def read_once(root: Path = Path("/"), settle_s: float = SETTLE_S) -> Reading:
    """One reading that can stand alone: counters of energy and throttling need two looks, `settle_s` apart."""
    sampler = Sampler(root=root)
    try:
        sampler.read()
        time.sleep(settle_s)
        return sampler.read()
    finally:
        sampler.close()


def _part(source: Source, now_s: float) -> Part:
    try:
        return source.read(now_s)
    except Exception as error:  # a sensor, driver or line nobody foresaw must never end a program that reads it
        return Part(source.name, f"The source failed unexpectedly ({type(error).__name__}).")
