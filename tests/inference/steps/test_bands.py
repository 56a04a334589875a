from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from inference.steps.bands import LARGEST_PRODUCT, Places, band, band_of, sigmas


def along_the_slow_way(plane: np.ndarray, places: Places, sigma: float) -> np.ndarray:
    """Axis 0 smoothed and sampled by scipy in double precision; not a number beyond the border."""
    smooth = ndimage.gaussian_filter1d(plane.astype(np.float64), sigma, axis=0) if sigma else plane.astype(np.float64)
    at = places.first + places.step * np.arange(places.count)
    rows, columns = np.meshgrid(np.clip(at, 0, len(plane) - 1), np.arange(plane.shape[1]), indexing="ij")
    out = ndimage.map_coordinates(smooth, [rows, columns], order=1, mode="nearest")
    out[(at < -0.5) | (at > len(plane) - 0.5)] = np.nan
    return out


@given(st.integers(0, 2**32 - 1), st.integers(1, 70), st.integers(1, 60), st.floats(-4, 4), st.booleans())
def test_a_band_is_what_scipy_does_along_an_axis(seed, size, count, step, smooth):
    rng = np.random.default_rng(seed)
    places = Places(float(rng.uniform(-3, size + 3)), step, count)
    sigma = float(sigmas([step])[0]) if smooth else 0.0
    plane = rng.uniform(-1, 1, (size, 5)).astype(np.float32)
    line = band(places, size, sigma, 5)
    expected = along_the_slow_way(plane, places, sigma)
    outside = np.isnan(expected[:, 0])
    assert np.array_equal(np.delete(np.arange(count), np.arange(count)[line.inside]), np.flatnonzero(outside))
    for got in (
        line.along(plane[:, :, None], 0)[:, :, 0],
        line.along(plane[None], 1)[0],
        line.along(plane.T[None], 2)[0].T,
    ):
        assert np.abs(got - expected)[~outside].max(initial=0.0) < 2e-6
        assert not got[outside].any()


@pytest.mark.parametrize("width", [64, 512, 2048])
def test_no_product_is_large_enough_to_be_shared_among_threads(width):
    for line in (band(Places(3.2, 1.6, 320), 512, 0.5, width), band_of(np.ones((40, 100), np.float32), width)):
        assert max(block.weights.size for block in line.blocks) * width <= LARGEST_PRODUCT
        assert sum(len(block.weights) for block in line.blocks) == line.inside.stop - line.inside.start


def test_steps_that_are_nearly_as_fine_are_not_smoothed():
    assert not sigmas([1.0, 1.05]).any()
    assert sigmas([1.05, 2.0]).all()
