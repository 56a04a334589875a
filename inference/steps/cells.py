"""Where cells may lie on a smear: boxes by classical means, many more than there are cells. A network judges them.

Three ways of looking, because no one of them finds all: stained pieces at several levels (platelets, white cells),
clumps parted at their waists by the distance to their edge (red cells that touch), and circles voted for by edges (red
cells that overlap). Sizes are those of the pictures that the network learned from, where a red cell is about 106 pixels
across; boxes are widened to where people draw them. All numbers were chosen on BCCD's training part alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from inference.steps.circles import circles
from inference.steps.decode import iou_with
from inference.steps.smear import CELL, STEP, Smear

Edges = NDArray[np.float64]
Bools = NDArray[np.bool_]
Whole = NDArray[Any]

RADII = tuple(float(radius) for radius in range(15, 37, 2))
"""Of circles, in pixels worked on: red cells of 60 to 144 pixels."""

STAIN_LEVELS = (0.04, 0.07, 0.1, 0.15, 0.2)
SPOT = (50, 1500)
"""Pixels worked on of a platelet or a clump of them: 16 to 90 pixels of the picture across."""

PURPLE = 0.22
NUCLEUS = 1500
BRIDGED = 8
"""Steps by which parts of one nucleus may lie apart: granulocytes have lobes."""

WAISTS = (0.5, 2.0, 4.0)
"""How much thinner than its ends a clump must be to be parted there; each depth gives its own boxes."""

LEAST_AREA = 300
HOLE = 1200
"""Pixels worked on: a larger gap between cells is no pale middle of one."""

WIDER_SPOT, WIDER_WHITE, WIDER_RED, WIDER_ROUND = 5.0, 12.0, 6.0, 7.0
"""Pixels to each side: people draw round a cell, pale rim and all."""

SAME = 0.8


def candidates(smear: Smear) -> Edges:
    """Boxes (n, 4) that may hold a cell: x0, y0, x1, y1 in pixel edges of the whole picture."""
    white = _white(smear)
    found = [_spots(smear), _boxes(ndimage.label(white)[0], WIDER_WHITE), *_parted(smear, white), _round(smear)]
    rows, columns = smear.green.shape
    limits = np.array([columns, rows, columns, rows]) * STEP
    return _unlike(np.clip(np.concatenate(found), 0, limits))


def _spots(smear: Smear) -> Edges:
    """Small stained pieces, as wide as each level of stain makes them."""
    stain = ndimage.gaussian_filter(smear.stain, 1.0)
    return np.concatenate([_boxes(_sized(stain > level, *SPOT), WIDER_SPOT) for level in STAIN_LEVELS])


def _white(smear: Smear) -> Bools:
    """Large purple pieces with what lies between their lobes."""
    core = np.pad(ndimage.binary_opening(smear.purple > PURPLE), BRIDGED)
    whole = ndimage.binary_closing(core, iterations=BRIDGED)[BRIDGED:-BRIDGED, BRIDGED:-BRIDGED]
    return np.asarray(_sized(whole, NUCLEUS, whole.size) > 0)


def _parted(smear: Smear, white: Bools) -> list[Edges]:
    """What is stained and no white cell, parted at its waists."""
    thick = smear.green > CELL
    gaps, _ = ndimage.label(~thick)
    small = np.bincount(gaps.ravel()) < HOLE
    filled = ndimage.binary_opening((thick | white | small[gaps]), iterations=2) & ~white
    depth = ndimage.distance_transform_edt(np.pad(filled, 1, mode="edge"))[1:-1, 1:-1]
    smooth = ndimage.gaussian_filter(depth, 1.5)
    parts = [_watershed(smooth, waist, filled) for waist in WAISTS]
    return [_boxes(_sized_labels(labels, LEAST_AREA, labels.size), WIDER_RED) for labels in parts]


def _watershed(depth: NDArray[np.floating], waist: float, mask: Bools) -> Whole:
    from skimage.morphology import h_maxima  # half a second that a program without smears need not spend
    from skimage.segmentation import watershed

    seeds, _ = ndimage.label(h_maxima(depth, waist))  # type: ignore[no-untyped-call]
    return np.asarray(watershed(-depth, seeds, mask=mask))  # type: ignore[no-untyped-call]


def _round(smear: Smear) -> Edges:
    at = circles(np.clip(smear.green, 0.0, 0.6), RADII) * STEP + [STEP / 2, STEP / 2, 0.0]
    rows, columns, radii = at.T + np.array([[0.0], [0.0], [WIDER_ROUND]])
    return np.column_stack([columns - radii, rows - radii, columns + radii, rows + radii])


def _sized(mask: Bools, least: int, most: int) -> Whole:
    return _sized_labels(ndimage.label(mask)[0], least, most)


def _sized_labels(labels: Whole, least: int, most: int) -> Whole:
    """Labels of which there are so many pixels; the others become background."""
    counts = np.bincount(labels.ravel())
    kept = (counts >= least) & (counts <= most)
    kept[0] = False
    return np.where(kept[labels], labels, 0)


def _boxes(labels: Whole, wider: float) -> Edges:
    """Boxes round labels, widened to each side, in pixel edges of the whole picture."""
    places = [at for at in ndimage.find_objects(labels) if at is not None]
    edges = np.array([(x.start, y.start, x.stop, y.stop) for y, x in places], dtype=np.float64).reshape(-1, 4)
    return np.asarray(edges * STEP + np.array([-wider, -wider, wider, wider]))


def _unlike(boxes: Edges) -> Edges:
    """Without those that are nearly the same as an earlier one, or have no extent."""
    boxes = boxes[(boxes[:, 2:] - boxes[:, :2]).min(axis=1) > STEP] if len(boxes) else boxes
    kept: list[int] = []
    for at, box in enumerate(boxes):
        if not kept or iou_with(box, boxes[kept]).max() < SAME:
            kept.append(at)
    return boxes[kept]
