from __future__ import annotations

import numpy as np
import pytest

from inference.metrics import likeness, match_boxes
from inference.result import Box


def test_likeness_of_a_volume_with_itself_and_with_noise():
    rng = np.random.default_rng(0)
    a = rng.normal(size=(3, 40, 40)).astype(np.float32)
    same = likeness(a, a)
    assert (same.ssim, same.mse, same.max_abs) == pytest.approx((1.0, 0.0, 0.0))
    assert same.psnr_db == np.inf
    b = a.copy()
    b[1, 5, 5] += 2.0
    other = likeness(a, b)
    assert other.max_abs == pytest.approx(2.0)
    assert other.mse == pytest.approx(4.0 / a.size, rel=1e-5)
    assert 0.9 < other.ssim < 1.0
    assert likeness(a, rng.normal(size=a.shape).astype(np.float32)).ssim < 0.1


def test_boxes_are_paired_by_slice_label_and_place():
    a = [Box("IPH", 0.9, 3, 0, 0, 10, 10), Box("SDH", 0.5, 3, 0, 0, 10, 10)]
    b = [Box("IPH", 0.8, 3, 1, 0, 11, 10), Box("IPH", 0.9, 4, 0, 0, 10, 10)]
    pairs = match_boxes(a, b)
    assert (pairs.matched, pairs.only_a, pairs.only_b) == (1, 1, 1)
    assert pairs.max_score_delta == pytest.approx(0.1)
