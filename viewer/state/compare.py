"""Two masks of one task side by side: what they agree on, what only one of them says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from inference.errors import GeometryMismatch
from inference.memo import remembered
from inference.volume import Mask

AGREEMENT, ONLY_A, ONLY_B = 1, 2, 3

_CORNERS = np.ones((3, 3, 3), dtype=bool)


@dataclass(frozen=True, slots=True)
class LabelComparison:
    """One label of two masks on one grid; `dice` is 1 where neither holds it."""

    label: str
    dice: float
    volume_ml_a: float
    volume_ml_b: float


@dataclass(frozen=True, slots=True)
class MaskComparison:
    """Numbers of two masks on one grid; a voxel counts as soon as it has any label.

    Attributes:
        dice: 2|A and B| / (|A| + |B|) (Dice, Ecology 26:297, 1945); 1 where both are empty.
        voxels_only_a, voxels_only_b: Voxels that one of them alone marks.
        volume_ml_a, volume_ml_b: Voxels counted, times |det|.
        lesions_only_a, lesions_only_b: Connected parts of one that touch no voxel of the other.
        labels: The same label by label, in the order of the first mask's names.
    """

    dice: float
    voxels_only_a: int
    voxels_only_b: int
    volume_ml_a: float
    volume_ml_b: float
    lesions_only_a: int
    lesions_only_b: int
    labels: tuple[LabelComparison, ...] = ()


@remembered
def compare_masks(a: Mask, b: Mask) -> MaskComparison:
    """Compare two masks.

    Raises:
        GeometryMismatch: They do not lie on the same grid.
    """
    _require_one_grid(a, b)
    return MaskComparison(
        dice=dice(a, b),
        voxels_only_a=int(np.count_nonzero((a.labels > 0) & (b.labels == 0))),
        voxels_only_b=int(np.count_nonzero((b.labels > 0) & (a.labels == 0))),
        volume_ml_a=a.volume_ml(),
        volume_ml_b=b.volume_ml(),
        lesions_only_a=lesions_only(a, b),
        lesions_only_b=lesions_only(b, a),
        labels=tuple(_label(a, b, value, name) for value, name in a.names.items()),
    )


def _label(a: Mask, b: Mask, value: int, name: str) -> LabelComparison:
    in_a, in_b = a.labels == value, b.labels == value
    voxels_a, voxels_b, both = (int(np.count_nonzero(one)) for one in (in_a, in_b, in_a & in_b))
    total = voxels_a + voxels_b
    ml = a.geometry.voxel_ml
    return LabelComparison(name, 2.0 * both / total if total else 1.0, voxels_a * ml, voxels_b * ml)


def dice(a: Mask, b: Mask) -> float:
    """Overlap of everything marked, 0..1; 1 where both are empty.

    Raises:
        GeometryMismatch: They do not lie on the same grid.
    """
    _require_one_grid(a, b)
    total = np.count_nonzero(a.labels) + np.count_nonzero(b.labels)
    both = np.count_nonzero((a.labels > 0) & (b.labels > 0))
    return 1.0 if total == 0 else float(2.0 * both / total)


@remembered
def agreement_mask(a: Mask, b: Mask) -> Mask:
    """Mask with labels AGREEMENT (both mark the voxel, with the same label), ONLY_A, ONLY_B.

    A voxel to which the two give different labels is ONLY_A: it is no agreement, and it is shown.

    Raises:
        GeometryMismatch: They do not lie on the same grid.
    """
    _require_one_grid(a, b)
    labels = np.zeros(a.labels.shape, dtype=np.uint8)
    labels[b.labels > 0] = ONLY_B
    labels[a.labels > 0] = ONLY_A
    labels[(a.labels == b.labels) & (a.labels > 0)] = AGREEMENT
    return Mask(labels, a.geometry, {AGREEMENT: "both", ONLY_A: "only A", ONLY_B: "only B"})


def lesions_only(a: Mask, b: Mask) -> int:
    """Connected parts of `a` (26 neighbours, label by label) that share no voxel with `b`.

    Raises:
        GeometryMismatch: They do not lie on the same grid.
    """
    _require_one_grid(a, b)
    return sum(_parts_apart(a.labels == label, b.labels == label) for label in np.unique(a.labels) if label)


def lesions(mask: Mask) -> int:
    """Connected parts (26 neighbours), label by label."""
    return sum(int(ndimage.label(mask.labels == label, _CORNERS)[1]) for label in np.unique(mask.labels) if label)


def _parts_apart(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> int:
    parts, count = ndimage.label(a, _CORNERS)
    touched = np.unique(parts[b])
    return int(count - np.count_nonzero(touched))


def _require_one_grid(a: Mask, b: Mask) -> None:
    if not a.geometry.same_grid(b.geometry):
        raise GeometryMismatch(
            "The two masks do not lie on the same grid.", "Compare results that were made from the same series."
        )
