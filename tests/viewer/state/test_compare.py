"""Two masks: numbers that can be counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from inference.errors import GeometryMismatch
from inference.volume import Geometry, Mask
from viewer.state.compare import (
    AGREEMENT,
    ONLY_A,
    ONLY_B,
    agreement_mask,
    compare_masks,
    dice,
    lesions_only,
)

GRID = Geometry.from_axes((4, 6, 6), (2.0, 2.0, 5.0))
LABELS = arrays(np.uint8, (4, 6, 6), elements=st.integers(0, 2))


def mask(*boxes: tuple[slice, slice, slice], label: int = 1) -> Mask:
    labels = np.zeros(GRID.shape, dtype=np.uint8)
    for box in boxes:
        labels[box] = label
    return Mask(labels, GRID, {1: "a", 2: "b"})


def test_numbers_counted_by_hand() -> None:
    a = mask(np.s_[0:2, 0:2, 0:2], np.s_[3:4, 5:6, 5:6])
    b = mask(np.s_[0:2, 0:2, 1:3])
    numbers = compare_masks(a, b)
    assert numbers.dice == pytest.approx(2 * 4 / (9 + 8))
    assert (numbers.voxels_only_a, numbers.voxels_only_b) == (5, 4)
    assert numbers.volume_ml_a == pytest.approx(9 * 0.02)
    assert (numbers.lesions_only_a, numbers.lesions_only_b) == (1, 0)


def test_three_labels_of_disagreement() -> None:
    a, b = mask(np.s_[0:1, 0:1, 0:2]), mask(np.s_[0:1, 0:1, 1:3])
    assert agreement_mask(a, b).labels[0, 0].tolist() == [ONLY_A, AGREEMENT, ONLY_B, 0, 0, 0]


def test_another_label_is_no_agreement() -> None:
    a, b = mask(np.s_[0:1, 0:1, 0:1]), mask(np.s_[0:1, 0:1, 0:1], label=2)
    assert agreement_mask(a, b).labels[0, 0, 0] == ONLY_A
    assert lesions_only(a, b) == 1


def test_corners_connect_a_lesion() -> None:
    diagonal = mask(np.s_[0:1, 0:1, 0:1], np.s_[1:2, 1:2, 1:2])
    assert lesions_only(diagonal, mask()) == 1
    assert lesions_only(diagonal, mask(np.s_[1:2, 1:2, 1:2])) == 0


def test_two_empty_masks_agree() -> None:
    assert dice(mask(), mask()) == 1.0
    assert dice(mask(np.s_[0:1, 0:1, 0:1]), mask()) == 0.0


def test_other_grids_are_refused() -> None:
    moved = Mask(mask().labels, Geometry.from_axes(GRID.shape, (2.0, 2.0, 5.0), (0.0, 0.0, 0.5)))
    with pytest.raises(GeometryMismatch):
        compare_masks(mask(), moved)


@given(LABELS, LABELS)
def test_disagreement_accounts_for_every_voxel(first: np.ndarray, second: np.ndarray) -> None:
    a, b = Mask(first, GRID), Mask(second, GRID)
    labels = agreement_mask(a, b).labels
    assert np.array_equal(labels > 0, (first > 0) | (second > 0))
    assert dice(a, b) == dice(b, a)
    assert compare_masks(a, b).lesions_only_a == compare_masks(b, a).lesions_only_b


def test_each_label_is_compared_for_itself() -> None:
    box, other = np.s_[0:2, 0:2, 0:2], np.s_[2:4, 0:2, 0:2]
    a = Mask(mask(box).labels + mask(other, label=2).labels, GRID, {1: "liver", 2: "lungs", 3: "bone"})
    b = Mask(mask(box, label=2).labels + mask(other, label=2).labels, GRID, {1: "liver", 2: "lungs", 3: "bone"})
    numbers = compare_masks(a, b)
    assert numbers.dice == 1.0
    liver, lungs, bone = numbers.labels
    assert (liver.label, liver.dice, liver.volume_ml_b) == ("liver", 0.0, 0.0)
    assert lungs.dice == pytest.approx(2 * 8 / (8 + 16))
    assert (lungs.volume_ml_a, lungs.volume_ml_b) == pytest.approx((0.16, 0.32))
    assert (bone.dice, bone.volume_ml_a) == (1.0, 0.0)
    assert sum(one.volume_ml_a for one in numbers.labels) == pytest.approx(numbers.volume_ml_a)
