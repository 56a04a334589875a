"""The box round a mask."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Box = tuple[slice, slice, slice]


def box_round(mask: NDArray[np.bool_], margin: tuple[int, int, int] = (0, 0, 0)) -> Box | None:
    """The smallest box [k, j, i] that holds a mask, wider by so many voxels; None where the mask is empty."""
    deep = _span(mask, (1, 2))
    if deep is None:
        return None
    flat = np.asarray(mask[deep].any(axis=0))[None]
    spans = (deep, _span(flat, (0, 2)), _span(flat, (0, 1)))
    k, j, i = (slice(max(0, s.start - m), s.stop + m) for s, m in zip(spans, margin, strict=True) if s is not None)
    return k, j, i


def _span(mask: NDArray[np.bool_], others: tuple[int, int]) -> slice | None:
    at = np.flatnonzero(np.asarray(mask.any(axis=others)))
    return slice(int(at[0]), int(at[-1]) + 1) if len(at) else None
