from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from inference.steps.brain import without_holes
from inference.steps.head import _opened

IN_PLANE = ndimage.generate_binary_structure(2, 1)
SHAPES = st.tuples(*[st.integers(1, 14)] * 3)


@given(st.integers(0, 2**32 - 1), SHAPES, st.sampled_from([0.3, 0.85]))
def test_opening_and_filling_in_the_plane_are_scipys(seed, shape, share):
    mask = np.random.default_rng(seed).random(shape) < share
    assert np.array_equal(_opened(mask), np.stack([ndimage.binary_opening(plane, IN_PLANE) for plane in mask]))
    assert np.array_equal(without_holes(mask), np.stack([ndimage.binary_fill_holes(plane) for plane in mask]))
