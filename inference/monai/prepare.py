"""Every change of a plan, in its order, and all of them undone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from inference.monai.geometry import cropped, oriented, spaced
from inference.monai.intensity import normalised, ranged, scaled
from inference.monai.picture import Back, Picture
from inference.monai.plan import Change, Kind
from inference.volume import Floats, Geometry

MOVES: Mapping[Kind, Callable[[Picture, Change], tuple[Picture, Back]]] = {
    Kind.ORIENTATION: oriented,
    Kind.SPACING: spaced,
    Kind.CROP: cropped,
}
VALUES: Mapping[Kind, Callable[[Floats, Change], Floats]] = {
    Kind.RANGE: ranged,
    Kind.SCALE: scaled,
    Kind.NORMALIZE: normalised,
}


def loaded(channels: Floats, geometry: Geometry) -> Picture:
    """An image [c, k, j, i] as MONAI's readers would hand it out."""
    return Picture(np.ascontiguousarray(channels.transpose(0, 3, 2, 1)), geometry.affine)


def prepared(picture: Picture, changes: Iterable[Change]) -> tuple[Picture, Back]:
    """What the network reads, and the way back for its answer [channel, *place] to [channel, i, j, k].

    Raises:
        InputRefused: A crop finds nothing.
    """
    undo: list[Back] = []
    for change in changes:
        if change.kind in MOVES:
            picture, back = MOVES[change.kind](picture, change)
            undo.append(back)
        else:
            picture = Picture(VALUES[change.kind](picture.voxels, change), picture.affine)

    def way_back(answer: Floats) -> Floats:
        for back in reversed(undo):
            answer = back(answer)
        return answer

    return picture, way_back
