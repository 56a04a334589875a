"""Each trainee's loss falls on data it can learn, and its losses are what they claim."""

import numpy as np
import pytest
import torch

from engines.phantom.tissue import Tissue
from engines.phantom.training import STROKE_TISSUES
from engines.training.boxed_slices import BoxedSlices
from engines.training.detection import DetectionSettings, DetectionTrainee
from engines.training.diffusion_pictures import WHITE
from engines.training.lesion_tiles import lesion_case
from engines.training.paired_slices import PairedSlices, joined, paired_batch
from engines.training.segmentation import (
    SegmentationSettings,
    SegmentationTrainee,
    dice_loss,
    soft_cross_entropy,
    supervised_loss,
)
from engines.training.translation import TranslationSettings, TranslationTrainee

ACUTE = next(n for n, group in enumerate(STROKE_TISSUES) if Tissue.INFARCT_ACUTE in group)


def _pairs(count: int = 6) -> PairedSlices:
    rng = np.random.default_rng(0)
    j, i = np.mgrid[:256, :256]
    disks = [((j - rng.integers(90, 160)) ** 2 + (i - rng.integers(90, 160)) ** 2) < 60**2 for _ in range(count)]
    source = np.where(np.stack(disks), 0.3, -1.0).astype(np.float16)
    return PairedSlices(source, np.where(source > 0, 0.8, -1.0).astype(np.float16))


def test_perfect_logits_cost_nothing_and_wrong_ones_much() -> None:
    labels = (torch.rand(2, 8, 8, 8) > 0.7).long()
    target = torch.nn.functional.one_hot(labels, 2).movedim(-1, 1).float()
    right = (target - 0.5) * 40
    assert float(dice_loss(right, target)) == pytest.approx(0.0, abs=1e-3)
    assert float(soft_cross_entropy(right, target)) == pytest.approx(0.0, abs=1e-6)
    assert float(dice_loss(-right, target)) > 0.9
    levels = [right, torch.nn.functional.avg_pool3d(right, 2)]
    assert float(supervised_loss(levels, labels)) < float(supervised_loss([-x for x in levels], labels))


@pytest.mark.slow
def test_the_segmentation_loss_falls() -> None:
    spot = np.zeros((32, 32, 32), bool)
    spot[10:20, 12:22, 8:20] = True
    tissues = np.zeros((len(STROKE_TISSUES), *spot.shape), np.uint8)
    tissues[WHITE], tissues[ACUTE] = 255 * ~spot, 255 * spot
    dwi = np.where(spot, 250, 100).astype(np.float32)
    case = lesion_case(dwi, np.where(spot, 0.4, 0.8).astype(np.float32), tissues, (255 * spot).astype(np.uint8))
    settings = SegmentationSettings(batch=2, rate=3e-3, crop=32, widths=(8, 16, 16))
    trainee = SegmentationTrainee([case], settings, 0)
    losses = [trainee.learn(step, 1.0) for step in range(30)]
    assert np.mean(losses[-8:]) < 0.8 * np.mean(losses[:8])


@pytest.mark.slow
def test_the_detection_loss_falls() -> None:
    rng = np.random.default_rng(0)
    pixels = np.full((8, 96, 96), 80, np.uint8)
    boxes = []
    for n in range(8):
        x, y = rng.integers(20, 50, 2)
        pixels[n, y : y + 24, x : x + 24] = 220
        boxes.append(np.array([[x, y, x + 24, y + 24]], np.float32))
    slices = BoxedSlices(pixels, tuple(boxes), (np.zeros(1, np.int64),) * 8, ("a",) * 8)
    trainee = DetectionTrainee(slices, slices, 1, DetectionSettings(batch=4, rate=2e-3), 0)
    losses = [trainee.learn(step, 1.0) for step in range(30)]
    assert np.mean(losses[-5:]) < 0.75 * np.mean(losses[:5])


@pytest.mark.slow
def test_the_translation_distance_falls() -> None:
    trainee = TranslationTrainee(_pairs(), TranslationSettings(batch=2, rate=2e-3, width=4), 0)
    losses = [trainee.learn(step, 1.0) for step in range(25)]
    assert np.mean(losses[-5:]) < 0.6 * np.mean(losses[:5])


def test_pairs_move_together_and_only_the_source_is_grained() -> None:
    source, target = paired_batch(_pairs(), 6, np.random.default_rng(1))
    overlap = ((source > -0.4) & (target > 0)).sum() / ((source > -0.4) | (target > 0)).sum()
    assert float(overlap) > 0.97
    assert float(target.max()) <= 0.81
    assert len(joined([_pairs(2), _pairs(3)])) == 5
