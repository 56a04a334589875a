"""Every wish is a pure function; the state before stays as it was."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viewer.state import actions
from viewer.state.catalogue import Catalogue
from viewer.state.display import SlicePane
from viewer.state.resolve import resolve
from viewer.state.view import Annotations, Layout, Plane, ViewState, Window

START = ViewState()


def first(view: ViewState, catalogue: Catalogue) -> SlicePane:
    pane = resolve(view, catalogue).panes[0]
    assert isinstance(pane, SlicePane)
    return pane


def test_scrolling_steps_whole_slices_and_stops_at_the_ends(catalogue: Catalogue) -> None:
    view = START
    for step, index in ((1, 5), (3, 8), (9, 9), (-2, 7), (-99, 0)):
        view = actions.scroll(view, resolve(view, catalogue), step)
        assert first(view, catalogue).index == index
    display = resolve(view, catalogue)
    assert first(actions.go_last(view, display), catalogue).index == 9
    assert first(actions.go_first(view, display), catalogue).index == 0


@pytest.mark.parametrize("plane", Plane)
def test_scrolling_moves_along_the_normal_only(catalogue: Catalogue, plane: Plane) -> None:
    view = actions.move_crosshair(actions.set_plane(START, plane), (3.3, -4.4, 17.7))
    moved = actions.scroll(view, resolve(view, catalogue), 1)
    assert moved.crosshair_lps_mm is not None
    assert view.crosshair_lps_mm is not None
    changed = [abs(a - b) > 1e-9 for a, b in zip(moved.crosshair_lps_mm, view.crosshair_lps_mm, strict=True)]
    assert (
        changed
        == {
            Plane.AXIAL: [False, False, True],
            Plane.CORONAL: [False, True, False],
            Plane.SAGITTAL: [True, False, False],
        }[plane]
    )


def test_presets_auto_and_header(catalogue: Catalogue) -> None:
    display = resolve(START, catalogue)
    bone = actions.preset(START, display, 4)
    assert bone.windows == {"ct": Window(2000.0, 500.0)}
    assert first(bone, catalogue).preset == "Bone"
    assert first(actions.preset(START, display, 0), catalogue).preset == "Auto"
    back = actions.header_window(bone, resolve(bone, catalogue), catalogue)
    assert first(back, catalogue).window == Window(80.0, 40.0)
    assert START.windows == {}


def test_dragging_right_widens_and_up_brightens(catalogue: Catalogue) -> None:
    display = resolve(START, catalogue)
    assert actions.drag_window(START, display, 10, 0).windows["ct"].width > 80
    assert actions.drag_window(START, display, -10, 0).windows["ct"].width < 80
    assert actions.drag_window(START, display, 0, -10).windows["ct"].level < 40
    assert actions.drag_window(START, display, -10_000, 0).windows["ct"].width > 0
    assert actions.set_window(START, display, Window(0.0, 1.0)) == START


def test_keys_on_the_3d_pane_act_on_the_first_picture(catalogue: Catalogue) -> None:
    view = actions.set_active(START, 3)
    assert first(actions.scroll(view, resolve(view, catalogue), 1), catalogue).index == 5
    narrow = actions.preset(view, resolve(view, catalogue), 2)
    assert actions.reset_pane(narrow, resolve(narrow, catalogue)).windows == narrow.windows


@given(
    factor=st.floats(0.3, 4.0),
    about=st.tuples(st.floats(-90, 90), st.floats(-90, 90)),
    pan=st.tuples(st.floats(-50, 50), st.floats(-50, 50)),
)
def test_zoom_leaves_the_point_under_the_cursor(
    factor: float, about: tuple[float, float], pan: tuple[float, float]
) -> None:
    before = actions.pan(START, *pan)
    after = actions.zoom(before, factor, about)
    old, new = before.panes[0], after.panes[0]
    for axis in (0, 1):
        picture = about[axis] - old.pan_mm[axis]
        assert (picture + new.pan_mm[axis]) * new.zoom == pytest.approx(about[axis] * old.zoom, abs=1e-6)


def test_reset_takes_everything_back(catalogue: Catalogue) -> None:
    view = actions.invert(actions.pan(actions.zoom(START, 3.0), 5.0, 6.0))
    view = actions.preset(view, resolve(view, catalogue), 4)
    assert actions.reset_pane(view, resolve(view, catalogue)) == START


def test_switches(catalogue: Catalogue) -> None:
    for switch in (
        actions.toggle_overlay,
        actions.toggle_disagreement,
        actions.toggle_crosshair,
        actions.toggle_patient_text,
        actions.invert,
        actions.toggle_maximised,
    ):
        assert switch(START) != START
        assert switch(switch(START)) == START
    assert actions.cycle_annotations(START).annotations is Annotations.MINIMAL
    assert actions.cycle_annotations(actions.cycle_annotations(actions.cycle_annotations(START))) == START
    assert actions.change_opacity(START, 9.0).overlay_opacity == 1.0
    assert actions.change_opacity(START, -9.0).overlay_opacity == 0.0


def test_one_pane_follows_the_active_one() -> None:
    alone = actions.toggle_maximised(actions.set_active(START, 2))
    assert alone.maximised == 2
    assert actions.set_active(alone, 1).maximised == 1
    assert actions.set_active(START, 99) == START
    assert actions.set_layout(replace(START, active=3), Layout.TWO).active == 0
    assert actions.set_layout(replace(START, active=3), Layout.ONE).active == 3


def test_a_new_source_takes_the_linked_point_with_it(catalogue: Catalogue) -> None:
    view = actions.choose_source(actions.move_crosshair(START, (1.0, 2.0, 3.0)), "dwi")
    assert (view.source_id, view.crosshair_lps_mm, view.finding) == ("dwi", None, None)
    assert first(view, catalogue).volume_id == "dwi"
