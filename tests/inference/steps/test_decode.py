from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.steps.decode import decode, iou_with, keep_best


def empty_map(classes: int, side: int) -> np.ndarray:
    raw = np.zeros((1, 5 + classes, side, side), np.float32)
    raw[:, 4:] = -20.0
    return raw


def test_one_cell_becomes_one_box_at_its_place():
    maps = [empty_map(3, 8), empty_map(3, 4)]
    maps[1][0, :, 2, 1] = [0.5, 0.25, np.log(2.0), np.log(3.0), 8.0, -20.0, 9.0, -20.0]
    found = keep_best(decode(maps, (8, 16)), score=0.5, iou=0.5)
    assert found.classes.tolist() == [1]
    assert found.scores[0] == pytest.approx(1.0, abs=1e-3)
    # centre ((1 + 0.5) * 16, (2 + 0.25) * 16), size (32, 48)
    assert found.boxes[0] == pytest.approx([24 - 16, 36 - 24, 24 + 16, 36 + 24])


def test_overlapping_boxes_of_one_class_leave_the_best():
    maps = [empty_map(2, 8)]
    for column, objectness, label in ((3, 2.0, 5), (4, 4.0, 5), (3, 1.0, 6)):
        maps[0][0, :5, 3 if label == 5 else 4, column] = [0.5, 0.5, np.log(4.0), np.log(4.0), objectness]
        maps[0][0, label, 3 if label == 5 else 4, column] = 9.0
    found = keep_best(decode(maps, (8,)), score=0.3, iou=0.5)
    assert sorted(found.classes.tolist()) == [0, 1]
    assert found.scores[0] == pytest.approx(1 / (1 + np.exp(-4.0)), abs=1e-3)


def test_nothing_above_the_score_gives_nothing():
    found = keep_best(decode([empty_map(5, 10)], (8,)), score=0.3, iou=0.5)
    assert found.boxes.shape == (0, 4)


def test_iou():
    assert iou_with(np.array([0, 0, 2, 2.0]), np.array([[0, 0, 2, 2], [1, 1, 3, 3], [5, 5, 6, 6.0]])) == pytest.approx(
        [1.0, 1 / 7, 0.0]
    )


@given(st.integers(0, 2**32 - 1), st.floats(0.01, 0.9), st.floats(0.1, 0.9))
def test_cells_that_cannot_reach_the_score_change_nothing_by_being_left_out(seed, score, iou):
    rng = np.random.default_rng(seed)
    maps = [rng.normal(0.0, 2.0, (1, 8, side, side + 1)).astype(np.float32) for side in (9, 4)]
    whole, few = (keep_best(decode(maps, (8, 16), least), score, iou) for least in (0.0, score))
    assert np.array_equal(whole.boxes, few.boxes)
    assert np.array_equal(whole.scores, few.scores)
    assert np.array_equal(whole.classes, few.classes)
