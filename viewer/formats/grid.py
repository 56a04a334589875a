"""What every research format gives: a grid, a type, and voxels on request."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from inference.volume import Floats, Geometry


@dataclass(frozen=True, slots=True, eq=False)
class FileHeader:
    """One file before its voxels are read.

    Attributes:
        shape: (k, j, i).
        grid: Where it lies, or None where the file does not say.
        count: Number of volumes in the file (4D), 1 for one volume.
        whole_numbers: Voxels are stored as integers, unscaled.
        reasons: What was found about its place, one sentence each; the last one tells why `grid` is None.
        companions: Other files that hold part of this one (the .raw of an .mhd).
        refusal: Why its voxels are no volume (colour, vectors), or "".
    """

    shape: tuple[int, int, int]
    grid: Geometry | None
    count: int = 1
    whole_numbers: bool = False
    reasons: tuple[str, ...] = ()
    companions: tuple[Path, ...] = ()
    refusal: str = ""


class Format(Protocol):
    """One file format."""

    def header(self, file: Path) -> FileHeader:
        """Raises InputRefused where the file is damaged."""
        ...

    def voxels(self, file: Path, number: int) -> Floats:
        """float32 [k, j, i] of volume `number`, scaled. Raises InputRefused where the file is damaged."""
        ...
