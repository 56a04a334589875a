"""What a digital patient of an outlining task is: images and the truth about them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from inference.volume import Mask, Volume


@dataclass(frozen=True, slots=True, eq=False)
class OutlinedPatient:
    """One made-up patient in one scanner.

    Attributes:
        volumes: One image per channel of the task, LPS mm; CT in HU, MR in arbitrary units.
        mask: The truth, on the grid of the first image.
    """

    volumes: tuple[Volume, ...]
    mask: Mask


MakePatient = Callable[[int], OutlinedPatient]
"""A seed -> its patient: the same seed, the same patient."""
