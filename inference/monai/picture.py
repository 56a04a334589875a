"""An image on its way to the network: voxels and where their axes run to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from inference.volume import Floats, Points

Back = Callable[[Floats], Floats]
"""Undoes one change to an answer [channel, *place]."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """Voxels [c, i, j, k], axes in the order in which MONAI's readers hand them out.

    Attributes:
        affine: (4, 4) index -> LPS mm.
    """

    voxels: Floats
    affine: Points

    @property
    def spacing(self) -> Points:
        """(3,) mm."""
        return np.asarray(np.linalg.norm(self.affine[:3, :3], axis=0))

    @property
    def shape(self) -> tuple[int, ...]:
        return self.voxels.shape[1:]
