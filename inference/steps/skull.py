"""What lies within the skull of a T1-weighted head, with or without its scalp."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from inference.steps.ball import Spacing, deeper, within
from inference.steps.brain import without_holes
from inference.steps.head import mr_foreground
from inference.volume import Floats

Bools = NDArray[np.bool_]
DEEP_MM = 25.0
NECK_MM = 6.0
GULF_MM = 15.0
SHARES = (0.4, 1.6)
"""Of the median of what lies deep in the head: darker is skull or fluid, brighter is fat."""


def within_skull(values: Floats, spacing_mm: Spacing) -> Bools:
    """The brain of a T1-weighted image [k, j, i] and what it surrounds, cut free of bright scalp and marrow.

    The largest piece of what is as bright as the depth of the head, parted from the rest by opening with a ball of
    6 mm. The gulf that a very bright tumour leaves at the surface is closed again where it is 2 cm wide; of a wider one
    the middle is lost. A head without scalp stays as it is but for its outermost corners.

    Args:
        spacing_mm: (x, y, z); meant for about 2 mm.

    Returns:
        bool [k, j, i]; all of the head where no such piece is found.
    """
    head = without_holes(mr_foreground(values))
    deep = values[deeper(head, DEEP_MM, spacing_mm)]
    if not deep.size:
        return head
    low, high = (share * float(np.median(deep)) for share in SHARES)
    pieces, count = ndimage.label(deeper(head & (values > low) & (values < high), NECK_MM, spacing_mm))
    if not count:
        return head
    core = pieces == 1 + int(np.argmax(np.bincount(pieces.ravel())[1:]))
    opened = within(np.asarray(core), NECK_MM, spacing_mm)
    return without_holes(_closed(opened, spacing_mm)) & head


def _closed(mask: Bools, spacing_mm: Spacing) -> Bools:
    """Closed by a ball in room to spare, so that the picture's border closes nothing."""
    x, y, z = spacing_mm
    room = [int(np.ceil(GULF_MM / mm)) + 1 for mm in (z, y, x)]
    wide = np.pad(mask, [(n, n) for n in room])
    inner = tuple(slice(n, -n) for n in room)
    return np.asarray(deeper(within(wide, GULF_MM, spacing_mm), GULF_MM, spacing_mm)[inner])
