from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from inference.result import Box
from inference.steps.findings import drop_small, lesions, merge_boxes, side_of
from inference.steps.region import Midline
from inference.volume import Geometry

GRID = Geometry.from_axes((10, 20, 20), (2.0, 2.0, 5.0), (-20.0, -20.0, 0.0))
MIDDLE = Midline(0.0, 5.0)


def test_lesions_are_counted_from_voxels_and_told_by_side():
    labels = np.zeros(GRID.shape, np.uint8)
    labels[2:4, 5:9, 15:18] = 1
    labels[7, 2, 2] = 1
    found = lesions(labels, np.full(GRID.shape, 0.8, np.float32), GRID, {1: "lesion"}, MIDDLE)
    big, small = found
    assert big.volume_ml == pytest.approx(2 * 4 * 3 * 0.02)
    assert small.volume_ml == pytest.approx(0.02)
    assert (big.side, small.side) == ("L", "R")
    assert big.centroid_lps_mm == pytest.approx((-20 + 2 * 16, -20 + 2 * 6.5, 5 * 2.5))
    assert big.box_lps_mm[0] == pytest.approx((-20 + 2 * 14.5, -20 + 2 * 4.5, 5 * 1.5))
    assert big.box_lps_mm[1] == pytest.approx((-20 + 2 * 17.5, -20 + 2 * 8.5, 5 * 3.5))
    assert big.score == pytest.approx(0.8)


def test_small_components_go_and_touching_corners_hold_together():
    labels = np.zeros((4, 4, 4), np.uint8)
    labels[0, 0, 0] = labels[1, 1, 1] = 1
    labels[3, 3, 3] = 1
    assert drop_small(labels, 0.01, 0.02).sum() == 2
    assert drop_small(np.zeros((4, 4, 4), np.uint8), 0.01, 0.02).sum() == 0


def test_the_side_has_a_middle():
    assert [side_of(x, Midline(10.0, 5.0)) for x in (20.0, 12.0, 0.0)] == ["L", "M", "R"]


def box(k: int, at: float, score: float, label: str = "IPH") -> Box:
    return Box(label, score, k, at, at, at + 4, at + 4)


def test_boxes_merge_through_slices_over_one_gap_and_not_over_two():
    found = merge_boxes([box(1, 3, 0.5), box(2, 3.5, 0.9), box(4, 3.5, 0.4), box(7, 3.5, 0.6)], GRID, MIDDLE)
    assert [f.score for f in found] == [0.9, 0.6]
    low, high = found[0].box_lps_mm
    assert (low[2], high[2]) == pytest.approx((5 * 0.5, 5 * 4.5))
    assert found[0].volume_ml is None


def test_boxes_of_other_classes_or_places_stay_apart():
    assert len(merge_boxes([box(1, 3, 0.5), box(2, 3, 0.5, "SDH"), box(2, 12, 0.5)], GRID, MIDDLE)) == 3
    assert merge_boxes([], GRID, MIDDLE) == ()


@given(st.integers(0, 2**32 - 1), st.floats(0.0, 0.2))
def test_what_is_small_goes_wherever_it_lies(seed, min_ml):
    rng = np.random.default_rng(seed)
    labels = (rng.random((6, 9, 8)) < 0.06).astype(np.uint8) * rng.integers(1, 3, (6, 9, 8), dtype=np.uint8)
    pieces, count = ndimage.label(labels > 0, np.ones((3, 3, 3)))
    expected = labels.copy()
    for piece in range(1, count + 1):
        if (pieces == piece).sum() * 0.02 < min_ml:
            expected[pieces == piece] = 0
    assert np.array_equal(drop_small(labels, 0.02, min_ml), expected)
    found = lesions(expected, np.ones(GRID.shape, np.float32)[:6, :9, :8], GRID, {1: "a", 2: "b"}, None)
    assert sum(f.volume_ml for f in found) == pytest.approx(0.02 * np.count_nonzero(expected))
