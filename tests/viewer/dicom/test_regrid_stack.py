"""Slices land where they belong, in any order of arrival."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.volume import Geometry
from viewer.dicom.geometry import SNAP_PIXELS, Planes, judge
from viewer.dicom.regrid import Canvas, placings

X, Y = np.array([1.0, 0, 0]), np.array([0, 1.0, 0])


def stack(offsets, tilt_deg=0.0, size=(24, 16), spacing=(1.0, 1.0)):
    origins = np.zeros((len(offsets), 3))
    origins[:, 2] = offsets
    origins[:, 1] = np.asarray(offsets) * np.tan(np.radians(tilt_deg))
    return Planes(origins, X, Y, spacing, size)


def painted(planes: Planes, images, order=None, fill=0.0):
    grid = judge(planes).grid
    canvas = Canvas(grid, placings(planes.origins, grid, False), fill)
    for number in order or range(len(images)):
        canvas.put(number, images[number], None)
    return canvas


@given(st.permutations(range(6)), st.floats(-25, 25))
def test_the_order_of_arrival_does_not_matter(order, tilt):
    rng = np.random.default_rng(1)
    images = rng.normal(size=(6, 24, 16)).astype(np.float32)
    planes = stack([0, 3, 6, 9, 14, 19], tilt)
    straight, mixed = painted(planes, images), painted(planes, images, order)
    np.testing.assert_allclose(straight.voxels, mixed.voxels, atol=1e-5)


@given(st.floats(-25, 25))
def test_a_field_linear_in_space_stays_that_field(tilt):
    """Linear interpolation must reproduce x + 2 y + 3 z wherever it is measured, away from drawn-out edges."""
    planes = stack([0, 4, 8, 12, 19, 26, 33], tilt)
    j, i = np.mgrid[:24, :16]
    images = [(origin[0] + i + 2 * (origin[1] + j) + 3 * origin[2]).astype(np.float32) for origin in planes.origins]
    canvas = painted(planes, images)
    k, j, i = np.indices(canvas.grid.shape)
    x, y, z = np.moveaxis(canvas.grid.world_from_index(np.stack([i, j, k], axis=-1)), -1, 0)
    valid = canvas.valid()
    valid = np.ones(canvas.grid.shape, bool) if valid is None else valid
    rows = y - z * np.tan(np.radians(tilt))
    slack = 2 + 7 * abs(np.tan(np.radians(tilt)))
    inner = valid & (rows > slack) & (rows < 23 - slack) & (z >= 0) & (z <= 33)
    assert inner.sum() > 100
    np.testing.assert_allclose(canvas.voxels[inner], (x + 2 * y + 3 * z)[inner], atol=2.1 * SNAP_PIXELS)


def test_an_upright_stack_passes_untouched():
    images = np.random.default_rng(0).normal(size=(4, 24, 16)).astype(np.float32)
    planes = stack([0, 5, 10, 15])
    grid = judge(planes).grid
    canvas = Canvas(grid, placings(planes.origins, grid, True), 0.0)
    for number in range(4):
        canvas.put(number, images[number], None)
    np.testing.assert_array_equal(canvas.voxels, images)
    assert canvas.valid() is None


def test_missing_slices_stay_empty_and_are_told():
    images = np.ones((5, 24, 16), np.float32)
    canvas = painted(stack([0, 5, 10, 25, 30]), images, fill=-1024.0)
    valid = canvas.valid()
    assert [bool(valid[k].all()) for k in range(7)] == [True, True, True, False, False, True, True]
    assert (canvas.voxels[3:5] == -1024).all()
    assert not valid[3:5].any()


def test_slices_still_to_come_are_not_valid():
    images = np.ones((4, 24, 16), np.float32)
    planes = stack([0, 5, 10, 15])
    grid = judge(planes).grid
    canvas = Canvas(grid, placings(planes.origins, grid, True), 0.0)
    canvas.put(2, images[2], None)
    assert [bool(canvas.valid()[k].any()) for k in range(4)] == [False, False, True, False]


def test_padding_is_kept_apart():
    measured = np.ones((24, 16), bool)
    measured[:3] = False
    grid = Geometry.from_axes((1, 24, 16), (1, 1, 1))
    canvas = Canvas(grid, placings(np.zeros((1, 3)), grid, True), -1024.0)
    canvas.put(0, np.full((24, 16), 7, np.float32), measured)
    np.testing.assert_array_equal(canvas.valid()[0], measured)


@given(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5))
def test_a_shift_by_part_of_a_pixel_keeps_the_sum_of_what_lies_inside(part_i, part_j):
    image = np.zeros((24, 16), np.float32)
    image[8:14, 5:11] = np.random.default_rng(2).uniform(1, 9, (6, 6))
    grid = Geometry.from_axes((1, 24, 16), (1, 1, 1))
    canvas = Canvas(grid, placings(np.array([[part_i, part_j, 0.0]]), grid, False), 0.0)
    canvas.put(0, image, None)
    assert canvas.voxels.sum() == pytest.approx(image.sum(), rel=1e-5)
