"""Where the head is: foreground, centre and midline."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from inference.errors import InputRefused
from inference.memo import remembered
from inference.volume import Channel, Floats, Volume

CT_TISSUE_HU = -300.0
AIR_AT_MOST_HU = -500.0
WORKING_MM = 3.0
Bools = NDArray[np.bool_]


def mr_foreground(values: Floats) -> Bools:
    """Tissue of an MR image: brighter than 12 % of the 99th percentile. Same shape as `values`."""
    return np.asarray(values > 0.12 * np.percentile(values, 99.0))


def head_mask(volume: Volume) -> tuple[Bools, tuple[int, int, int]]:
    """Largest connected piece of tissue on a coarse grid (about 3 mm), and the stride (k, j, i) of that grid.

    Opening by one coarse voxel parts the head from the table and the head rest. Worked out once for each volume.

    Raises:
        InputRefused: Nothing that could be a head.
    """
    stride = _stride(volume)
    return _largest_piece(volume, volume.channel, stride), stride


@remembered
def _largest_piece(volume: Volume, channel: Channel, stride: tuple[int, int, int]) -> Bools:
    coarse = volume.voxels[:: stride[0], :: stride[1], :: stride[2]]
    tissue = coarse > CT_TISSUE_HU if channel is Channel.CT else mr_foreground(coarse)
    labels, count = ndimage.label(_opened(tissue))
    if count == 0:
        raise InputRefused("No head was found in the image.", "Choose a series that shows a head.")
    largest = 1 + int(np.argmax(np.bincount(labels.ravel())[1:]))
    return np.asarray(labels == largest)


def _opened(mask: Bools) -> Bools:
    """Opening by the four neighbours in the plane; beyond the border is nothing."""
    whole = np.zeros(mask.shape, dtype=bool)
    inner, core = (slice(None), slice(1, -1), slice(1, -1)), mask[:, 1:-1, 1:-1]
    whole[inner] = core & mask[:, :-2, 1:-1] & mask[:, 2:, 1:-1] & mask[:, 1:-1, :-2] & mask[:, 1:-1, 2:]
    grown = whole.copy()
    grown[:, 1:] |= whole[:, :-1]
    grown[:, :-1] |= whole[:, 1:]
    grown[:, :, 1:] |= whole[:, :, :-1]
    grown[:, :, :-1] |= whole[:, :, 1:]
    return grown


def head_centre(volume: Volume) -> tuple[float, float, float]:
    """Centre (k, j, i) of the head's bounding box, in fractional voxel indices."""
    mask, stride = head_mask(volume)
    spans = (np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != axis))) for axis in range(3))
    k, j, i = ((span[0] + span[-1]) / 2.0 * step for span, step in zip(spans, stride, strict=True))
    return float(k), float(j), float(i)


def require_head(volume: Volume) -> None:
    """Refuse what is clearly no head: an input gate by size, so that an abdomen never gets a brain's answer.

    The largest piece of tissue must be, in the median axial slice, 80-240 mm wide and 100-290 mm deep, and must not
    run out of the picture to the left or right.

    Raises:
        InputRefused: It is not.
    """
    if volume.channel is Channel.CT and float(volume.voxels.min()) > AIR_AT_MOST_HU:
        raise InputRefused(
            "The CT shows no air, so its values are not plain HU or the head was cut out.",
            "Choose the original series.",
        )
    mask, stride = head_mask(volume)
    filled = mask[mask.any(axis=(1, 2))]
    x_mm, y_mm, _ = volume.geometry.spacing_mm
    width = float(np.median([_extent(s.any(axis=0)) for s in filled])) * stride[2] * x_mm
    depth = float(np.median([_extent(s.any(axis=1)) for s in filled])) * stride[1] * y_mm
    cut_off = float(np.mean([s[:, 0].any() or s[:, -1].any() for s in filled])) > 0.5
    if cut_off or not (80 <= width <= 240 and 100 <= depth <= 290):
        size = "runs out of the picture" if cut_off else f"is {width:.0f} mm wide and {depth:.0f} mm deep"
        raise InputRefused(
            f"The image does not show a head alone: what it shows {size}.", "Choose a series of the head."
        )


def _extent(line: Bools) -> int:
    at = np.flatnonzero(line)
    return int(at[-1] - at[0] + 1)


def midline_x_mm(volume: Volume) -> float:
    """LPS x of the head's middle: the centre of its bounding box."""
    k, j, i = head_centre(volume)
    return float(volume.geometry.world_from_index((i, j, k))[0])


def _stride(volume: Volume) -> tuple[int, int, int]:
    x, y, z = volume.geometry.spacing_mm
    return tuple(max(1, round(WORKING_MM / mm)) for mm in (z, y, x))  # type: ignore[return-value]
