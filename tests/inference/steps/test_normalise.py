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


def healthy_brain() -> np.ndarray:
    return np.random.default_rng(0).normal(200.0, 12.0, 20_000).astype(np.float32)


@pytest.mark.parametrize("gain", [1e-3, 1.0, 37.0])
def test_relative_puts_healthy_tissue_at_zero_whatever_the_gain_the_lesion_and_the_fluid(gain):
    values = np.concatenate([healthy_brain(), np.full(6000, 520.0), np.linspace(5, 150, 7000)]).astype(np.float32)
    got = normalise.relative(values * np.float32(gain), np.ones(values.shape, bool))
    assert np.median(got[:20_000]) == pytest.approx(0.0, abs=0.03)
    assert got[20_000:26_000] == pytest.approx(1.6, abs=0.08)


def test_relative_is_limited_and_leaves_the_outside_at_zero():
    values = np.concatenate([healthy_brain(), [0.0, 5000.0, 200.0]]).astype(np.float32)
    foreground = np.ones(values.shape, bool)
    foreground[-1] = False
    assert normalise.relative(values, foreground)[-3:].tolist() == [-1.0, 4.0, 0.0]
    with pytest.raises(InputRefused):
        normalise.relative(np.zeros(5, np.float32), np.ones(5, bool))


def test_the_commonest_value_is_no_middle():
    values = np.concatenate([healthy_brain(), np.full(9000, 600.0)]).astype(np.float32)
    assert normalise.commonest(values) == pytest.approx(200.0, abs=5.0)
    assert float(values.mean()) > 300.0


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
