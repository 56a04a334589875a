"""Tiles for the stroke network: a head as inference sees it, and pictures made of it that obey physics."""

import numpy as np
import pytest
import torch

from engines.phantom.tissue import Tissue
from engines.phantom.training import STROKE_TISSUES
from engines.training.diffusion_pictures import CSF, GREY, WHITE, scanned
from engines.training.lesion_tiles import LesionCase, lesion_case, tile_batch
from engines.training.painted_lesions import VOXEL_ML, painted
from inference.steps import normalise
from inference.steps.brain import brain_mask

SHAPE = (40, 44, 36)
ACUTE = next(n for n, group in enumerate(STROKE_TISSUES) if Tissue.INFARCT_ACUTE in group)


def _case(lesion: bool = True) -> LesionCase:
    rng = np.random.default_rng(0)
    k, j, i = np.mgrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    head = ((k - 20) / 17) ** 2 + ((j - 22) / 19) ** 2 + ((i - 18) / 15) ** 2 < 1
    spot = ((k - 24) ** 2 + (j - 18) ** 2 + (i - 20) ** 2 < 25) & lesion
    tissues = np.zeros((len(STROKE_TISSUES), *SHAPE), np.uint8)
    tissues[GREY] = 255 * (head & ~spot & (i % 6 < 3))
    tissues[WHITE] = 255 * (head & ~spot & (i % 6 >= 3))
    tissues[ACUTE] = 255 * spot
    dwi = (head * rng.normal(100, 8, SHAPE) + spot * 100).astype(np.float32)
    adc = (head * 0.8 - spot * 0.4).astype(np.float32)
    return lesion_case(dwi, adc, tissues, (255 * spot).astype(np.uint8))


def test_a_head_is_normalised_by_the_functions_of_inference() -> None:
    case = _case()
    _, j, i = np.mgrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    dwi = np.where(case.brain, 80.0 + i, 0.0).astype(np.float32)
    adc = np.where(case.brain, 0.7 + j / 100, 0.0).astype(np.float32)
    again = lesion_case(dwi, adc, case.tissues, case.cover)
    brain = brain_mask(dwi, (2.0, 2.0, 2.0))
    np.testing.assert_array_equal(again.channels[0], normalise.relative(dwi, brain))
    np.testing.assert_array_equal(again.channels[1], normalise.relative(adc, brain))
    assert not again.channels[:, ~brain].any()


def test_tiles_have_the_size_and_stay_in_range() -> None:
    tiles, labels = tile_batch([_case()], 4, 32, np.random.default_rng(0))
    assert tuple(tiles.shape) == (4, 2, 32, 32, 32)
    assert tuple(labels.shape) == (4, 32, 32, 32)
    assert torch.isfinite(tiles).all()
    assert float(tiles.min()) >= normalise.RELATIVE[0]
    assert float(tiles.max()) <= normalise.RELATIVE[1]
    assert set(labels.unique().tolist()) == {0, 1}


def test_some_tiles_show_the_head_as_it_was_scanned() -> None:
    """Its own pictures carry no more numbers than these; a picture scanned anew never repeats them."""
    case = _case()
    two = np.where(case.brain, np.where(case.cover > 127, 1.5, 0.25), 0.0).astype(np.float32)
    flat = LesionCase(np.stack([two, -two / 2]), case.brain, case.tissues, case.cover)
    tiles, _ = tile_batch([flat], 60, 16, np.random.default_rng(4))
    own = sum(bool(torch.allclose(t[1], -t[0] / 2, atol=1e-5)) for t in tiles if t.any())
    shown = sum(bool(t.any()) for t in tiles)
    assert 0.2 < own / shown < 0.5


def test_what_is_marked_is_brighter_on_dwi_and_lower_on_adc_than_healthy_brain() -> None:
    case = _case()
    tiles, labels = tile_batch([case], 30, 32, np.random.default_rng(2))
    held = [n for n in range(30) if labels[n].sum() > 30]
    assert len(held) >= 15
    brighter, lower = [], []
    for tile, label in ((tiles[n], labels[n]) for n in held):
        healthy = (tile[0] != 0) & (label == 0)
        dwi, adc = (float(c[label == 1].median() - c[healthy].median()) for c in tile)
        brighter.append(dwi > 0)
        lower.append(adc < 0)
    assert np.mean(brighter) > 0.9
    assert np.mean(lower) > 0.9


def test_healthy_brain_lies_near_zero_whatever_the_scanner() -> None:
    case = _case(lesion=False)
    tissues = torch.from_numpy(case.tissues).float() / 255
    none, brain = torch.zeros(SHAPE), torch.from_numpy(case.brain)
    middles = []
    for seed in range(48):
        channels, cover = scanned(tissues, none, brain, np.random.default_rng(seed))
        inside = (tissues[[GREY, WHITE]].sum(0) > 0.9) & (cover == 0) & brain
        middles.append([float(channel[inside].median()) for channel in channels])
    assert np.abs(np.median(middles, axis=0)).max() < 0.12
    assert np.abs(np.mean(middles, axis=0)).max() < 0.12
    assert np.abs(middles).max() < 0.8


def test_painted_infarcts_stay_in_the_brain_and_cover_a_wide_range_of_sizes() -> None:
    room = torch.zeros(SHAPE)
    room[6:34, 6:38, 6:30] = 1.0
    free = torch.ones(SHAPE)
    free[:, :, 20:] = 0.0
    sizes = []
    for seed in range(60):
        new = painted(room, free, np.random.default_rng(seed))
        assert float(new.cover[:, :, 20:].max()) == 0.0
        assert float(new.adc.min()) >= 0.3
        fresh = new.cover > 0.9
        if fresh.any():
            sizes.append(float((new.cover * room).sum()) * VOXEL_ML)
            assert float((new.adc[fresh] < 1).float().mean()) > 0.5
    assert len(sizes) > 25
    assert min(sizes) < 0.3
    assert max(sizes) > 8.0


def test_a_picture_leaves_the_head_it_is_made_of_as_it_was() -> None:
    tissues = torch.zeros((len(STROKE_TISSUES), 8, 8, 8))
    tissues[CSF], tissues[GREY] = 0.4, 0.6
    brain = torch.ones((8, 8, 8), dtype=torch.bool)
    before = tissues.clone()
    for seed in range(6):
        scanned(tissues, torch.zeros((8, 8, 8)), brain, np.random.default_rng(seed))
    assert torch.equal(tissues, before)


@pytest.mark.slow
def test_the_lesion_keeps_its_size_on_average() -> None:
    case = _case()
    true = int((case.cover > 127).sum())
    _, labels = tile_batch([case], 40, 48, np.random.default_rng(3))
    whole = [int(n.sum()) for n in labels if 0.4 * true < int(n.sum()) < 2.5 * true]
    assert len(whole) >= 8
    assert np.median(whole) == pytest.approx(true, rel=0.3)


def test_a_batch_is_a_function_of_its_generator() -> None:
    a, la = tile_batch([_case()], 2, 24, np.random.default_rng(9))
    b, lb = tile_batch([_case()], 2, 24, np.random.default_rng(9))
    assert np.array_equal(a, b)
    assert np.array_equal(la, lb)
    assert not np.array_equal(a[0], a[1])
