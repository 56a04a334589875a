"""Tiles for the stroke network: normalised as inference does, moved together with their labels, repeatable."""

import numpy as np
import pytest

from engines.training.lesion_tiles import LesionCase, lesion_case, tile_batch
from inference.steps import normalise
from inference.steps.head import mr_foreground

SHAPE = (40, 44, 36)


def _case(seed: int = 0, lesion: bool = True) -> LesionCase:
    rng = np.random.default_rng(seed)
    k, j, i = np.mgrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    head = ((k - 20) / 17) ** 2 + ((j - 22) / 19) ** 2 + ((i - 18) / 15) ** 2 < 1
    spot = ((k - 24) ** 2 + (j - 18) ** 2 + (i - 20) ** 2 < 16) & lesion
    dwi = (head * rng.normal(100, 8, SHAPE) + spot * 150).astype(np.float32)
    adc = (head * 0.8 - spot * 0.4).astype(np.float32)
    return lesion_case(dwi, adc, spot)


def test_a_case_is_normalised_by_the_functions_of_inference() -> None:
    rng = np.random.default_rng(1)
    dwi = np.abs(rng.normal(50, 40, SHAPE)).astype(np.float32)
    adc = rng.uniform(0, 3, SHAPE).astype(np.float32)
    case = lesion_case(dwi, adc, np.zeros(SHAPE, bool))
    foreground = mr_foreground(dwi)
    np.testing.assert_array_equal(case.channels[0], normalise.zscore(dwi, foreground))
    np.testing.assert_array_equal(case.channels[1], normalise.adc(adc, foreground))


def test_tiles_have_the_size_and_stay_in_range() -> None:
    tiles, labels = tile_batch([_case()], 4, 32, np.random.default_rng(0))
    assert tuple(tiles.shape) == (4, 2, 32, 32, 32)
    assert tuple(labels.shape) == (4, 32, 32, 32)
    assert float(tiles[:, 0].min()) >= -5
    assert float(tiles[:, 0].max()) <= 10
    assert float(tiles[:, 1].abs().max()) <= 1
    assert set(labels.unique().tolist()) <= {0, 1}


def test_most_tiles_hold_some_of_the_lesion_and_keep_its_brightness() -> None:
    tiles, labels = tile_batch([_case()], 24, 32, np.random.default_rng(2))
    held = [n for n in range(24) if labels[n].sum() > 10]
    assert len(held) >= 14
    brighter = [tiles[n, 0][labels[n] == 1].mean() > tiles[n, 0][tiles[n, 0] != 0].mean() for n in held]
    lower = [tiles[n, 1][labels[n] == 1].mean() < tiles[n, 1][tiles[n, 1] != 0].mean() for n in held]
    assert np.mean(brighter) > 0.85
    assert np.mean(lower) > 0.85


@pytest.mark.slow
def test_the_lesion_keeps_its_size_on_average() -> None:
    case = _case()
    _, labels = tile_batch([case], 40, 48, np.random.default_rng(3))
    whole = [int(n.sum()) for n in labels if int(n.sum()) > 0.4 * case.lesion.sum()]
    assert np.median(whole) == pytest.approx(case.lesion.sum(), rel=0.2)


def test_a_batch_is_a_function_of_its_generator() -> None:
    a, la = tile_batch([_case()], 2, 24, np.random.default_rng(9))
    b, lb = tile_batch([_case()], 2, 24, np.random.default_rng(9))
    assert np.array_equal(a, b)
    assert np.array_equal(la, lb)
    assert not np.array_equal(a[0], a[1])


def test_a_head_without_lesion_gives_empty_labels() -> None:
    _, labels = tile_batch([_case(lesion=False)], 3, 24, np.random.default_rng(4))
    assert int(labels.sum()) == 0
