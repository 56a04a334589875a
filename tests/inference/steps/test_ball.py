from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from inference.steps.ball import deeper, within
from inference.steps.box import box_round

MM = st.sampled_from([1.0, 1.5, 2.0, 2.2, 3.1])


@given(
    st.integers(0, 2**32 - 1),
    st.tuples(*[st.integers(1, 16)] * 3),
    st.tuples(MM, MM, MM),
    st.sampled_from([1.0, 3.0, 4.5, 7.5]),
    st.sampled_from([0.02, 0.5, 0.98]),
)
def test_a_ball_reaches_as_far_as_a_map_of_distances(seed, shape, spacing, reach, share):
    mask = np.random.default_rng(seed).random(shape) < share
    mask.flat[0], mask.flat[-1] = True, mask.size == 1
    far = ndimage.distance_transform_edt(~mask, sampling=spacing[::-1])
    assert np.array_equal(within(mask, reach, spacing), far <= reach)
    if not mask.all():
        deep = ndimage.distance_transform_edt(mask, sampling=spacing[::-1])
        assert np.array_equal(deeper(mask, reach, spacing), deep > reach)


@given(st.integers(0, 2**32 - 1), st.tuples(*[st.integers(1, 9)] * 3), st.integers(0, 2))
def test_the_box_is_the_smallest_one(seed, shape, margin):
    mask = np.random.default_rng(seed).random(shape) < 0.03
    box = box_round(mask, (margin,) * 3)
    if not mask.any():
        assert box is None
        return
    kji = np.argwhere(mask)
    assert [s.start for s in box] == np.maximum(kji.min(axis=0) - margin, 0).tolist()
    assert [s.stop for s in box] == (kji.max(axis=0) + 1 + margin).tolist()
