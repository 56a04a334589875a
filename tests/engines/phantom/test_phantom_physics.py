"""Signal equations, noise and sampling against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.phantom.noise import grid_noise
from engines.phantom.sampling import sample
from engines.phantom.scanner import bias_field, ct_noise, rician, table
from engines.phantom.signal import Sequence, draw_scanner, signal, signals, standard_scanner
from engines.phantom.tissue import PROPERTIES, Properties, Tissue
from inference.volume import Channel, Geometry

WATER = Properties(0, 1.0, (2000, 3000), 100, 1.0, 0.5)


def test_every_tissue_has_properties() -> None:
    assert set(PROPERTIES) == set(Tissue)


@given(b=st.floats(0, 3000), te=st.floats(5, 200))
def test_diffusion_and_echo_decay(b: float, te: float) -> None:
    still = signal(WATER, Sequence(1e6, te), 3.0)
    assert still == pytest.approx(np.exp(-te / 100), rel=1e-6)
    assert signal(WATER, Sequence(1e6, te, b=b), 3.0) == pytest.approx(still * np.exp(-b / 1000), rel=1e-6)


def test_inversion_nulls_water() -> None:
    null = 3000 * np.log(2)
    assert signal(WATER, Sequence(1e9, 0, ti=null), 3.0) == pytest.approx(0, abs=1e-6)


def test_contrast_shortens_t1() -> None:
    plain, enhanced = Sequence(500, 0), Sequence(500, 0, contrast=True)
    assert signal(WATER, enhanced, 3.0) == pytest.approx(1 - np.exp(-500 / 1500))
    assert signal(WATER, plain, 1.5) == pytest.approx(1 - np.exp(-500 / 2000))


@pytest.mark.parametrize("seed", range(6))
def test_contrasts_are_those_of_a_reader(seed: int) -> None:
    """T1: white over grey over water. T2: water over grey over white. FLAIR: water dark. Acute infarct: DWI bright."""
    scanner = draw_scanner(np.random.default_rng(seed)) if seed else standard_scanner()
    t1, t2, flair, dwi = (
        signals(scanner.sequences[c], scanner) for c in (Channel.T1, Channel.T2, Channel.FLAIR, Channel.DWI)
    )
    assert t1[Tissue.WHITE] > t1[Tissue.GREY] > t1[Tissue.CSF]
    assert t2[Tissue.CSF] > 1.8 * t2[Tissue.GREY] > 1.8 * t2[Tissue.WHITE]
    assert flair[Tissue.CSF] < 0.25 * flair[Tissue.WHITE] < flair[Tissue.OEDEMA]
    assert 0.85 < dwi[Tissue.GREY] / dwi[Tissue.WHITE] < 1.2
    assert dwi[Tissue.INFARCT_ACUTE] > 1.4 * dwi[Tissue.INFARCT_RIM] * 0.85 > 1.1 * dwi[Tissue.WHITE]
    assert dwi[Tissue.GLIOSIS] > dwi[Tissue.WHITE] > dwi[Tissue.CSF]


def test_rician_noise_in_air() -> None:
    air = rician(np.random.default_rng(0), np.zeros((40, 40, 40), np.float32), 5.0)
    assert air.mean() == pytest.approx(5 * np.sqrt(np.pi / 2), rel=0.01)
    assert air.min() >= 0


def test_ct_noise_has_its_size_and_grain() -> None:
    geometry = Geometry.from_axes((4, 200, 200), (0.5, 0.5, 5.0))
    noise = ct_noise(np.random.default_rng(0), geometry, 4.0)
    assert noise.std() == pytest.approx(4.0, rel=1e-3)
    rows = (noise[:, :, 1:] * noise[:, :, :-1]).mean() / noise.var()
    slices = (noise[1:] * noise[:-1]).mean() / noise.var()
    assert rows > 0.5
    assert abs(slices) < 0.1


def test_bias_is_smooth_and_about_one() -> None:
    geometry = Geometry.from_axes((20, 40, 40), (2, 2, 2))
    gain = bias_field(np.random.default_rng(0), geometry, 0.1)
    assert gain.mean() == pytest.approx(1, abs=0.15)
    assert np.abs(np.diff(gain, axis=2)).max() < 0.05
    assert (bias_field(np.random.default_rng(0), geometry, 0.0) == 1).all()


def test_the_head_rest_lies_behind() -> None:
    geometry = Geometry.from_axes((1, 300, 300), (1, 1, 1), (-150, -150, 0))
    shell = table(geometry, (0.0, 0.0), 120.0)
    rows, _ = np.nonzero(shell)
    assert rows.min() - 150 > -30
    assert rows.max() - 150 == pytest.approx(125, abs=6)


def test_sampling_keeps_the_mean_of_a_ramp() -> None:
    k, j, i = np.meshgrid(np.arange(30.0), np.arange(30.0), np.arange(30.0), indexing="ij")
    ramp = (2 * k - j + 0.5 * i).astype(np.float32)
    wanted = Geometry.from_axes((4, 5, 6), (3.0, 2.0, 4.0), (4.0, 5.0, 6.0))
    found = sample(ramp, np.eye(4), wanted)
    points = wanted.world_from_index(np.stack(np.meshgrid(np.arange(6), np.arange(5), np.arange(4), indexing="ij"), -1))
    true = (2 * points[..., 2] - points[..., 1] + 0.5 * points[..., 0]).transpose(2, 1, 0)
    np.testing.assert_allclose(found, true, atol=1e-3)


def test_thick_slices_mix_thin_ones() -> None:
    step = np.zeros((40, 8, 8), np.float32)
    step[20:] = 100
    thick = Geometry.from_axes((1, 4, 4), (1, 1, 10.0), (2, 2, 19.5))
    assert sample(step, np.eye(4), thick)[0, 1, 1] == pytest.approx(50, abs=8)
    assert sample(step, np.eye(4), thick, thickness_mm=2.0)[0, 1, 1] == pytest.approx(50, abs=1)
    assert (
        sample(step, np.eye(4), Geometry.from_axes((1, 4, 4), (1, 1, 10.0), (2, 2, 15.0)), partial_volume=False).max()
        == 0
    )


def test_grid_noise_is_unit() -> None:
    assert grid_noise(np.random.default_rng(0), (20, 20, 20), (1, 1, 1)).std() == pytest.approx(1, abs=1e-4)
