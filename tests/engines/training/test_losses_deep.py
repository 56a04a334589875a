"""nnU-Net's loss: its weights, and its own code as the judge."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from engines.architectures.nnunet import published
from engines.architectures.unet3d import UNet3d
from engines.training.losses_deep import deep_supervision_weights, deeply_supervised, dice_and_cross_entropy


def test_weights_of_the_published_network() -> None:
    """Five resolutions in the decoder; the coarsest is left out."""
    assert deep_supervision_weights(5) == pytest.approx([8 / 15, 4 / 15, 2 / 15, 1 / 15, 0])
    with torch.device("meta"):
        levels = published().supervised(torch.empty(1, 2, 128, 128, 128), 5)
    assert [tuple(level.shape[1:]) for level in levels] == [(2, n, n, n) for n in (128, 64, 32, 16, 8)]


@given(st.integers(2, 9))
def test_weights_halve_and_share_one(resolutions: int) -> None:
    weights = deep_supervision_weights(resolutions)
    assert sum(weights) == pytest.approx(1)
    assert weights[-1] == 0
    assert all(b == pytest.approx(a / 2) for a, b in pairwise(weights[:-1]))


def test_one_resolution_has_all_the_weight() -> None:
    assert deep_supervision_weights(1) == (1.0,)


def test_by_hand() -> None:
    """Two voxels, two classes: the lesion's share is 0.5 and 0.8, the truth 0 and 1."""
    logits = torch.tensor([[[0.0, 0.0], [0.0, 4.0**0.5]]])
    share = torch.tensor([0.5, 1 / (1 + torch.exp(torch.tensor(-2.0)))])
    dice = 2 * share[1] / (share.sum() + 1)
    entropy = -(torch.log(share[0]) + torch.log(share[1])) / 2
    found = dice_and_cross_entropy(logits, torch.tensor([[0, 1]]))
    assert float(found) == pytest.approx(float(1 - dice + entropy), abs=1e-4)


def levels_and_labels() -> tuple[list[Tensor], Tensor]:
    torch.manual_seed(4)
    labels = torch.randint(0, 3, (2, 16, 8, 16))
    return [torch.randn(2, 3, 16 // n, 8 // n, 16 // n) for n in (1, 2, 4)], labels


def test_nnunet_says_the_same() -> None:
    dice = pytest.importorskip("nnunetv2.training.loss.dice")
    compound = pytest.importorskip("nnunetv2.training.loss.compound_losses")
    deep = pytest.importorskip("nnunetv2.training.loss.deep_supervision")
    down = pytest.importorskip("batchgeneratorsv2.transforms.utils.deep_supervision_downsampling")
    settings = {"batch_dice": False, "smooth": 1e-5, "do_bg": False, "ddp": False}
    theirs = compound.DC_and_CE_loss(settings, {}, dice_class=dice.MemoryEfficientSoftDiceLoss)
    levels, labels = levels_and_labels()
    coarser = [
        down.DownsampleSegForDSTransform([1, 0.5, 0.25])._apply_to_segmentation(case[None].short()) for case in labels
    ]
    targets = [torch.stack(of) for of in zip(*coarser, strict=True)]
    wrapped = deep.DeepSupervisionWrapper(theirs, deep_supervision_weights(3))
    assert float(dice_and_cross_entropy(levels[0], labels)) == pytest.approx(
        1 + float(theirs(levels[0], labels[:, None])), abs=1e-5
    )
    assert float(deeply_supervised(levels, labels)) == pytest.approx(1 + float(wrapped(levels, targets)), abs=1e-5)


def test_every_counted_resolution_learns_and_the_coarsest_does_not() -> None:
    torch.manual_seed(0)
    network = UNet3d(2, 3, (4, 4, 4, 4))
    levels = network.supervised(torch.randn(1, 2, 16, 16, 16), 3)
    deeply_supervised(levels, torch.randint(0, 3, (1, 16, 16, 16))).backward()
    slopes = [score.weight.grad for score in network.score]
    assert slopes[0] is None or not slopes[0].any()
    assert all(slope is not None and torch.isfinite(slope).all() and slope.any() for slope in slopes[1:])
