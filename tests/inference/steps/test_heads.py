"""Three styles of detectors' answers, from numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from inference.errors import BadOutput
from inference.steps.decode import Detections, clipped, keep_best
from inference.steps.heads import Head, cells, detections, require_named, scores_of

SIZE, STRIDES = (64, 96), (8, 16, 32)
COUNT = 8 * 12 + 4 * 6 + 2 * 3


def test_cells_run_row_by_row_and_stride_by_stride():
    grid = cells(SIZE, STRIDES)
    assert grid.shape == (COUNT, 3)
    assert grid[1].tolist() == [1, 0, 8]
    assert grid[12].tolist() == [0, 1, 8]
    assert grid[96].tolist() == [0, 0, 16]
    assert grid[-1].tolist() == [2, 1, 32]


def test_yolov8_is_in_pixels():
    answer = np.zeros((1, 4 + 2, COUNT), np.float32)
    answer[0, :, 7] = [30, 20, 10, 6, 0.2, 0.7]
    best = keep_best(detections(Head.YOLOV8, [answer], SIZE, ()), 0.25, 0.7)
    assert best.boxes.tolist() == [[25, 17, 35, 23]]
    assert (best.classes.tolist(), best.scores[0]) == ([1], pytest.approx(0.7))


def test_yolox_counts_from_its_cells():
    answer = np.zeros((1, COUNT, 5 + 2), np.float32)
    answer[0, 96 + 6 + 2] = [0.5, 0.25, np.log(2), np.log(0.5), 0.5, 0.8, 0.1]  # stride 16: row 1, column 2
    best = keep_best(detections(Head.YOLOX, [answer], SIZE, STRIDES), 0.25, 0.7)
    assert best.boxes[0] == pytest.approx([40 - 16, 20 - 4, 40 + 16, 20 + 4])
    assert (best.classes.tolist(), best.scores[0]) == ([0], pytest.approx(0.4))


def test_yolox_without_strides_is_in_pixels():
    answer = np.array([[[40, 20, 32, 8, 0.5, 0.8]]], np.float32)
    assert detections(Head.YOLOX, [answer], SIZE, ()).boxes[0] == pytest.approx([24, 16, 56, 24])


def test_a_wild_log_size_stays_a_number():
    answer = np.full((1, COUNT, 6), 500.0, np.float32)
    assert np.isfinite(detections(Head.YOLOX, [answer], SIZE, STRIDES).boxes).all()


def test_end_to_end_gives_corners_and_leaves_empty_rows_out():
    answer = np.zeros((1, 300, 6), np.float32)
    answer[0, 0] = [1, 2, 3, 4, 0.9, 1]
    answer[0, 1] = [1, 2, 3, 4, 0.8, 1]
    found = keep_best(detections(Head.END_TO_END, [answer], SIZE, ()), 0.25, 1.0, 300)
    assert found.boxes.tolist() == [[1, 2, 3, 4]] * 2
    assert found.classes.tolist() == [1, 1]
    assert scores_of(Head.END_TO_END, [answer]) == []


def test_only_boxes_of_one_class_drop_each_other_and_most_are_counted():
    found = Detections(
        np.array([[0, 0, 10, 10], [1, 0, 11, 10], [1, 0, 11, 10], [50, 50, 60, 60.0]]),
        np.array([0.9, 0.8, 0.7, 0.6]),
        np.array([0, 0, 1, 0]),
    )
    assert keep_best(found, 0.5, 0.5).scores.tolist() == [0.9, 0.7, 0.6]
    assert keep_best(found, 0.5, 0.5, most=2).scores.tolist() == [0.9, 0.7]


def test_boxes_end_with_the_slice_and_never_lie_in_the_padding():
    found = Detections(np.array([[-5, 10, 20, 30], [0, 0, 9, 3.0]]), np.array([0.9, 0.8]), np.array([0, 0]))
    assert clipped(found, (4, 5, 100, 100)).boxes.tolist() == [[4, 10, 20, 30]]


def test_a_class_without_a_name_is_a_fault():
    found = Detections(np.zeros((1, 4)), np.ones(1), np.array([2]))
    assert require_named(found, ("a", "b", "c")) is found
    with pytest.raises(BadOutput, match="no name"):
        require_named(found, ("a", "b"))


@pytest.mark.parametrize(("head", "shape"), [(Head.YOLOV8, (1, 6, COUNT)), (Head.YOLOX, (1, COUNT, 7))])
def test_scores_lie_place_by_place(head: Head, shape: tuple[int, ...]):
    (maps,) = scores_of(head, [np.zeros(shape, np.float32)])
    assert maps.shape[1] == COUNT
