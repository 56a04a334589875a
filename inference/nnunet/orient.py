"""The sense of the axes that the training's image reader gave to arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.nnunet.plan import Plan, Reader, Spacing
from inference.volume import Geometry

LPS_FROM_RAS = (-1.0, -1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Orientation:
    """Which axes of an image [k, j, i] are exchanged and turned round before the network sees it."""

    order: tuple[int, int, int] = (0, 1, 2)
    turned: tuple[int, ...] = ()

    def there(self, array: NDArray[np.generic]) -> NDArray[np.generic]:
        """[..., k, j, i] of the image -> of the network's reader."""
        lead = array.ndim - 3
        moved = array.transpose(*range(lead), *(lead + axis for axis in self.order))
        return np.flip(moved, tuple(lead + axis for axis in self.turned)) if self.turned else moved

    def back(self, array: NDArray[np.generic]) -> NDArray[np.generic]:
        """[k, j, i] of the reader -> of the image."""
        moved = np.flip(array, self.turned) if self.turned else array
        return np.ascontiguousarray(moved.transpose(np.argsort(self.order)))

    def spacing(self, geometry: Geometry) -> Spacing:
        """mm along the reader's k, j, i."""
        own = geometry.spacing_mm[::-1]
        k, j, i = (own[axis] for axis in self.order)
        return k, j, i


def orientation(geometry: Geometry, reader: Reader) -> Orientation:
    """As stored, for most readers; nearest to right, anterior, superior for those that reorient."""
    if reader not in (Reader.NIBABEL_RAS, Reader.SIMPLEITK_RAS):
        return Orientation()
    towards = (geometry.direction.T * LPS_FROM_RAS).T  # rows right, anterior, superior; columns i, j, k
    left, axes = np.abs(towards), [0, 0, 0]
    for column in range(3):
        row = int(np.argmax(left[:, column]))
        left[row] = -1.0
        axes[row] = column
    order = tuple(2 - axes[2 - place] for place in range(3))
    turned = tuple(place for place in range(3) if towards[2 - place, axes[2 - place]] < 0)
    return Orientation(order, turned)  # type: ignore[arg-type]


def network_spacing(geometry: Geometry, plan: Plan) -> Spacing:
    """mm (x, y, z) along the image's own axes that the network works at."""
    way = orientation(geometry, plan.image_reader_writer)
    own = way.spacing(geometry)
    k, j, i = (own[axis] for axis in plan.transpose_forward)
    target = plan.target_spacing((k, j, i))
    read = [target[axis] for axis in plan.transpose_backward]
    z, y, x = (read[place] for place in np.argsort(way.order))
    return x, y, z
