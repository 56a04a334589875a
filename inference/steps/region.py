"""Which part of the body a task is made for: the gate at its input, and where left and right part."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from inference.errors import InputRefused, OtherRegion
from inference.steps.body import require_head_alone, require_pelvis, require_trunk
from inference.steps.head import midline_x_mm
from inference.steps.smear import require_smear
from inference.steps.spine import middle_of_trunk_x_mm
from inference.volume import Volume


class Region(Enum):
    """Part of the body. ANY asks nothing: what an imported model is of, only its user knows."""

    HEAD = "head"
    TRUNK = "trunk"
    PELVIS = "pelvis"
    SMEAR = "smear"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Midline:
    """LPS x of the patient's middle, and how near to it a place is neither left nor right. Both in mm."""

    x_mm: float
    within_mm: float


HEADS_MIDDLE_MM = 5.0
TRUNKS_MIDDLE_MM = 20.0
"""Spines bend, and organs that lie across the middle have no side."""


def require_region(region: Region, volume: Volume) -> None:
    """Refuse what is clearly not of the region.

    Raises:
        OtherRegion: It is not; one sentence says what was seen.
    """
    if region is not Region.SMEAR and not volume.geometry.in_mm:
        raise OtherRegion("The picture does not say how large what it shows is.", "Choose a scan of a patient.")
    try:
        GATES[region](volume)
    except InputRefused as error:
        raise OtherRegion(error.message, error.hint) from error


def midline_of(region: Region, volume: Volume) -> Midline | None:
    """Where the patient's left and right part; None where nobody can be sure."""
    if region is Region.TRUNK:
        x_mm = middle_of_trunk_x_mm(volume)
        return None if x_mm is None else Midline(x_mm, TRUNKS_MIDDLE_MM)
    if region is Region.HEAD or (region is Region.ANY and volume.geometry.in_mm and _is_head(volume)):
        return Midline(midline_x_mm(volume), HEADS_MIDDLE_MM)
    return None


def _is_head(volume: Volume) -> bool:
    try:
        require_head_alone(volume)
    except InputRefused:
        return False
    return True


def _ask_nothing(volume: Volume) -> None:
    """Any volume will do."""


GATES: Mapping[Region, Callable[[Volume], None]] = MappingProxyType(
    {
        Region.HEAD: require_head_alone,
        Region.TRUNK: require_trunk,
        Region.PELVIS: require_pelvis,
        Region.SMEAR: require_smear,
        Region.ANY: _ask_nothing,
    }
)
