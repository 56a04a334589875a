from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from inference.steps.resample import isotropic_like, to_grid, upright
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


@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, -1, 1), (-1, 1, -1), (1, -1, -1)])
def test_an_upright_grid_holds_the_same_voxels_left_back_and_head_ward(signs: tuple[int, int, int]):
    source = Geometry.from_axes((3, 4, 5), (1.0, 2.0, 3.0), (7, 8, 9), np.diag(signs), "frame")
    turned = upright(source)
    assert np.array_equal(turned.direction, np.eye(3))
    assert turned.frame_of_reference == "frame"
    values = np.random.default_rng(4).random(source.shape, dtype=np.float32)
    flips = tuple(slice(None, None, sign) for sign in signs[::-1])
    assert to_grid(values, source, turned) == pytest.approx(values[flips], abs=1e-6)


def by_scipy(values: np.ndarray, source: Geometry, target: Geometry, fill: float) -> np.ndarray:
    """Smoothed and sampled point by point in double precision."""
    k, j, i = np.indices(target.shape)
    ijk = source.index_from_world(target.world_from_index(np.stack([i, j, k], axis=-1)))
    at = np.moveaxis(ijk[..., ::-1], -1, 0)
    step = np.abs(np.linalg.inv(source.affine) @ target.affine)[:3, :3].max(axis=1)[::-1]
    sigma = 0.4 * np.sqrt(np.maximum(step**2 - 1, 0))
    smooth = ndimage.gaussian_filter(values.astype(np.float64), sigma if sigma.max() >= 0.2 else 0.0)
    sizes = np.array(source.shape)[:, None, None, None]
    inside = ((at >= -0.5 - 1e-6) & (at <= sizes - 0.5 + 1e-6)).all(axis=0)
    return np.where(inside, ndimage.map_coordinates(smooth, np.clip(at, 0, sizes - 1), order=1, mode="nearest"), fill)


@given(st.integers(0, 2**32 - 1), st.permutations([0, 1, 2]), st.booleans())
@settings(max_examples=60)
def test_parallel_grids_of_any_order_and_sense_agree_with_scipy(seed, order, oblique):
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.normal(size=(3, 3)))[0] if oblique else np.eye(3)
    source = Geometry.from_axes(tuple(rng.integers(1, 20, 3)), rng.uniform(0.5, 5, 3), rng.normal(size=3) * 50, axes)
    turned = axes[:, order] * rng.choice([-1, 1], 3)
    target = Geometry.from_axes(tuple(rng.integers(1, 24, 3)), rng.uniform(0.5, 5, 3), source.origin_lps_mm, turned)
    values = rng.uniform(-1, 1, source.shape).astype(np.float32)
    assert np.abs(to_grid(values, source, target, fill=-9.0) - by_scipy(values, source, target, -9.0)).max() < 1e-5


def test_what_is_no_number_spoils_its_neighbours_alone():
    source = Geometry.from_axes((8, 8, 8), (1, 1, 1))
    values = np.ones(source.shape, np.float32)
    values[4, 4, 4] = np.nan
    got = to_grid(values, source, isotropic_like(source, (0.8, 0.8, 0.8)), fill=-9.0)
    assert np.isfinite(got).all()
    assert 0 < (got == -9.0).sum() <= 27
