"""Pixels of a pane: greys, masks, boxes and the words that must stand there, checked one by one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.result import Box
from inference.volume import Channel, Geometry, Mask, Volume
from viewer.scene import furniture
from viewer.scene.mapping import Axis, probe, view_of
from viewer.scene.marks import draw_mask
from viewer.scene.paint import new_canvas
from viewer.scene.sampling import Span, bilinear, span, strongest
from viewer.scene.slice2d import compose, grey
from viewer.scene.theme import theme
from viewer.state.display import CornerText, MaskLayer, SlicePane
from viewer.state.palette import palette
from viewer.state.view import Annotations, Plane, Window

MakePane = Callable[..., SlicePane]
LOOK = theme()
RED = (255, 90, 64)


def volume(values: np.ndarray, direction: np.ndarray | None = None, **fields: object) -> Volume:
    geometry = Geometry.from_axes(values.shape, (1.0, 1.0, 1.0), direction=direction)
    return Volume(values.astype(np.float32), geometry, **fields)  # type: ignore[arg-type]


def ramp(side: int = 20) -> Volume:
    return volume(np.broadcast_to(np.arange(side) * 10.0, (3, side, side)).copy(), channel=Channel.CT, unit="HU")


def count(picture: np.ndarray, colour: tuple[int, int, int]) -> int:
    return int((picture[..., :3] == colour).all(axis=2).sum())


def lit(picture: np.ndarray) -> int:
    """Pixels in which something is written."""
    return int((picture[..., 1] > 60).sum())


@pytest.mark.parametrize(
    ("value", "shown"),
    [(-1000.0, 0), (0.0, 0), (40.0, 128), (40.1, 128), (20.0, 64), (79.0, 252), (80.0, 255), (3000.0, 255)],
)
def test_brain_window_to_the_grey(value: float, shown: int) -> None:
    assert grey(np.array([value], np.float32), Window(80.0, 40.0))[0] == shown
    assert grey(np.array([value], np.float32), Window(80.0, 40.0), inverted=True)[0] == 255 - shown


@given(st.floats(-2000, 4000, width=32), st.floats(1, 4000, width=32), st.floats(-1000, 3000, width=32))
def test_window_is_linear_exact(value: float, width: float, level: float) -> None:
    exact = np.clip((value - level) / width + 0.5, 0.0, 1.0) * 255.0
    assert abs(float(grey(np.array([value], np.float32), Window(width, level))[0]) - exact) <= 0.51 + 2e-3


def test_greys_at_voxel_centres_are_the_stored_values(make_pane: MakePane) -> None:
    pane = make_pane(ramp(), window=Window(200.0, 100.0))
    picture = compose(pane, (420, 420))  # 21 pixels a voxel: pixel 10 is its centre
    shown = picture[200, 10::21, 0]
    assert np.array_equal(shown, np.floor(np.arange(20) * 10.0 / 200.0 * 255.0 + 0.5).astype(np.uint8))


def test_alpha_is_opaque_and_shape_is_height_by_width(make_pane: MakePane) -> None:
    picture = compose(make_pane(ramp()), (300, 200))
    assert picture.shape == (200, 300, 4)
    assert picture.dtype == np.uint8
    assert (picture[..., 3] == 255).all()


def test_what_was_not_measured_is_plain_ground(make_pane: MakePane) -> None:
    values = np.full((3, 20, 20), 500.0)
    valid = np.ones(values.shape, dtype=bool)
    valid[:, :, :5] = False
    values[:, 18:, :] = np.nan
    picture = compose(make_pane(volume(values, valid=valid)), (400, 400))
    assert count(picture[40:340, 30:90], LOOK.picture) == 300 * 60
    assert count(picture[40:160, 120:180], (255, 255, 255)) == 120 * 60
    assert count(picture[365:380, 120:170], LOOK.picture) == 15 * 50


@pytest.mark.parametrize("flip", [1.0, -1.0])
def test_mask_is_drawn_voxel_for_voxel(make_pane: MakePane, flip: float) -> None:
    direction = np.diag([flip, 1.0, 1.0])
    source = volume(np.zeros((3, 20, 20)), direction)
    labels = np.zeros((3, 20, 20), dtype=np.uint8)
    labels[1, 8:11, 4:6] = 1
    layer = MaskLayer(Mask(labels, source.geometry), ((1, RED),), 0.5)
    picture = compose(make_pane(source, layers=(layer,)), (400, 400))
    left = 80 if flip > 0 else 400 - 120
    inside = picture[160:220, left : left + 40, :3]
    edge = np.ones((60, 40), dtype=bool)
    edge[1:-1, 1:-1] = False
    assert (inside[edge] == RED).all()
    assert (inside[~edge] == (128, 45, 32)).all()
    around = picture[150:230, left - 10 : left + 50, :3].copy()
    around[10:70, 10:50] = 0
    assert not around.any()


def test_outline_is_there_without_fill(make_pane: MakePane) -> None:
    source = volume(np.zeros((3, 20, 20)))
    labels = np.zeros((3, 20, 20), dtype=np.uint8)
    labels[1, 8:11, 4:6] = 1
    layer = MaskLayer(Mask(labels, source.geometry), ((1, RED),), 0.0)
    assert count(compose(make_pane(source, layers=(layer,)), (400, 400)), RED) == 2 * 60 + 2 * 40 - 4


def test_hatching_is_a_second_sign(make_pane: MakePane) -> None:
    source = volume(np.zeros((3, 20, 20)))
    labels = np.zeros((3, 20, 20), dtype=np.uint8)
    labels[1, 4:9, 4:9], labels[1, 4:9, 12:17] = 2, 3
    mask = Mask(labels, source.geometry, {2: "a", 3: "b"})
    grey_layer = MaskLayer(mask, ((2, (200, 200, 200)), (3, (200, 200, 200))), 0.3, hatched=(2, 3))
    picture = compose(make_pane(source, layers=(grey_layer,)), (400, 400))[..., 0].astype(int)
    a, b = picture[90:170, 90:170], picture[90:170, 250:330]
    stripes = [(block > 120).astype(int) for block in (a, b)]
    assert all(0.1 < one.mean() < 0.5 for one in stripes)
    rising = [(one[1:, :-1] == one[:-1, 1:]).mean() for one in stripes]
    falling = [(one[1:, 1:] == one[:-1, :-1]).mean() for one in stripes]
    assert rising[0] == 1.0
    assert falling[1] == 1.0
    assert falling[0] < 0.95
    assert rising[1] < 0.95


@pytest.mark.parametrize("place", [(3, 7), (0, 0), (511, 511), (256, 301)])
def test_a_lesion_of_one_voxel_is_never_lost_between_pixels(make_pane: MakePane, place: tuple[int, int]) -> None:
    source = volume(np.zeros((1, 512, 512)))
    labels = np.zeros((1, 512, 512), dtype=np.uint8)
    labels[0, place[0], place[1]] = 1
    layer = MaskLayer(Mask(labels, source.geometry), ((1, RED),), 0.4)
    for size in ((150, 150), (97, 131), (200, 113)):
        view = view_of(make_pane(source), size)
        assert view is not None
        canvas = new_canvas(size, (0, 0, 0))
        draw_mask(canvas, layer, view, 1.0)
        assert 1 <= count(canvas, RED) <= 4


@pytest.mark.parametrize("signs", [(1, 1), (-1, 1), (1, -1), (-1, -1)])
def test_box_edges_are_on_their_pixels(make_pane: MakePane, signs: tuple[int, int]) -> None:
    source = volume(np.zeros((3, 20, 20)), np.diag([*signs, 1.0]))
    pane = make_pane(source, boxes=(Box("IPH", 0.81, 1, 4.5, 9.5, 11.5, 15.5),))
    picture = compose(pane, (400, 400))
    left, right = (100, 240) if signs[0] > 0 else (160, 300)
    top, bottom = (200, 320) if signs[1] > 0 else (80, 200)
    amber = (picture[..., :3] == palette().box).all(axis=2)
    middle = amber[(top + bottom) // 2]
    assert np.flatnonzero(middle).tolist() == [left, left + 1, right - 2, right - 1]
    column = amber[:, right - 10]
    assert np.flatnonzero(column).tolist() == [top, top + 1, bottom - 2, bottom - 1]


def test_box_on_a_grid_with_j_across(make_pane: MakePane) -> None:
    source = volume(np.zeros((3, 20, 20)), np.array([[0.0, 1, 0], [1, 0, 0], [0, 0, 1]]))
    picture = compose(make_pane(source, boxes=(Box("x", 0.5, 1, 1.5, 9.5, 3.5, 15.5),)), (400, 400))
    amber = (picture[..., :3] == palette().box).all(axis=2)
    assert np.flatnonzero(amber[60]).tolist() == [200, 201, 318, 319]


@pytest.mark.parametrize("annotations", Annotations)
@pytest.mark.parametrize("size", [(640, 480), (160, 120)])
def test_synthetic_is_written_in_the_pixels_always(
    make_pane: MakePane, annotations: Annotations, size: tuple[int, int]
) -> None:
    source = volume(np.full((3, 20, 20), 100.0), synthetic=True)
    picture = compose(make_pane(source, annotations=annotations), size)
    for edge in (picture[0], picture[-1], picture[:, 0], picture[:, -1]):
        assert (edge[:, :3] == LOOK.synthetic).all()
    inner = picture[4:-4, 4:-4]
    assert count(inner, LOOK.synthetic) > 20
    plain = compose(make_pane(replace(source, synthetic=False), annotations=annotations), size)
    assert count(plain, LOOK.synthetic) == 0


def test_synthetic_words_say_it() -> None:
    assert furniture.SYNTHETIC_WORDS == "SYNTHETIC - NOT ACQUIRED"


def test_probe_of_a_synthetic_picture_has_no_value(make_pane: MakePane) -> None:
    pane = make_pane(volume(np.full((3, 20, 20), 100.0), synthetic=True, unit="HU"))
    found = probe(pane, (400, 400), 200, 200)
    assert found.value is None
    assert "HU" not in found.text
    assert found.text.startswith("synthetic")


def test_foot_is_on_every_pane(make_pane: MakePane) -> None:
    for pane in (
        make_pane(ramp(), window=Window(1.0, 9999.0)),
        replace(make_pane(ramp()), volume=None, message="Loading ..."),
    ):
        with_foot = compose(pane, (400, 300))
        assert 100 < lit(with_foot[270:]) < 1500


def test_message_stands_where_there_is_no_picture(make_pane: MakePane) -> None:
    pane = replace(make_pane(ramp()), volume=None, message="Synthetic MRI needs a CT.")
    picture = compose(pane, (400, 300))
    assert 300 < lit(picture[130:170]) < 3000
    assert lit(picture[10:120]) == 0
    assert not np.array_equal(picture, compose(replace(pane, message="Loading ..."), (400, 300)))


def test_active_pane_has_its_frame(make_pane: MakePane) -> None:
    picture = compose(make_pane(ramp(), active=True), (300, 300))
    assert (picture[0, :, :3] == LOOK.accent).all()
    both = compose(make_pane(replace(ramp(), synthetic=True), active=True), (300, 300))
    assert (both[0, :, :3] == LOOK.synthetic).all()
    assert (both[3, 3:-3, :3] == LOOK.accent).all()


def test_corner_text_moves_with_the_words(make_pane: MakePane) -> None:
    corners = CornerText(("CT head", "W 80 L 40"), ("slice 1 / 3",), ("A",), ("38 HU",))
    bare = compose(make_pane(ramp(), window=Window(1.0, 9999.0)), (640, 480))
    full = compose(make_pane(ramp(), corners=corners, window=Window(1.0, 9999.0)), (640, 480))
    changed = (bare != full).any(axis=2)
    for corner in (changed[:60, :200], changed[:60, -200:], changed[-70:, :200], changed[-40:, -200:]):
        assert corner.sum() > 20
    assert not changed[100:380].any()


def test_scale_bar_has_its_length(make_pane: MakePane) -> None:
    source = Volume(np.zeros((3, 100, 100), np.float32), Geometry.from_axes((3, 100, 100), (2.0, 2.0, 5.0)))
    picture = compose(make_pane(source), (400, 400))  # 2 pixels a mm: the longest round bar below 88 pixels is 20 mm
    bar = (picture[350:, 5:53, :3] == LOOK.text).all(axis=2)
    lengths = bar.sum(axis=1)
    assert lengths.max() == 40


def test_high_dpi_draws_the_same_at_twice_the_size(make_pane: MakePane) -> None:
    pane = make_pane(ramp(), corners=CornerText(("CT head",)), crosshair=True, window=Window(200.0, 100.0))
    small, large = compose(pane, (300, 300)), compose(pane, (600, 600), 2.0)
    halved = large.reshape(300, 2, 300, 2, 4).mean(axis=(1, 3))
    assert np.abs(halved - small).mean() < 3.0


def test_bright_spot_survives_shrinking(make_pane: MakePane) -> None:
    values = np.zeros((1, 400, 400))
    values[0, 211, 133] = 16_000.0
    picture = compose(make_pane(volume(values), window=Window(1000.0, 500.0)), (100, 100))
    assert picture[52, 33, 0] == 255


def test_nothing_passes_silently_as_an_empty_picture(make_pane: MakePane) -> None:
    for plane in Plane:
        picture = compose(make_pane(ramp(), plane, window=Window(200.0, 100.0)), (300, 300))
        assert len(np.unique(picture[50:250, 50:250, 0])) > 20 or plane is Plane.SAGITTAL


@given(
    voxels=st.integers(1, 60),
    pixels=st.floats(0.05, 6.0),
    start=st.floats(-60.0, 60.0),
    flipped=st.booleans(),
)
def test_voxels_show_when_they_are_in_the_pane_and_only_then(
    voxels: int, pixels: float, start: float, flipped: bool
) -> None:
    pane = 20
    rows = span(Axis(0, voxels, flipped, pixels, start), pane)
    if rows.empty:
        return
    columns = Span(Axis(1, voxels, False, 1.0, 0.0), 0, voxels)
    found = strongest(np.eye(voxels, dtype=np.uint8), rows, columns).astype(bool)
    assert found.shape == (rows.last - rows.first, voxels)
    assert found.any(axis=1).all()
    where = rows.axis.screen(np.arange(voxels))  # type: ignore[arg-type]
    half = 0.5 * pixels
    for voxel, centre in enumerate(np.broadcast_to(where, voxels)):
        if centre - half > 0.5 and centre + half < pane - 0.5:
            assert found[:, voxel].any()
        drawn = rows.first + np.flatnonzero(found[:, voxel])
        if drawn.size:
            assert drawn.min() + 1.5 >= centre - half
            assert drawn.max() - 0.5 <= centre + half


def test_bilinear_is_linear_between_centres() -> None:
    source = np.array([[0.0, 10.0], [20.0, 30.0]], np.float32)
    axis = Axis(0, 2, False, 4.0, 0.0)
    values = bilinear(source, span(axis, 8), span(axis, 8))
    assert values[0, 0] == 0.0
    assert values[7, 7] == 30.0
    assert values[3, 3] == pytest.approx(0.375 * 10 + 0.375 * 20)


def test_real_dwi_is_a_picture(shared_data: Callable[[str], Path], make_pane: MakePane) -> None:
    sitk = pytest.importorskip("SimpleITK")
    image = sitk.ReadImage(str(shared_data("stroke-deepisles-case0001/sub-strokecase0001_ses-0001_dwi.nii.gz")))
    values = sitk.GetArrayFromImage(image).astype(np.float32)
    direction = np.array(image.GetDirection()).reshape(3, 3)
    geometry = Geometry.from_axes(values.shape, image.GetSpacing(), image.GetOrigin(), direction)
    for plane in Plane:
        picture = compose(
            make_pane(Volume(values, geometry, Channel.DWI), plane, window=Window(360.0, 180.0)), (640, 480)
        )
        assert 0.02 < (picture[..., 0] > 60).mean() < 0.8
        assert len(np.unique(picture[..., 0])) > 100


@pytest.mark.parametrize("size", [(1, 1), (2, 300), (300, 2), (40, 40), (96, 96)])
@pytest.mark.parametrize("scale", [1.0, 1.25, 3.0])
def test_small_panes_are_drawn_too(make_pane: MakePane, size: tuple[int, int], scale: float) -> None:
    source = volume(np.full((3, 20, 20), 100.0), synthetic=True)
    labels = np.ones((3, 20, 20), dtype=np.uint8)
    corners = CornerText(("CT head",) * 4, ("slice 1 / 3",) * 3, ("PHANTOM",) * 3, ("38 HU",))
    pane = make_pane(
        source,
        corners=corners,
        crosshair=True,
        active=True,
        layers=(MaskLayer(Mask(labels, source.geometry), ((1, RED),), 0.5, (1,)),),
        boxes=(Box("IPH", 0.81, 1, -5.0, 2.0, 40.0, 8.0),),
    )
    assert compose(pane, size, scale).shape == (size[1], size[0], 4)
    assert compose(replace(pane, volume=None, message="Loading ..."), size, scale).shape == (size[1], size[0], 4)
