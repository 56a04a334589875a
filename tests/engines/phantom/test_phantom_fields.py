"""Noise and solids: numbers that can be worked out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.phantom.noise import band_noise, enlarge, mottle, sheet_field, slow
from engines.phantom.shapes import common, ellipsoid, sheet, tube, union
from inference.volume import Floats


def grid(step: float = 1.0, reach: float = 30.0) -> tuple[Floats, Floats, Floats]:
    line = np.arange(-reach, reach + step / 2, step, dtype=np.float32)
    z, y, x = np.meshgrid(line, line, line, indexing="ij")
    return x, y, z


def test_band_noise_is_unit_and_periodic() -> None:
    field = band_noise(np.random.default_rng(3), 18.0)
    assert field.cube.mean() == pytest.approx(0, abs=1e-5)
    assert field.cube.std() == pytest.approx(1, abs=1e-5)
    x, y, z = grid(2.0)
    period = np.float32(field.step_mm * 64)
    np.testing.assert_allclose(field.at(x, y, z), field.at(x + period, y - period, z), atol=2e-4)


def test_band_noise_has_its_wavelength() -> None:
    field = band_noise(np.random.default_rng(4), 20.0)
    spectrum = np.abs(np.fft.fftn(field.cube)) ** 2
    axes = np.meshgrid(*[np.fft.fftfreq(64, field.step_mm)] * 3, indexing="ij")
    frequency = np.sqrt(sum(a * a for a in axes))
    mean = float((spectrum * frequency).sum() / spectrum.sum())
    assert 0.7 < mean * 20.0 < 1.7


def test_sheets_are_as_far_as_they_say() -> None:
    field = sheet_field(np.random.default_rng(5), 24.0)
    slope = np.linalg.norm(np.gradient(field.cube, field.step_mm), axis=0)
    beside = np.abs(field.cube) < 0.8
    assert np.median(slope[beside]) == pytest.approx(1.0, abs=0.25)


def test_slow_lookup_is_the_lookup() -> None:
    x, y, z = grid(1.0)
    field = band_noise(np.random.default_rng(6), 60.0)
    assert (slow(field, x, y, z) - field.at(x, y, z)).std() < 0.04


def test_enlarge_keeps_a_plane() -> None:
    k, j, i = np.meshgrid(*[np.arange(0, 16, 3, dtype=np.float32)] * 3, indexing="ij")
    found = enlarge(2 * k + 3 * j - i, (14, 15, 13), 3)
    k, j, i = np.meshgrid(np.arange(14), np.arange(15), np.arange(13), indexing="ij")
    np.testing.assert_allclose(found, 2 * k + 3 * j - i, atol=1e-4)


def test_mottle_is_about_unit() -> None:
    assert mottle(np.random.default_rng(1), (40, 40, 40)).std() == pytest.approx(0.75, abs=0.3)


@given(radius=st.floats(4, 20), shift=st.floats(-5, 5))
def test_a_sphere_knows_its_distance(radius: float, shift: float) -> None:
    x, y, z = grid(3.0)
    found = ellipsoid(x, y, z, (shift, 0, 0), (radius, radius, radius))
    true = radius - np.sqrt((x - shift) ** 2 + y**2 + z**2)
    near = np.abs(true) < 1.5
    np.testing.assert_allclose(found[near], true[near], atol=0.7)
    assert ((found > 0) == (true > 0))[np.abs(true) > 1e-3].all()


@given(st.floats(-15, 15), st.floats(-15, 15), st.floats(1, 6), st.floats(1, 6))
def test_a_tube_is_its_round_cone(a: float, b: float, first: float, last: float) -> None:
    x, y, z = grid(3.0)
    found = tube(x, y, z, [(a, 0, -10, first), (b, 5, 12, last)])
    start, way = np.array([a, 0.0, -10.0]), np.array([b - a, 5.0, 22.0])
    points = np.stack([x, y, z], axis=-1) - start
    share = np.clip(points @ way / (way @ way), 0, 1)
    true = first + share * (last - first) - np.linalg.norm(points - share[..., None] * way, axis=-1)
    near = true > -15
    np.testing.assert_allclose(found[near], true[near], atol=1e-3)


def test_blends_are_at_least_the_hard_ones() -> None:
    x, y, _ = grid(2.0)
    assert (union(x, y, 3.0) >= np.maximum(x, y) - 1e-5).all()
    assert (common(x, y, 3.0) <= np.minimum(x, y) + 1e-5).all()
    assert union(x, y, 3.0)[np.abs(x - y) > 6] == pytest.approx(np.maximum(x, y)[np.abs(x - y) > 6], abs=1e-4)


def test_a_sheet_ends() -> None:
    x, y, _ = grid(1.0)
    found = sheet(np.abs(x) - 1, y - 5)
    assert found[30, 30, 30] == 0
    assert found[30, 30 + 9, 30 + 4] == pytest.approx(5.0)
