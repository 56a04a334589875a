"""Geometry is the ground everything stands on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.errors import GeometryMismatch, InputRefused
from inference.volume import Geometry, Mask, Volume

ROTATIONS = st.integers(0, 2**32 - 1).map(lambda seed: np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))[0])
SPACINGS = st.tuples(*[st.floats(0.2, 12.0)] * 3)


@given(ROTATIONS, SPACINGS, st.tuples(*[st.floats(-500, 500)] * 3))
def test_index_and_world_are_inverse(direction, spacing, origin):
    geometry = Geometry.from_axes((7, 9, 11), spacing, origin, direction)
    points = np.array([[0, 0, 0], [10, 8, 6], [2.5, -1.0, 3.25]])
    assert np.allclose(geometry.index_from_world(geometry.world_from_index(points)), points, atol=1e-6)
    assert np.allclose(geometry.spacing_mm, spacing)
    assert np.allclose(geometry.world_from_index((0, 0, 0)), origin)
    assert geometry.voxel_ml == pytest.approx(np.prod(spacing) / 1000)


def test_axes_are_i_left_j_back_k_up():
    geometry = Geometry.from_axes((5, 5, 5), (2.0, 3.0, 4.0))
    assert geometry.world_from_index((1, 0, 0)).tolist() == [2.0, 0.0, 0.0]
    assert geometry.world_from_index((0, 1, 0)).tolist() == [0.0, 3.0, 0.0]
    assert geometry.world_from_index((0, 0, 1)).tolist() == [0.0, 0.0, 4.0]


def test_a_sheared_grid_is_known_and_measured_by_its_determinant():
    affine = np.diag([1.0, 1.0, 5.0, 1.0])
    affine[1, 2] = 5.0 * np.tan(np.radians(20))
    sheared = Geometry((4, 4, 4), affine)
    assert not sheared.is_orthogonal
    assert sheared.voxel_ml == pytest.approx(0.005)
    assert Geometry.from_axes((4, 4, 4), (1, 1, 5)).is_orthogonal


@pytest.mark.parametrize("affine", [np.zeros((4, 4)), np.full((4, 4), np.nan), np.eye(3)])
def test_a_grid_without_extent_is_refused(affine):
    with pytest.raises(InputRefused):
        Geometry((2, 2, 2), affine)


def test_voxels_must_fill_their_grid_and_stay_as_they_are():
    geometry = Geometry.from_axes((2, 3, 4), (1, 1, 1))
    with pytest.raises(GeometryMismatch):
        Volume(np.zeros((2, 3, 5), np.float32), geometry)
    volume = Volume(np.zeros((2, 3, 4), np.float32), geometry)
    with pytest.raises(ValueError, match="read-only"):
        volume.voxels[0, 0, 0] = 1.0


def test_a_mask_counts_millilitres_by_label():
    labels = np.zeros((4, 4, 4), np.uint8)
    labels[0] = 1
    labels[1, :2] = 2
    mask = Mask(labels, Geometry.from_axes((4, 4, 4), (10, 10, 10)), {1: "a", 2: "b"})
    assert mask.volume_ml() == pytest.approx(24.0)
    assert mask.volume_ml(2) == pytest.approx(8.0)
