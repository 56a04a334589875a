"""The 3D picture: lesions on the side on which the patient has them, in their colour, with the words in place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from inference.result import Finding
from inference.volume import Channel, Geometry, Mask, Volume
from viewer.scene.opengl import probe
from viewer.scene.surface import LOOKS, SurfaceScene, prepare, render_offscreen
from viewer.state.display import CornerText, SurfacePane
from viewer.state.palette import palette
from viewer.state.view import Annotations

SIZE = (320, 240)
RED = (255, 60, 40)


@pytest.fixture(scope="module", autouse=True)
def opengl() -> None:
    problem = probe().problem
    if problem:
        pytest.skip(f"no OpenGL: {problem}")


def pane_in(direction: np.ndarray) -> SurfacePane:
    """A round head with one lesion at the patient's left, front, top."""
    shape, spacing = (40, 40, 40), np.array([4.0, 4.0, 4.0])
    corner = -(direction * spacing) @ np.full(3, 19.5)
    geometry = Geometry.from_axes(shape, spacing, corner, direction)
    points = geometry.world_from_index(np.stack(np.indices(shape)[::-1], axis=-1))
    head = (np.linalg.norm(points, axis=-1) < 70.0) * 1000.0
    lesion = np.linalg.norm(points - np.array([35.0, -20.0, 25.0]), axis=-1) < 12.0
    return SurfacePane(
        context=Volume(head.astype(np.float32), geometry, Channel.T1),
        context_threshold=500.0,
        mask=Mask(lesion.astype(np.uint8), geometry),
        colours=((1, RED),),
        findings=(),
        position_lps_mm=(0.0, 0.0, 0.0),
        annotations=Annotations.ALL,
        corners=CornerText(("3D lesions · surface smoothed, mL from voxels",)),
        active=False,
    )


def red(picture: np.ndarray) -> np.ndarray:
    """(n, 2) pixels (x, y) from the middle in which the lesion is seen, y up."""
    r, g, b = (picture[..., band].astype(int) for band in range(3))
    y, x = np.nonzero((r > g + 50) & (r > b + 50))
    return np.stack([x - SIZE[0] / 2, SIZE[1] / 2 - y], axis=1)


@pytest.mark.parametrize(
    ("view", "right", "up"),
    [
        ("anterior", 1, 1),
        ("posterior", -1, 1),
        ("left", -1, 1),
        ("right", 1, 1),
        ("superior", -1, 1),
        ("inferior", 1, 1),
    ],
)
def test_lesion_is_on_its_side(view: str, right: int, up: int) -> None:
    spots = red(render_offscreen(pane_in(np.eye(3)), SIZE, view=view))
    assert 60 < len(spots) < 3000
    x, y = spots.mean(axis=0)
    assert np.sign(x) == right
    assert np.sign(y) == up
    assert min(abs(x), abs(y)) > 8


@pytest.mark.parametrize("axes", [np.diag([-1.0, 1, 1]), np.diag([1.0, -1, -1]), np.eye(3)[:, [2, 0, 1]]])
def test_storage_order_changes_nothing(axes: np.ndarray) -> None:
    plain = render_offscreen(pane_in(np.eye(3)), SIZE, view="anterior").astype(int)
    other = render_offscreen(pane_in(axes), SIZE, view="anterior").astype(int)
    assert np.abs(plain - other).mean() < 1.0
    assert np.allclose(red(plain).mean(axis=0), red(other).mean(axis=0), atol=1.0)


def test_the_head_is_faint_and_the_ground_dark() -> None:
    pane = pane_in(np.eye(3))
    full = render_offscreen(pane, SIZE)
    lesion_only = render_offscreen(replace(pane, context=None), SIZE)
    assert full.shape == (SIZE[1], SIZE[0], 4)
    assert (full[..., 3] == 255).all()
    assert full[120, 10, :3].max() < 40
    assert len(np.unique(full[..., 0])) > 30
    assert not np.array_equal(full, lesion_only)


def test_words_are_composed_as_in_2d() -> None:
    pane = pane_in(np.eye(3))
    silent = replace(pane, corners=CornerText())
    changed = (render_offscreen(pane, SIZE) != render_offscreen(silent, SIZE)).any(axis=2)
    assert changed[:40, :200].sum() > 100
    assert not changed[60:].any()


def test_boxes_without_a_mask_are_wire_frames() -> None:
    boxed = Finding("IPH", None, (0.0, 0.0, 0.0), ((-30.0, -30.0, -30.0), (30.0, 30.0, 30.0)), 0.8, "M")
    pane = replace(pane_in(np.eye(3)), mask=None, colours=(), findings=(boxed,))
    picture = render_offscreen(pane, SIZE).astype(int)
    near = np.abs(picture[..., :3] - np.array(palette().box)).max(axis=2) < 90
    assert 100 < near.sum() < 6000


def test_a_click_on_a_lesion_finds_it() -> None:
    from viewer.scene.surface import _offscreen_window

    pane = pane_in(np.eye(3))
    window = _offscreen_window()
    window.SetOffScreenRendering(True)
    window.SetSize(*SIZE)
    scene = SurfaceScene()
    scene.attach(window)
    scene.show(pane)
    scene.look("anterior")
    window.Render()
    x, y = red(render_offscreen(pane, SIZE, view="anterior")).mean(axis=0)
    found = scene.pick(round(SIZE[0] / 2 + x), round(SIZE[1] / 2 + y))
    missed = scene.pick(5, 5)
    window.Finalize()
    assert missed is None
    assert found is not None
    assert np.linalg.norm(np.array(found) - (35.0, -20.0, 25.0)) < 15.0


def test_nothing_to_show_is_a_sentence() -> None:
    pane = replace(pane_in(np.eye(3)), context=None, mask=None, message="Loading ...", corners=CornerText())
    picture = render_offscreen(pane, SIZE)
    assert (picture[100:140, :, 1] > 60).sum() > 50
    assert (picture[20:90, :, 1] > 60).sum() == 0


def test_views_have_names() -> None:
    prepare(pane_in(np.eye(3)))
    assert {"anterior", "posterior", "left", "right", "superior", "inferior", "oblique"} == set(LOOKS)
    with pytest.raises(KeyError):
        SurfaceScene().look("sideways")
