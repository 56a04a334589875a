"""Colour pictures on a pane: the stored colours at their pixels, boxes on top, nothing that would be in mm."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from inference.result import Box
from inference.volume import Channel, Geometry, Volume
from viewer.scene.capture import thumbnail
from viewer.scene.mapping import probe
from viewer.scene.slice2d import compose
from viewer.state.display import SlicePane
from viewer.state.palette import palette

MakePane = Callable[..., SlicePane]


@pytest.fixture
def picture() -> Volume:
    colour = np.random.default_rng(0).integers(0, 255, (1, 20, 40, 3), np.uint8)
    return Volume(colour.mean(axis=3), Geometry.of_picture(20, 40), Channel.COLOUR, colour=colour)


def test_colours_at_pixel_centres_are_the_stored_ones(make_pane: MakePane, picture: Volume) -> None:
    drawn = compose(make_pane(picture), (200, 200))
    assert picture.colour is not None
    shown = drawn[50:150, :, :3][2::5, 2::5]  # five device pixels for one of the picture
    away = np.abs(shown.astype(int) - picture.colour[0])
    assert away[:14].max() == 0  # the foot's words lie below
    assert (drawn[..., 3] == 255).all()


def test_neither_letters_nor_a_scale_bar(make_pane: MakePane, picture: Volume) -> None:
    with_scale = Volume(picture.voxels, Geometry.from_axes((1, 20, 40), (1.0, 1.0, 1.0)))
    plain, measured = (compose(make_pane(volume), (200, 200)) for volume in (picture, with_scale))
    assert plain[2:30, :, :3].std() == 0
    assert measured[2:30, :, :3].std() > 0


def test_a_box_lies_on_its_pixels(make_pane: MakePane, picture: Volume) -> None:
    box = Box("RBC", 0.9, 0, 9.5, 7.5, 19.5, 12.5)
    drawn = compose(make_pane(picture, boxes=(box,)), (200, 200))
    rows, columns = np.nonzero((drawn[..., :3] == palette().box).all(axis=2))
    inner = rows >= 50 + 8 * 5
    assert columns[inner].min() == 50
    assert columns[inner].max() == 99
    assert rows[inner].max() == 50 + 13 * 5 - 1


def test_kinds_of_cells_have_colours_of_their_own(make_pane: MakePane, picture: Volume) -> None:
    boxes = (Box("RBC", 0.9, 0, 1.5, 7.5, 9.5, 12.5), Box("WBC", 0.9, 0, 20.5, 7.5, 29.5, 12.5))
    drawn = compose(make_pane(picture, boxes=boxes, kinds=("Platelets", "RBC", "WBC")), (200, 200))
    for at, label in ((1.5, "RBC"), (20.5, "WBC")):
        left = drawn[50 + 10 * 5, round((at + 0.5) * 5), :3]
        assert tuple(left) == palette().kind(label, ("Platelets", "RBC", "WBC")) != palette().box


def test_the_probe_tells_colours_and_counts_pixels(make_pane: MakePane, picture: Volume) -> None:
    assert picture.colour is not None
    found = probe(make_pane(picture), (200, 200), 5 * 7 + 2, 50 + 5 * 3 + 2)
    red, green, blue = picture.colour[0, 3, 7]
    assert found.text == f"RGB {red} {green} {blue} · pixel 7, 3"
    assert probe(make_pane(picture), (200, 200), 3, 3).text == ""


def test_its_thumbnail_is_in_colour(picture: Volume) -> None:
    drawn = thumbnail(picture, (40, 20))
    assert picture.colour is not None
    assert np.array_equal(drawn[..., :3], picture.colour[0])
