"""The gate sees where planes really lie: tilt, steps, gaps, repeats, in any orientation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from viewer.dicom.geometry import Planes, distinct_steps, gaps, judge, repeats, shear_deg, usual_step
from viewer.study import GeometryState

rotations = st.tuples(*[st.floats(-180, 180)] * 3).map(lambda deg: Rotation.from_euler("xyz", deg, degrees=True))


def planes(offsets_mm, turn=None, size=(20, 10), spacing=(0.5, 0.8), tilt_deg=0.0, side_deg=0.0) -> Planes:
    """Axial planes at `offsets_mm` along the normal, leaning toward column and row, then turned as a whole."""
    offsets = np.asarray(offsets_mm, dtype=float)
    origins = np.zeros((len(offsets), 3))
    origins[:, 2] = offsets
    origins[:, 1] = offsets * np.tan(np.radians(tilt_deg))
    origins[:, 0] = offsets * np.tan(np.radians(side_deg))
    matrix = np.eye(3) if turn is None else turn.as_matrix()
    return Planes(origins @ matrix.T, matrix[:, 0], matrix[:, 1], spacing, size, 5.0)


@given(
    rotations, st.permutations(range(7)), st.floats(0.5, 10), st.floats(-200, 200), st.floats(0.3, 2), st.floats(0.3, 2)
)
def test_an_even_upright_stack_is_ok_and_every_pixel_keeps_its_place(turn, order, step, start, dx, dy):
    stack = planes(start + step * np.array(order), turn, spacing=(dx, dy))
    verdict = judge(stack)
    assert verdict.state is GeometryState.OK
    assert verdict.reasons == ()
    assert verdict.order == tuple(np.argsort(order))
    assert verdict.tilt_deg == pytest.approx(0, abs=1e-6)
    assert verdict.steps_mm == pytest.approx([step], abs=1e-3)
    for k, index in enumerate(verdict.order):
        expected = stack.origins[index] + 3 * dx * stack.row + 5 * dy * stack.column
        assert verdict.grid.world_from_index([3, 5, k]) == pytest.approx(expected, abs=1e-6)


@given(rotations, st.floats(-30, 30).filter(lambda deg: abs(deg) > 0.2), st.permutations(range(6)))
def test_tilt_is_signed_toward_the_column_whatever_the_orientation_and_order(turn, tilt, order):
    verdict = judge(planes(4.0 * np.array(order), turn, tilt_deg=tilt))
    assert verdict.tilt_deg == pytest.approx(tilt, abs=1e-6)
    assert verdict.state is GeometryState.CORRECTED
    assert f"{abs(verdict.tilt_deg):.1f} degrees" in verdict.reasons[0]
    assert verdict.grid.is_orthogonal


def test_a_shear_along_the_row_is_measured_too():
    assert judge(planes(np.arange(5) * 3.0, side_deg=-12)).tilt_deg == pytest.approx(-12)


def test_both_shears_together_give_the_angle_to_the_normal():
    stack = planes(np.arange(5) * 3.0, tilt_deg=10, side_deg=10)
    expected = np.degrees(np.arctan(np.sqrt(2) * np.tan(np.radians(10))))
    assert shear_deg(stack.origins, stack.row, stack.column) == pytest.approx(expected)


def test_rounding_in_the_header_is_no_tilt():
    stack = planes(np.round(np.arange(30) * 0.625, 1))
    assert judge(stack).state is GeometryState.OK


@given(rotations, st.floats(5, 25), st.floats(1, 6))
def test_a_tilted_grid_holds_every_corner_of_every_image(turn, tilt, step):
    stack = planes(step * np.arange(9), turn, tilt_deg=tilt)
    verdict = judge(stack)
    rows, columns = stack.size
    for i, j in ((0, 0), (columns - 1, 0), (0, rows - 1), (columns - 1, rows - 1)):
        corner = stack.origins + i * stack.spacing_mm[0] * stack.row + j * stack.spacing_mm[1] * stack.column
        index = verdict.grid.index_from_world(corner)
        limit = np.array(verdict.grid.shape[::-1]) - 1
        assert (index > -0.51).all()
        assert (index < limit + 0.51).all()


def test_missing_slices_are_named_and_keep_the_others_in_place():
    offsets = [k * 5.0 for k in range(21) if k not in (9, 10)]
    verdict = judge(planes(offsets))
    assert verdict.state is GeometryState.CORRECTED
    assert verdict.steps_mm == (5.0, 15.0)
    assert verdict.reasons == ("2 slices are missing between positions 40.0 and 55.0 mm: left empty.",)
    assert verdict.grid.shape[0] == 21
    assert verdict.grid.world_from_index([0, 0, 20]) == pytest.approx([0, 0, 100])


def test_a_change_of_spacing_is_no_gap():
    offsets = np.concatenate([np.arange(10) * 5.0, 45 + 10.0 * np.arange(1, 8)])
    verdict = judge(planes(offsets))
    assert not gaps(offsets).any()
    assert verdict.steps_mm == (5.0, 10.0)
    assert verdict.reasons == ("Slice spacing is uneven (5.00, 10.00 mm): resampled to 5.00 mm.",)
    assert verdict.grid.spacing_mm[2] == pytest.approx(5)


def test_one_stray_thin_step_does_not_set_the_spacing():
    offsets = np.cumsum([0] + [4.0] * 13 + [1.08] + [7.0] * 13)
    assert usual_step(offsets) == pytest.approx(4.0)
    assert distinct_steps(offsets) == (1.08, 4.0, 7.0)


def test_the_uneven_grid_keeps_the_usual_slices_and_half_a_slice_at_both_ends():
    offsets = np.array([0, 7, 14, 18, 22, 26, 30.0])
    grid = judge(planes(offsets)).grid
    places = grid.index_from_world([[0, 0, z] for z in offsets])[:, 2]
    assert places[2:] == pytest.approx(np.round(places[2:]), abs=1e-9)
    assert places[0] == pytest.approx(0.5)
    assert grid.shape[0] == round((30 + 2 + 3.5) / 4)


def test_positions_that_repeat_are_seen():
    assert repeats(np.array([0.0, 5.0, 5.0004]))
    assert not repeats(np.array([0.0, 5.0, 5.1]))
    assert judge(planes([0, 5, 5])).state is GeometryState.BLOCKED


def test_a_handful_of_images_far_apart_is_no_volume():
    verdict = judge(planes([0, 1, 2, 100]))
    assert (verdict.state, verdict.grid) == (GeometryState.BLOCKED, None)
    assert verdict.reasons == ("Only 4 images are spread over 100 mm: most are missing.",)


def test_crooked_axes_are_refused():
    crooked = Planes(np.zeros((1, 3)), np.array([1.0, 0, 0]), np.array([0.6, 0.8, 0]), (1, 1), (4, 4))
    assert judge(crooked).state is GeometryState.BLOCKED


def test_one_image_says_that_its_thickness_stands_in():
    verdict = judge(planes([12.0]))
    assert verdict.grid.spacing_mm == pytest.approx((0.5, 0.8, 5.0))
    assert "thickness" in verdict.reasons[0]


def test_images_shifted_sideways_are_put_in_place():
    stack = planes(np.arange(6) * 3.0)
    stack.origins[2, 0] += 4.0
    verdict = judge(stack)
    assert verdict.state is GeometryState.CORRECTED
    assert any("sideways" in reason for reason in verdict.reasons)
    assert verdict.grid.shape[2] > 10
