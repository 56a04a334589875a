from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.steps.resample import isotropic_like, to_grid
from inference.volume import Geometry


def ramp(geometry: Geometry) -> np.ndarray:
    """A field that is linear in the patient: 2x - 3y + z."""
    k, j, i = np.indices(geometry.shape)
    world = geometry.world_from_index(np.stack([i, j, k], axis=-1))
    return (world @ [2.0, -3.0, 1.0]).astype(np.float32)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_a_linear_field_keeps_its_values_at_every_place(seed):
    rng = np.random.default_rng(seed)
    direction = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    source = Geometry.from_axes((12, 13, 14), (2.0, 2.5, 3.0), rng.normal(size=3) * 50, direction)
    centre = source.world_from_index((6.5, 6.0, 5.5))
    target = Geometry.from_axes((5, 4, 3), (1.5, 1.5, 1.5), centre - 2, np.linalg.qr(rng.normal(size=(3, 3)))[0])
    assert np.allclose(to_grid(ramp(source), source, target), ramp(target), atol=2e-3)


def test_outside_takes_the_fill_and_the_outer_half_voxel_belongs_to_the_source():
    source = Geometry.from_axes((1, 1, 4), (1, 1, 1))
    target = Geometry.from_axes((1, 1, 12), (0.5, 1, 1), (-1.0, 0, 0))
    got = to_grid(np.array([[[1.0, 2.0, 3.0, 4.0]]], np.float32), source, target, fill=-9.0)[0, 0]
    assert got.tolist() == pytest.approx([-9, 1, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4, -9, -9])


def test_the_new_grid_covers_the_same_box():
    old = Geometry.from_axes((73, 112, 112), (2.0, 2.0, 2.0), (5, 6, 7))
    new = isotropic_like(old, (1.0, 1.0, 1.0))
    assert new.shape == (146, 224, 224)
    assert new.world_from_index((-0.5, -0.5, -0.5)) == pytest.approx(old.world_from_index((-0.5, -0.5, -0.5)))
    assert new.world_from_index((223.5, 223.5, 145.5)) == pytest.approx(old.world_from_index((111.5, 111.5, 72.5)))


def test_volume_survives_the_way_there_and_back():
    old = Geometry.from_axes((20, 96, 96), (1.0, 1.0, 5.0))
    k, j, i = np.indices(old.shape)
    ball = (((i - 48) * 1.0) ** 2 + ((j - 48) * 1.0) ** 2 + ((k - 10) * 5.0) ** 2 < 30**2).astype(np.float32)
    new = isotropic_like(old, (2.0, 2.0, 2.0))
    there = to_grid(ball, old, new)
    assert there.sum() * new.voxel_ml == pytest.approx(ball.sum() * old.voxel_ml, rel=0.02)
    back = to_grid(there, new, old) > 0.5
    assert back.sum() == pytest.approx(ball.sum(), rel=0.05)
