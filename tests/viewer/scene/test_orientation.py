"""A picture never shows the wrong side: one patient stored in all 48 orientations always looks the same."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from inference.volume import Geometry, Volume
from viewer.scene.furniture import letters
from viewer.scene.mapping import lps_to_screen, probe, screen_to_lps, view_of
from viewer.scene.paint import new_canvas
from viewer.scene.slice2d import compose, draw_slice
from viewer.state.display import SlicePane
from viewer.state.view import Plane, Window

MakePane = Callable[..., SlicePane]
PIXELS = 22  # per 2 mm voxel
POINT = (6.0, 6.0, 4.0)  # on the slice of the F


def picture(pane: SlicePane, size: tuple[int, int]) -> np.ndarray:
    """Grey values of the slice alone."""
    assert pane.volume is not None
    view = view_of(pane, size)
    assert view is not None
    canvas = new_canvas(size, (0, 0, 0))
    draw_slice(canvas, pane.volume, view, pane.window)
    return canvas[..., 0]


def centres(grey: np.ndarray, across: int, down: int) -> np.ndarray:
    """Values at voxel centres of a picture that fills its pane."""
    y = (np.arange(down) + 0.5) * grey.shape[0] / down
    x = (np.arange(across) + 0.5) * grey.shape[1] / across
    return grey[np.ix_(y.astype(int), x.astype(int))]


def test_axial_f_reads_as_f(letter_f: Volume, make_pane: MakePane) -> None:
    pane = make_pane(letter_f, position_lps_mm=POINT, window=Window(60.0, 30.0))
    seen = centres(picture(pane, (7 * PIXELS + 7, 8 * PIXELS + 8)), 7, 8)
    wanted = np.array(
        [[0, 0, 0, 0, 0, 0, 0], [0, 1, 1, 1, 1, 0, 0], [0, 1, 0, 0, 0, 0, 0], [0, 1, 1, 1, 0, 0, 0],
         [0, 1, 0, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0]]
    )  # fmt: skip
    assert np.array_equal(seen, wanted * 255)


def test_patient_left_is_screen_right_and_head_is_up(letter_f: Volume, make_pane: MakePane) -> None:
    axial = make_pane(letter_f, position_lps_mm=(0.0, 0.0, 8.0))
    spots = np.argwhere(picture(axial, (140, 160)) > 150)
    assert spots[:, 1].min() >= 120  # x = 6 of 7: far right of the screen is the patient's left
    assert spots[:, 0].min() >= 140  # y = 7 of 8: the bottom is the back

    coronal = make_pane(letter_f, Plane.CORONAL, position_lps_mm=(0.0, 0.0, 0.0))
    spots = np.argwhere(picture(coronal, (140, 200)) > 200)
    assert spots[:, 1].max() < 20  # the patient's right is on the left
    assert spots[:, 0].max() < 40  # the top of the head is up

    sagittal = make_pane(letter_f, Plane.SAGITTAL, position_lps_mm=(0.0, 0.0, 0.0))
    spots = np.argwhere(picture(sagittal, (160, 200)) > 200)
    assert spots[:, 1].max() < 20  # the nose is to the left
    assert spots[:, 0].max() < 40


@pytest.mark.parametrize("plane", Plane)
def test_letters(letter_f: Volume, make_pane: MakePane, plane: Plane) -> None:
    view = view_of(make_pane(letter_f, plane), (100, 100))
    assert view is not None
    wanted = {
        Plane.AXIAL: ("R", "L", "A", "P"),
        Plane.CORONAL: ("R", "L", "S", "I"),
        Plane.SAGITTAL: ("A", "P", "S", "I"),
    }
    assert letters(view) == wanted[plane]


def test_proportions_are_those_of_the_patient(letter_f: Volume, make_pane: MakePane) -> None:
    view = view_of(make_pane(letter_f, Plane.CORONAL), (600, 400))
    assert view is not None
    assert view.column.count * view.column.pixels == pytest.approx(14.0 * view.pixels_per_mm)
    assert view.row.count * view.row.pixels == pytest.approx(20.0 * view.pixels_per_mm)
    assert view.row.pixels / view.column.pixels == pytest.approx(2.0)


def test_probe_reads_the_voxel_under_the_cursor(letter_f: Volume, make_pane: MakePane) -> None:
    pane = make_pane(letter_f, position_lps_mm=(0.0, 0.0, 8.0))
    found = probe(pane, (140, 160), 135.0, 155.0)
    assert found.value == 150.0
    assert np.allclose(found.lps, (12.5, 14.5, 8.0))
    assert found.text == "150 · L 12.5 P 14.5 S 8.0"
    assert probe(pane, (200, 160), 3.0, 80.0).value is None


def test_letters_of_an_oblique_slice_are_combined(make_pane: MakePane) -> None:
    turned = Rotation.from_euler("z", 30, degrees=True).as_matrix()
    volume = Volume(np.zeros((4, 4, 4), np.float32), Geometry.from_axes((4, 4, 4), (1, 1, 1), direction=turned))
    view = view_of(make_pane(volume), (100, 100))
    assert view is not None
    assert letters(view) == ("RA", "LP", "AL", "PR")


@given(
    seed=st.integers(0, 100_000),
    mirrored=st.booleans(),
    plane=st.sampled_from(Plane),
    zoom=st.floats(0.3, 20.0),
    pan=st.tuples(st.floats(-80, 80), st.floats(-80, 80)),
    at=st.tuples(st.floats(0, 640), st.floats(0, 480)),
)
def test_screen_to_patient_and_back(
    make_pane: MakePane,
    seed: int,
    mirrored: bool,
    plane: Plane,
    zoom: float,
    pan: tuple[float, float],
    at: tuple[float, float],
) -> None:
    rng = np.random.default_rng(seed)
    turned = Rotation.random(random_state=seed).as_matrix() @ np.diag([1, 1, -1 if mirrored else 1])
    geometry = Geometry.from_axes((7, 9, 11), rng.uniform(0.3, 6.0, 3), rng.uniform(-200, 200, 3), turned)
    pane = make_pane(Volume(np.zeros((7, 9, 11), np.float32), geometry), plane, zoom=zoom, pan_mm=pan)
    back = lps_to_screen(pane, (640, 480), screen_to_lps(pane, (640, 480), *at))
    assert back == pytest.approx(at, abs=1e-5)


@given(seed=st.integers(0, 100_000), mirrored=st.booleans(), plane=st.sampled_from(Plane))
def test_a_bright_voxel_is_drawn_where_the_mapping_says(
    make_pane: MakePane, seed: int, mirrored: bool, plane: Plane
) -> None:
    rng = np.random.default_rng(seed)
    turned = Rotation.random(random_state=seed).as_matrix() @ np.diag([1, -1 if mirrored else 1, 1])
    geometry = Geometry.from_axes((6, 7, 8), rng.uniform(1.0, 3.0, 3), rng.uniform(-50, 50, 3), turned)
    i, j, k = (int(rng.integers(1, count - 1)) for count in (8, 7, 6))
    values = np.zeros((6, 7, 8), np.float32)
    values[k, j, i] = 200.0
    x, y, z = (float(value) for value in geometry.world_from_index((i, j, k)))
    pane = make_pane(Volume(values, geometry), plane, position_lps_mm=(x, y, z))
    grey = picture(pane, (300, 260))
    spot = lps_to_screen(pane, (300, 260), (x, y, z))
    assert spot is not None
    row, column = np.unravel_index(int(grey.argmax()), grey.shape)
    assert abs(column + 0.5 - spot[0]) <= 1.0
    assert abs(row + 0.5 - spot[1]) <= 1.0
    assert probe(pane, (300, 260), *spot).value == 200.0


def test_crosshair_points_at_the_linked_point(letter_f: Volume, make_pane: MakePane) -> None:
    pane = make_pane(letter_f, position_lps_mm=(12.0, 14.0, 8.0), crosshair=True, window=Window(1.0, 10_000.0))
    with_lines, without = (
        compose(one, (280, 320))
        for one in (pane, make_pane(letter_f, position_lps_mm=(12.0, 14.0, 8.0), window=pane.window))
    )
    drawn = (with_lines != without).any(axis=2)
    x, y = lps_to_screen(pane, (280, 320), pane.position_lps_mm) or (0.0, 0.0)
    assert drawn[int(y), 50]
    assert drawn[100, int(x)]
    assert not drawn[int(y) - 8 : int(y) + 9, int(x) - 8 : int(x) + 9].any()
    assert drawn.sum() < 2 * (280 + 320)
