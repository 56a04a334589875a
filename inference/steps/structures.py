"""From a mask of structures to findings: one for each label, or one for each side of a paired one."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

import numpy as np
from scipy import ndimage

from inference.result import Finding
from inference.steps.box import box_round
from inference.steps.findings import TOUCHING, outlined
from inference.steps.region import Midline
from inference.volume import Floats, Geometry, Labels, Mask

RIGHT, LEFT = 1, 2


def structures(
    mask: Mask, probability: Floats, paired: Collection[str], midline: Midline | None
) -> tuple[Finding, ...]:
    """One finding for each label that the mask holds, in the order of its names; a paired one right before left.

    Args:
        probability: float32 [k, j, i], of anything marked; a finding's score is its mean.
        paired: Names of labels that are told side by side, where the midline is known.
    """
    found: list[Finding] = []
    for label, name in mask.names.items():
        for side, kji in _parts(mask, label, midline if name in paired else None):
            score = float(probability[tuple(kji.T)].mean())
            one = outlined(kji, name, score, mask.geometry, midline)
            found.append(replace(one, side=side) if side else one)
    return tuple(found)


def _parts(mask: Mask, label: int, midline: Midline | None) -> Iterator[tuple[str, np.ndarray]]:
    """Voxels [n, 3] of a label: all of them, or those of its right and those of its left side, with that side."""
    marked = mask.labels == label
    box = box_round(marked)
    if box is None:
        return
    start = [side.start for side in box]
    if midline is None:
        yield "", np.argwhere(marked[box]) + start
        return
    sides = _sides(marked[box].astype(np.uint8), np.array(start), mask.geometry, midline)
    for side, word in ((RIGHT, "R"), (LEFT, "L")):
        if (sides == side).any():
            yield word, np.argwhere(sides == side) + start


def _sides(marked: Labels, start: np.ndarray, geometry: Geometry, midline: Midline) -> Labels:
    """RIGHT or LEFT for each marked voxel: a piece goes where its centre lies, one across the middle is cut there."""
    sides = np.zeros_like(marked)
    pieces, _ = ndimage.label(marked, TOUCHING)
    for number, at in enumerate(ndimage.find_objects(pieces), start=1):
        piece = pieces[at] == number
        kji = np.argwhere(piece) + [inner.start for inner in at] + start
        x = geometry.world_from_index(kji[:, ::-1])[:, 0]
        across = abs(float(x.mean()) - midline.x_mm) <= midline.within_mm
        sides[at][piece] = np.where((x if across else x.mean()) > midline.x_mm, LEFT, RIGHT)
    return sides
