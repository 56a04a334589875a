"""MONAI's sliding window, worked out by hand; held against MONAI's own in `test_monai_parity`."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.steps.windows import WindowMean, cut, padded, starts, weights

SIDES = st.tuples(*[st.integers(1, 14)] * 3)
OVERLAPS = st.tuples(*[st.floats(0, 0.8)] * 3)
SINGLE = 3e-5  # hundreds of terms summed in single precision


def test_windows_keep_their_distance_and_the_last_is_pushed_back():
    assert starts((10, 4, 4), (4, 4, 4), (0.25, 0.25, 0.25)) == [(0, 0, 0), (3, 0, 0), (6, 0, 0)]
    assert [a for a, _, _ in starts((11, 4, 4), (4, 4, 4), (0.25,) * 3)] == [0, 3, 6, 7]
    assert [a for a, _, _ in starts((9, 1, 1), (4, 1, 1), (0.9,) * 3)] == [0, 1, 2, 3, 4, 5]


@given(SIDES, SIDES, OVERLAPS)
def test_every_voxel_is_covered_and_an_even_answer_stays_even(shape, size, overlap):
    wide, inner = padded(np.ones((1, *shape), np.float32), size, 0.0)
    mean = WindowMean(wide.shape[1:], weights(size, True, 0.125))
    for start in starts(wide.shape[1:], size, overlap):
        assert cut(wide, start, size).shape[1:] == size
        mean.add(start, np.full((2, *size), 3.0, np.float32))
    assert mean.field()[(slice(None), *inner)].shape == (2, *shape)
    assert float(np.abs(mean.field() - 3.0).max()) < SINGLE


@given(SIDES, SIDES)
def test_padding_comes_off_again(shape, size):
    voxels = np.random.default_rng(0).standard_normal((2, *shape)).astype(np.float32)
    wide, inner = padded(voxels, size, 9.0)
    assert np.array_equal(wide[(slice(None), *inner)], voxels)
    assert wide.sum() == pytest.approx(voxels.sum() + 9.0 * (wide.size - voxels.size), rel=1e-4)


def test_the_odd_voxel_of_padding_goes_behind():
    wide, inner = padded(np.ones((1, 2, 3, 5), np.float32), (5, 3, 8), 0.0)
    assert wide.shape == (1, 5, 3, 8)
    assert [(s.start, s.stop) for s in inner] == [(1, 3), (0, 3), (1, 6)]
    assert padded(np.arange(2, dtype=np.float32).reshape(1, 2, 1, 1), (5, 1, 1), None)[0].ravel().tolist() == [
        0,
        0,
        1,
        1,
        1,
    ]


def test_the_gaussian_is_even_and_ends_at_a_thousandth():
    field = weights((16, 9, 4), True, 0.125)
    assert field.min() == pytest.approx(1e-3)
    assert np.array_equal(field, field[::-1, ::-1, ::-1])
    assert field[8, 4, 2] == pytest.approx(np.exp(-(0.5**2) / 8) * np.exp(-(0.5**2) / 0.5))
    assert (weights((3, 3, 3), False, 0.1) == 1).all()
