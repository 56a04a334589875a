from __future__ import annotations

import numpy as np
import pytest

from inference.errors import InputRefused
from inference.steps import normalise


def test_window_maps_its_edges_to_minus_one_and_one():
    got = normalise.window(np.array([-500, 0, 40, 80, 900], np.float32), 0.0, 80.0)
    assert got.tolist() == [-1, -1, 0, 1, 1]


def test_zscore_looks_at_the_foreground_only():
    values = np.array([0, 0, 0, 10, 20, 30], np.float32)
    got = normalise.zscore(values, values > 0)
    assert got[:3].tolist() == [0, 0, 0]
    assert got[3:] == pytest.approx([-1.2247, 0, 1.2247], abs=1e-3)


def test_zscore_refuses_a_constant_image():
    with pytest.raises(InputRefused):
        normalise.zscore(np.full(5, 7.0, np.float32), np.ones(5, bool))


@pytest.mark.parametrize(("factor", "unit"), [(1e-3, "mm2/s"), (1.0, "1e-3 mm2/s"), (1e3, "1e-6 mm2/s")])
@pytest.mark.parametrize("header", [True, False])
def test_adc_of_every_unit_comes_to_the_same(factor, unit, header):
    stored = np.array([0.7, 0.8, 0.9, 3.0], np.float32) * np.float32(factor)
    scale, note = normalise.adc_scale(stored, np.ones(4, bool), unit if header else "")
    assert stored * scale == pytest.approx([0.7, 0.8, 0.9, 3.0], rel=1e-5)
    assert unit in note


def test_an_adc_map_that_contradicts_its_header_is_refused():
    with pytest.raises(InputRefused, match="not a head's"):
        normalise.adc_scale(np.full(9, 0.8, np.float32), np.ones(9, bool), "mm2/s")
    with pytest.raises(InputRefused):
        normalise.adc_scale(np.full(9, 40.0, np.float32), np.ones(9, bool), "")
