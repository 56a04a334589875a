"""What this computer is: facts that stand beside every measured number."""

from __future__ import annotations

import os
import platform
import re
from dataclasses import dataclass
from pathlib import Path

# The instruction sets that decide which precisions are fast, by their names in Linux on x86 and on Arm.
TELLING = (
    "avx2",
    "fma",
    "f16c",
    "avx_vnni",
    "avx512f",
    "avx512_vnni",
    "avx512_bf16",
    "avx512_fp16",
    "amx_bf16",
    "amx_int8",
    "amx_fp16",
    "asimd",
    "asimdhp",
    "asimddp",
    "bf16",
    "i8mm",
)
_GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Machine:
    """A computer.

    Attributes:
        cpu_flags: Those of `TELLING` that the system reports; empty where it reports none (Windows, macOS).
        cores: Processors this process may use.
        memory_gib, free_memory_gib: Physical memory; None where the system does not say.
    """

    system: str
    python: str
    architecture: str
    cpu: str
    cpu_flags: tuple[str, ...]
    cores: int
    memory_gib: float | None
    free_memory_gib: float | None


def facts(cpuinfo: Path = Path("/proc/cpuinfo"), meminfo: Path = Path("/proc/meminfo")) -> Machine:
    """Read them now. The two files are Linux's; elsewhere they are absent and the rest still holds."""
    cpu, memory = _text(cpuinfo), _text(meminfo)
    return Machine(
        system=platform.platform(),
        python=platform.python_version(),
        architecture=platform.machine(),
        cpu=_first(r"model name\s*:\s*(.+)", cpu) or platform.processor() or "unknown",
        cpu_flags=_flags(cpu),
        cores=_cores(),
        memory_gib=_gib(memory, "MemTotal"),
        free_memory_gib=_gib(memory, "MemAvailable"),
    )


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _first(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    return found.group(1).strip() if found else ""


def _flags(cpuinfo: str) -> tuple[str, ...]:
    given = set(_first(r"(?:flags|Features)\s*:\s*(.+)", cpuinfo).split())
    return tuple(flag for flag in TELLING if flag in given)


def _gib(meminfo: str, name: str) -> float | None:
    kib = _first(rf"{name}:\s*(\d+) kB", meminfo)
    return round(int(kib) * 1024 / _GIB, 1) if kib else None


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
