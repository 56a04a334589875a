"""Figures of finding and telling apart, on cells whose places and names are known."""

from dataclasses import replace

import numpy as np
import pytest

from engines.training.measure_cells import Looked, on_pictures
from tests.inference.roads.test_crops_road import TELL

TRUTH = np.array([[0, 0, 40, 40], [100, 0, 200, 100], [210, 0, 310, 100]], float)
LABELS = np.array([0, 1, 1])
SURE = 9.0


def _said(*kinds: int | None) -> np.ndarray:
    logits = np.zeros((len(kinds), 4), np.float32)
    for row, kind in enumerate(kinds):
        logits[row, 3 if kind is None else kind] = SURE - 0.1 * row
    return logits


def _figures(*looked: Looked) -> dict[str, object]:
    return on_pictures(replace(TELL, output=replace(TELL.output, labels=("a", "b"), iou=0.4)), looked, "test part")


def _two(logits: np.ndarray) -> np.ndarray:
    return logits[:, [0, 1, 3]]


def test_everything_found_and_named_is_perfect() -> None:
    figures = _figures(Looked(TRUTH, LABELS, TRUTH, _two(_said(0, 1, 1))))
    assert figures["test part: mAP50, finding and telling apart"] == 1.0
    assert figures["b: recall, precision of boxes shown, IoU 0.5"] == [1.0, 1.0]
    assert figures["b: counted beside marked, median error per picture, mean"] == "2 beside 2, 0, +0.00"


def test_missed_false_and_misnamed_cells_cost_what_they_should() -> None:
    nowhere = np.array([[400, 400, 480, 480]], float)
    looked = Looked(TRUTH, LABELS, np.concatenate([TRUTH[:2], nowhere]), _two(_said(1, 1, 1)))
    figures = _figures(looked)
    assert figures["a: AP50"] == 0.0
    assert figures["a: share of marked cells that a box was found for"] == 1.0
    assert figures["b: share of marked cells that a box was found for"] == 0.5
    assert figures["b: recall, precision of boxes shown, IoU 0.5"] == [0.5, pytest.approx(1 / 3, abs=0.001)]
    assert figures["b: AP50"] == 0.25  # the hit comes second: precision 1/2 over half of the recall
    assert figures["b: counted beside marked, median error per picture, mean"] == "3 beside 2, 1, +1.00"


def test_what_the_network_calls_nothing_is_not_shown() -> None:
    figures = _figures(Looked(TRUTH, LABELS, TRUTH, _two(_said(0, 1, None))))
    assert figures["b: recall, precision of boxes shown, IoU 0.5"] == [0.5, 1.0]


def test_a_box_that_is_off_counts_at_the_looser_overlap_alone() -> None:
    off = TRUTH + np.array([0, 0, 0, 0]) + np.array([40.0, 0.0, 40.0, 0.0]) * (LABELS == 1)[:, None]
    figures = _figures(Looked(TRUTH[:2], LABELS[:2], off[:2], _two(_said(0, 1))))
    assert figures["b: recall, precision of boxes shown, IoU 0.5"] == [0.0, 0.0]
    assert figures["b: recall, precision of boxes shown, IoU 0.3"] == [1.0, 1.0]
