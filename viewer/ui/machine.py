"""What the machine has left, where the system tells."""

from __future__ import annotations

from pathlib import Path

KIB = 1024


def memory_text() -> str:
    """ "memory 1.2 of 31 GB", or "" where the system does not tell."""
    own = _field(Path("/proc/self/status"), "VmRSS")
    whole = _field(Path("/proc/meminfo"), "MemTotal")
    if own is None:
        return ""
    of = f" of {whole / 1e9:.0f}" if whole else ""
    return f"memory {own / 1e9:.1f}{of} GB"


def _field(file: Path, name: str) -> int | None:
    """A field of a /proc file in bytes."""
    try:
        lines = file.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * KIB for line in lines if line.startswith(f"{name}:")), None)
