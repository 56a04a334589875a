"""From masks and boxes to findings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from scipy import ndimage

from inference.result import Box, Finding, Pieces, Point
from inference.steps.box import box_round
from inference.steps.region import Midline
from inference.volume import Floats, Geometry, Labels, Points

TOUCHING = ndimage.generate_binary_structure(3, 3)
LINK_IOU = 0.15
LINK_SLICES = 2
Corners = tuple[Point, Point]


def side_of(x_mm: float, midline: Midline | None) -> str:
    """ "L", "R" or "M": LPS x grows to the patient's left; "" where no midline is known."""
    if midline is None:
        return ""
    away = x_mm - midline.x_mm
    return "M" if abs(away) <= midline.within_mm else ("L" if away > 0 else "R")


def drop_small(labels: Labels, voxel_ml: float, min_ml: float, pieces: Pieces = Pieces.LESIONS) -> Labels:
    """Remove connected components (26 neighbours) below `min_ml`. uint8 [k, j, i].

    Parts of one lesion that touch are one component whatever their labels; of structures each label stands alone.
    """
    kept = labels.copy()
    each = [labels > 0] if pieces is Pieces.LESIONS else [labels == label for label in np.unique(labels) if label]
    for marked in each:
        box = box_round(marked)
        if box is not None and min_ml > 0:
            parts, _ = ndimage.label(marked[box], TOUCHING)
            small = np.bincount(parts.ravel()) * voxel_ml < min_ml
            small[0] = False
            kept[box][small[parts]] = 0
    return kept


def lesions(
    labels: Labels, probability: Floats, geometry: Geometry, names: Mapping[int, str], midline: Midline | None
) -> tuple[Finding, ...]:
    """One finding for each connected component of each label, largest first.

    Args:
        labels: uint8 [k, j, i]. probability: float32 [k, j, i], of any lesion; a finding's score is its mean.
    """
    box = box_round(labels > 0)
    if box is None:
        return ()
    found = []
    for label, name in names.items():
        pieces, _ = ndimage.label(labels[box] == label, TOUCHING)
        for number, at in enumerate(ndimage.find_objects(pieces), start=1):
            piece = pieces[at] == number
            kji = np.argwhere(piece) + [inner.start + outer.start for inner, outer in zip(at, box, strict=True)]
            score = float(probability[box][at][piece].mean())
            found.append(outlined(kji, name, score, geometry, midline))
    return tuple(sorted(found, key=lambda f: -(f.volume_ml or 0.0)))


def outlined(kji: np.ndarray, name: str, score: float, geometry: Geometry, midline: Midline | None) -> Finding:
    """The finding whose voxels are `kji` [n, 3], n > 0."""
    ijk = kji[:, ::-1].astype(np.float64)
    centre = geometry.world_from_index(ijk.mean(axis=0))
    corners = _box_of_indices(ijk.min(axis=0) - 0.5, ijk.max(axis=0) + 0.5, geometry)
    return Finding(
        label=name,
        volume_ml=len(ijk) * geometry.voxel_ml,
        centroid_lps_mm=_point(centre),
        box_lps_mm=corners,
        score=score,
        side=side_of(float(centre[0]), midline),
    )


def merge_boxes(boxes: Iterable[Box], geometry: Geometry, midline: Midline | None) -> tuple[Finding, ...]:
    """Boxes of one class that overlap on nearby slices are one finding, best score first.

    A box joins a chain when its slice is at most two further than the chain's last one and their
    overlap is at least 15 % (intersection over union); a finding's score is its best box's.
    """
    chains: list[list[Box]] = []
    for box in sorted(boxes, key=lambda b: (b.k, -b.score)):
        near = [c for c in chains if c[-1].label == box.label and 0 < box.k - c[-1].k <= LINK_SLICES]
        best = max(near, key=lambda c: overlap(c[-1], box), default=None)
        if best is not None and overlap(best[-1], box) >= LINK_IOU:
            best.append(box)
        else:
            chains.append([box])
    findings = (_merged(chain, geometry, midline) for chain in chains)
    return tuple(sorted(findings, key=lambda f: -f.score))


def overlap(a: Box, b: Box) -> float:
    """Intersection over union in the plane."""
    width = min(a.i1, b.i1) - max(a.i0, b.i0)
    height = min(a.j1, b.j1) - max(a.j0, b.j0)
    shared = max(width, 0.0) * max(height, 0.0)
    total = (a.i1 - a.i0) * (a.j1 - a.j0) + (b.i1 - b.i0) * (b.j1 - b.j0) - shared
    return shared / total if total > 0 else 0.0


def _merged(chain: Sequence[Box], geometry: Geometry, midline: Midline | None) -> Finding:
    low = np.array([min(b.i0 for b in chain), min(b.j0 for b in chain), chain[0].k - 0.5])
    high = np.array([max(b.i1 for b in chain), max(b.j1 for b in chain), chain[-1].k + 0.5])
    best = max(chain, key=lambda b: b.score)
    centre = geometry.world_from_index(((best.i0 + best.i1) / 2, (best.j0 + best.j1) / 2, best.k))
    return Finding(
        label=best.label,
        volume_ml=None,
        centroid_lps_mm=_point(centre),
        box_lps_mm=_box_of_indices(low, high, geometry),
        score=best.score,
        side=side_of(float(centre[0]), midline),
    )


def _box_of_indices(low: Points, high: Points, geometry: Geometry) -> Corners:
    corners = np.array([[(low, high)[(n >> a) & 1][a] for a in range(3)] for n in range(8)])
    world = geometry.world_from_index(corners)
    return _point(world.min(axis=0)), _point(world.max(axis=0))


def _point(xyz: Points) -> Point:
    return float(xyz[0]), float(xyz[1]), float(xyz[2])
