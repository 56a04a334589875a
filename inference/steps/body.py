"""Gates for what is no head: the trunk on CT, the pelvis on MR."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.errors import InputRefused
from inference.steps.head import AIR_AT_MOST_HU, head_mask, require_head
from inference.steps.sides import fills_sides, is_noise
from inference.volume import Channel, Volume

TRUNK_WIDE_MM = (250.0, 560.0)
TRUNK_DEEP_MM = (140.0, 420.0)
FIELD_OF_A_CUT_TRUNK_MM = 230.0
BODY_HU = (-150.0, 200.0)
PELVIS_FIELD_MM = (160.0, 430.0)
CUT_OFF_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Tissue:
    """The largest piece of tissue: medians over axial slices in mm, whether most slices run out of the picture to the
    left or right, the picture's width, and the piece's median value."""

    wide_mm: float
    deep_mm: float
    cut_off: bool
    field_mm: float
    median: float


def require_trunk(volume: Volume) -> None:
    """Refuse what is clearly no trunk on CT: an input gate by size and HU, so that a head never gets an organ's answer.

    The largest piece of tissue must be, in the median axial slice, 250-560 mm wide and 140-420 mm deep, or run out of
    a picture of 230 mm and more to the left or right; its median must be that of fat and muscle.

    Raises:
        InputRefused: It is not, or it passes for a head.
    """
    if volume.channel is not Channel.CT:
        raise InputRefused(f"The series shows {volume.channel.value}, not CT.", "Choose a CT of the trunk.")
    if float(volume.voxels.min()) > AIR_AT_MOST_HU:
        raise InputRefused("The CT shows no air, so its values are not plain HU.", "Choose the original series.")
    _refuse_head(volume, "CT of the chest, abdomen or pelvis")
    seen = _tissue(volume)
    low, high = BODY_HU
    if not low <= seen.median <= high:
        raise InputRefused(
            f"The largest thing in the CT has a median of {seen.median:.0f} HU, which is not a body's.",
            "Choose the original series of a CT of the trunk.",
        )
    cut = seen.cut_off and seen.field_mm >= FIELD_OF_A_CUT_TRUNK_MM
    whole = not seen.cut_off and _within(seen.wide_mm, TRUNK_WIDE_MM)
    if not ((cut or whole) and _within(seen.deep_mm, TRUNK_DEEP_MM)):
        raise InputRefused(
            f"The CT does not show a trunk: it is {seen.wide_mm:.0f} mm wide and {seen.deep_mm:.0f} mm deep.",
            "Choose a CT of the chest, abdomen or pelvis.",
        )


def require_pelvis(volume: Volume) -> None:
    """Refuse what is clearly no pelvis on MR, above all heads.

    The field of view must be 160-430 mm, and tissue must fill it to the left and right, or be wider than a head. In a
    smaller field a head whose sides are cut off looks the same.

    Raises:
        InputRefused: It is not, or it passes for a head.
    """
    if volume.channel is Channel.CT:
        raise InputRefused("The series shows CT, not MR.", "Choose a T2 series of the pelvis.")
    x_mm, y_mm, _ = volume.geometry.spacing_mm
    fields = volume.geometry.shape[2] * x_mm, volume.geometry.shape[1] * y_mm
    if not all(_within(field, PELVIS_FIELD_MM) for field in fields):
        raise InputRefused(
            f"The field of view is {fields[0]:.0f} x {fields[1]:.0f} mm, which is not that of a pelvis.",
            "Choose an axial T2 series of the pelvis, 160 to 430 mm wide and deep.",
        )
    if fills_sides(volume):
        return
    _refuse_head(volume, "T2 series of the pelvis")
    seen = _tissue(volume)
    if is_noise(volume) or not _within(seen.wide_mm, TRUNK_WIDE_MM):
        raise InputRefused(
            f"The image does not show a pelvis: its {seen.wide_mm:.0f} mm of tissue do not reach from side to side.",
            "Choose an axial T2 series of the pelvis.",
        )


def require_head_alone(volume: Volume) -> None:
    """`require_head`, and tissue must not fill an MR picture to both sides, as a pelvis does.

    Raises:
        InputRefused: It is no head.
    """
    if volume.channel is not Channel.CT and fills_sides(volume):
        raise InputRefused(
            "The image does not show a head alone: tissue fills it to the left and right.",
            "Choose a series of the head.",
        )
    require_head(volume)


def _tissue(volume: Volume) -> Tissue:
    try:
        mask, (k, j, i) = head_mask(volume)
    except InputRefused as error:
        raise InputRefused("No body was found in the image.", "Choose a series that shows one.") from error
    x_mm, y_mm, _ = volume.geometry.spacing_mm
    planes = mask[mask.any(axis=(1, 2))]
    return Tissue(
        wide_mm=_extent(np.asarray(planes.any(axis=1))) * i * x_mm,
        deep_mm=_extent(np.asarray(planes.any(axis=2))) * j * y_mm,
        cut_off=_cut_off(mask) > CUT_OFF_SHARE,
        field_mm=volume.geometry.shape[2] * x_mm,
        median=float(np.median(volume.voxels[::k, ::j, ::i][mask])),
    )


def _extent(lines: NDArray[np.bool_]) -> float:
    """Median over lines [k, n] of the number of cells from the first True to the last."""
    first, last = lines.argmax(axis=1), lines.shape[1] - lines[:, ::-1].argmax(axis=1)
    return float(np.median(last - first))


def _cut_off(mask: NDArray[np.bool_]) -> float:
    """Share of the slices with tissue that reach the left or right edge of a coarse grid, within one cell."""
    planes = mask[mask.any(axis=(1, 2))]
    return float(np.mean(planes[:, :, :2].any(axis=(1, 2)) | planes[:, :, -2:].any(axis=(1, 2))))


def _within(value: float, span: tuple[float, float]) -> bool:
    return span[0] <= value <= span[1]


def _refuse_head(volume: Volume, wanted: str) -> None:
    try:
        require_head(volume)
    except InputRefused:
        return
    raise InputRefused("The image shows a head.", f"Choose a {wanted}.")
