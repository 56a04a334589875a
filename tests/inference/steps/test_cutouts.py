"""Crops for a network that tells things apart: the thing in the middle at its true size, and nothing else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.steps.cutouts import GREY, as_input, cutout, told


@given(st.integers(0, 180), st.integers(0, 140), st.integers(4, 20), st.integers(4, 20))
def test_a_crop_shows_its_box_unmirrored_wherever_it_lies(x: int, y: int, width: int, height: int) -> None:
    """The picture holds its own coordinates, so that the crop's middle tells which pixels it shows."""
    rows, columns = np.mgrid[:160, :200]
    picture = np.dstack([columns, rows, np.zeros_like(rows)]).astype(np.uint8)
    crop = cutout(picture, np.array([x, y, x + width, y + height], float), 64, 64)
    shown = np.argwhere(crop[2] == 0)
    (top, left), (bottom, right) = shown.min(axis=0), shown.max(axis=0)
    assert (bottom - top + 1, right - left + 1) <= (round(height * 1.15) + 2, round(width * 1.15) + 2)
    first, last = crop[:, top, left], crop[:, bottom, right]
    assert last[0] - first[0] == right - left
    assert last[1] - first[1] == bottom - top
    assert crop[0, 32, 32] == pytest.approx(x + width / 2, abs=1.5)
    assert crop[1, 32, 32] == pytest.approx(y + height / 2, abs=1.5)
    assert crop[2, 0, 0] == GREY


def test_numbers_and_answers() -> None:
    assert as_input(np.array([0, 255], np.uint8)).tolist() == [-1.0, 1.0]
    scores, kinds = told(np.array([[5.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 9.0]], np.float32))
    assert kinds.tolist() == [0, 1]
    assert scores[0] > 0.95
    assert scores[1] < 0.01
