"""Whole slices in pictures of fixed size, by the rules of the projects that trained on such pictures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.steps.letterbox import PAD_GREY, Letterbox, Place, fit, greys, letterbox
from inference.volume import Geometry

SIDES = st.integers(3, 700)
SIZES = st.sampled_from([(64, 64), (640, 640), (416, 416), (384, 640), (33, 70)])
PLACES = st.sampled_from(list(Place))


@given(SIDES, SIDES, SIZES)
def test_in_the_centre_padding_is_split_as_round_of_half_less_a_tenth(height: int, width: int, size: tuple[int, int]):
    ratio = min(size[0] / height, size[1] / width)
    new = max(1, round(height * ratio)), max(1, round(width * ratio))
    half = (size[0] - new[0]) / 2, (size[1] - new[1]) / 2
    rows, columns = fit((height, width), size, Place.CENTRE)
    assert (rows.count, columns.count) == new
    assert (rows.start, columns.start) == (round(half[0] - 0.1), round(half[1] - 0.1))
    behind = rows.length - rows.start - rows.count, columns.length - columns.start - columns.count
    assert behind == (round(half[0] + 0.1), round(half[1] + 0.1))


@given(SIDES, SIDES, SIZES)
def test_in_the_corner_sides_are_cut_to_whole_pixels(height: int, width: int, size: tuple[int, int]):
    ratio = min(size[0] / height, size[1] / width)
    rows, columns = fit((height, width), size, Place.CORNER)
    assert (rows.start, columns.start) == (0, 0)
    assert (rows.count, columns.count) == (max(1, int(height * ratio)), max(1, int(width * ratio)))


@given(SIDES, SIZES, PLACES, st.booleans(), st.floats(-20, 700))
def test_edges_of_the_slice_and_of_its_picture_meet(voxels: int, size: tuple[int, int], place: Place, back: bool, at):
    side = fit((voxels, voxels), size, place, (back, back))[0]
    first, last = side.source(np.array([side.start - 0.5, side.start + side.count - 0.5]))
    assert (first, last) == pytest.approx((voxels - 0.5, -0.5) if back else (-0.5, voxels - 0.5))
    step = side.source(np.array([at + 1.0])) - side.source(np.array([at]))
    assert step == pytest.approx((-1 if back else 1) * voxels / side.count)


def by_opencvs_rule(plane: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Bilinear with half-pixel centres and repeated edges, one pixel at a time."""
    out = np.zeros(size)
    for r in range(size[0]):
        for c in range(size[1]):
            y = min(max((r + 0.5) * plane.shape[0] / size[0] - 0.5, 0), plane.shape[0] - 1)
            x = min(max((c + 0.5) * plane.shape[1] / size[1] - 0.5, 0), plane.shape[1] - 1)
            a, b = int(y), int(x)
            e, f = min(a + 1, plane.shape[0] - 1), min(b + 1, plane.shape[1] - 1)
            top = plane[a, b] * (1 - x + b) + plane[a, f] * (x - b)
            out[r, c] = top * (1 - y + a) + (plane[e, b] * (1 - x + b) + plane[e, f] * (x - b)) * (y - a)
    return out


@pytest.mark.parametrize("shape", [(9, 15), (40, 31), (20, 20)])
@pytest.mark.parametrize("place", Place)
def test_the_picture_is_drawn_as_detectors_were_fed(shape: tuple[int, int], place: Place):
    plane = np.random.default_rng(1).integers(0, 256, shape).astype(np.float32)
    rows, columns = fit(shape, (24, 30), place)
    picture = Letterbox(rows, columns, (0,)).pick(plane)
    wanted = np.full((24, 30), PAD_GREY)
    wanted[rows.shown, columns.shown] = np.rint(by_opencvs_rule(plane, (rows.count, columns.count)))
    assert np.abs(picture - wanted).max() <= 1  # a tie may round either way
    assert np.mean(picture == wanted) > 0.99
    outside = np.ones(picture.shape, bool)
    outside[rows.shown, columns.shown] = False
    assert (picture[outside] == 114).all()


def test_opencvs_own_picture_is_the_same():
    cv2 = pytest.importorskip("cv2")
    plane = np.random.default_rng(1).integers(0, 256, (300, 411)).astype(np.uint8)
    rows, columns = fit(plane.shape, (640, 640), Place.CENTRE)
    theirs = cv2.resize(plane, (columns.count, rows.count), interpolation=cv2.INTER_LINEAR)
    ours = Letterbox(rows, columns, (0,)).pick(plane.astype(np.float32))[rows.shown, columns.shown]
    assert np.abs(ours - theirs).max() <= 1


def test_rows_run_to_the_back_and_columns_to_the_left_whatever_the_source_does():
    plane = np.zeros((6, 8), np.float32)
    plane[0, 0] = 255
    for flip_i in (1, -1):
        for flip_j in (1, -1):
            grid = letterbox(
                Geometry.from_axes((3, 6, 8), (1, 1, 1), direction=np.diag([flip_i, flip_j, 1])), (8, 8), Place.CORNER
            )
            row, column = np.unravel_index(int(grid.pick(plane).argmax()), (8, 8))
            assert (row == 0, column == 0) == (flip_j > 0, flip_i > 0)


def test_slices_run_from_feet_to_head():
    up = Geometry.from_axes((3, 6, 8), (1, 1, 1))
    down = Geometry.from_axes((3, 6, 8), (1, 1, 1), direction=np.diag([1, 1, -1]))
    assert letterbox(up, (8, 8), Place.CENTRE).slices == (0, 1, 2)
    assert letterbox(down, (8, 8), Place.CENTRE).slices == (2, 1, 0)


def test_greys_are_whole_and_end_at_the_window():
    assert greys(np.array([-1000, 0, 20, 40, 80, 3000], np.float32), 0, 80).tolist() == [0, 0, 64, 128, 255, 255]
