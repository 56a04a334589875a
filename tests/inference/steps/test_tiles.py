from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from inference.steps.tiles import Stitch, bell, cut, pad_to, tile_starts, tile_weights

SIDES = st.tuples(*[st.integers(3, 40)] * 3)
TILES = st.tuples(*[st.integers(3, 16)] * 3)


@given(SIDES, TILES, st.sampled_from([0.0, 0.25, 0.5]))
@settings(max_examples=60, deadline=None)
def test_stitching_what_was_cut_gives_it_back(shape, size, overlap):
    voxels = np.random.default_rng(0).normal(size=(2, *shape)).astype(np.float32)
    padded, inner = pad_to(voxels, size)
    whole = padded.shape[1:]
    stitch = Stitch(2, whole, size)
    for start, tile in cut(padded, tile_starts(whole, size, overlap), size):
        assert tile.shape[1:] == size
        stitch.add(start, tile)
    assert np.allclose(stitch.logits()[(slice(None), *inner)], voxels, atol=1e-5)


def test_starts_are_those_of_nnunet():
    # nnU-Net v2 compute_steps_for_sliding_window: 112 with tile 64 and step 0.5 -> 0, 24, 48
    assert [s[0] for s in tile_starts((112, 64, 64), (64, 64, 64), 0.5)] == [0, 24, 48]
    assert tile_starts((10, 10, 10), (64, 64, 64), 0.5) == [(0, 0, 0)]


def test_weights_peak_in_the_middle_and_never_vanish():
    weights = tile_weights((16, 16, 16))
    assert weights[8, 8, 8] == pytest.approx(1.0)
    assert weights.min() > 0
    assert weights[0, 0, 0] < 1e-3


@pytest.mark.parametrize("size", [(16, 12, 20), (9, 7), (3, 5, 1)])
def test_the_bell_is_a_smoothed_impulse_to_the_last_bit(size):
    impulse = np.zeros(size)
    impulse[tuple(n // 2 for n in size)] = 1.0
    assert np.array_equal(bell(size), ndimage.gaussian_filter(impulse, [n / 8 for n in size], mode="constant"))
