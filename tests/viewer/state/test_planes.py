"""Every grid has three distinct planes, whichever way its axes run."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from inference.volume import Geometry
from viewer.state.planes import centre, holds, plane_axes, slice_count, slice_index
from viewer.state.view import Plane

ORIENTATIONS = [
    np.eye(3)[:, list(order)] * np.array(signs)
    for order in permutations(range(3))
    for signs in product((1, -1), repeat=3)
]


@pytest.mark.parametrize(
    "direction", ORIENTATIONS, ids=lambda d: "".join("RLAPIS"[2 * int(abs(c).argmax()) + int(c.sum() > 0)] for c in d.T)
)
def test_axes_follow_the_patient(direction: np.ndarray) -> None:
    geometry = Geometry.from_axes((4, 5, 6), (1.0, 1.0, 1.0), direction=direction)
    wanted = {Plane.AXIAL: (2, 0, 1, 1, 1), Plane.CORONAL: (1, 0, 2, 1, -1), Plane.SAGITTAL: (0, 1, 2, 1, -1)}
    for plane, (normal, right, down, right_sign, down_sign) in wanted.items():
        axes = plane_axes(geometry, plane)
        assert abs(direction[normal, axes.normal]) == 1
        assert direction[right, axes.column] * (-1 if axes.column_flipped else 1) == right_sign
        assert direction[down, axes.row] * (-1 if axes.row_flipped else 1) == down_sign
        assert slice_count(geometry, plane) == (4, 5, 6)[2 - axes.normal]


@given(seed=st.integers(0, 10_000))
def test_oblique_grids_use_each_axis_once(seed: int) -> None:
    direction = Rotation.random(random_state=seed).as_matrix()
    geometry = Geometry.from_axes((4, 5, 6), (0.5, 0.7, 5.0), direction=direction)
    axes = [plane_axes(geometry, plane) for plane in Plane]
    assert {one.normal for one in axes} == {0, 1, 2}
    assert all({one.normal, one.column, one.row} == {0, 1, 2} for one in axes)


def test_nearest_slice_is_kept_inside() -> None:
    geometry = Geometry.from_axes((10, 4, 4), (1.0, 1.0, 5.0))
    assert slice_index(geometry, Plane.AXIAL, (0.0, 0.0, 12.4)) == 2
    assert slice_index(geometry, Plane.AXIAL, (0.0, 0.0, 12.6)) == 3
    assert slice_index(geometry, Plane.AXIAL, (0.0, 0.0, -99.0)) == 0
    assert slice_index(geometry, Plane.AXIAL, (0.0, 0.0, 999.0)) == 9


def test_a_grid_holds_its_outer_voxels_to_their_edges() -> None:
    geometry = Geometry.from_axes((10, 4, 4), (1.0, 1.0, 5.0))
    assert holds(geometry, (-0.5, 0.0, -2.5))
    assert not holds(geometry, (-0.51, 0.0, 0.0))
    assert not holds(geometry, (0.0, 0.0, 47.6))
    assert centre(geometry) == (1.0, 1.0, 20.0)
