"""Boxes that may hold a cell: each disc of a drawn smear has one, in its own place."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.steps.cells import SAME, candidates
from inference.steps.circles import circles
from inference.steps.decode import iou_with
from inference.steps.smear import smear_of
from tests.smears import RADII, SCENE, Disc, draw


def _best(pixels: np.ndarray, disc: Disc) -> float:
    return float(iou_with(disc.box, candidates(smear_of(pixels))).max())


@pytest.fixture(scope="module")
def found() -> np.ndarray:
    return candidates(smear_of(draw(SCENE)))


def test_every_disc_has_a_box_and_no_two_boxes_are_the_same(found: np.ndarray) -> None:
    for disc in SCENE:
        assert iou_with(disc.box, found).max() > 0.6, disc
    for at, box in enumerate(found[1:], start=1):
        assert iou_with(box, found[:at]).max() < SAME
    assert (found[:, :2] >= 0).all()
    assert (found[:, 2:] <= (640, 480)).all()
    assert len(found) < 150


@settings(max_examples=6)
@given(st.sampled_from(list(RADII)), st.integers(100, 300), st.integers(100, 140))
def test_a_box_lies_where_its_disc_does_and_is_not_mirrored(kind: str, x: int, y: int) -> None:
    disc = Disc(kind, x, y)
    found = candidates(smear_of(draw((disc,), (240, 400))))
    assert iou_with(disc.box, found).max() > 0.5  # a platelet's box is as wide as people draw it
    if abs(x - 200) > 2 * RADII[kind]:
        assert iou_with(Disc(kind, 400 - x, y).box, found).max() < 0.2


def test_cells_that_overlap_are_told_apart() -> None:
    pair = Disc("RBC", 200, 200), Disc("RBC", 275, 225)
    pixels = draw(pair, (320, 400))
    assert min(_best(pixels, disc) for disc in pair) > 0.5


def test_a_circle_is_found_at_its_place_with_its_radius() -> None:
    y, x = np.mgrid[:160, :200]
    density = np.where((x - 120) ** 2 + (y - 60) ** 2 <= 26**2, 0.4, 0.0).astype(np.float32)
    rows, columns, radii = circles(density, (16.0, 18.0, 20.0, 22.0, 24.0, 26.0, 28.0, 30.0))[0]
    assert (rows, columns) == pytest.approx((60, 120), abs=1.5)
    assert radii == pytest.approx(26, abs=2)


def test_an_empty_picture_has_no_boxes() -> None:
    assert candidates(smear_of(draw((), (160, 160)))).shape == (0, 4)
