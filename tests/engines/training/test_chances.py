"""Tiles that only some recipes want: blanked channels, mirrored slices; and networks without their dropout."""

import numpy as np
import pytest
import torch
from torch import nn

from engines.architectures.compressed_unet import CompressedUNet, StaticGroupNorm
from engines.training.learner import without_dropout
from engines.training.losses_deep import batch_dice_and_cross_entropy, dice_and_cross_entropy
from engines.training.mask_tiles import Chances, MaskTiles, Tiled

SIZE = (1, 16, 16)


def case() -> Tiled:
    """Four channels that differ, and a mark in one corner."""
    rng = np.random.default_rng(1)
    channels = 1 + rng.random((4, 6, 24, 24), dtype=np.float32)
    labels = np.zeros((6, 24, 24), dtype=np.uint8)
    labels[:, :8, :8] = 1
    channels[:, labels == 1] += 5
    return Tiled(channels, labels)


def drawn(chances: Chances | None, seed: int, count: int = 24) -> tuple[torch.Tensor, torch.Tensor]:
    return MaskTiles([case()], [case()], SIZE, chances).draw(count, np.random.default_rng(seed))


def test_without_chances_tiles_are_those_of_before() -> None:
    plain, labels = drawn(None, 3)
    same, also = drawn(Chances(), 3)
    assert torch.equal(plain, same)
    assert torch.equal(labels, also)


def test_channels_but_the_first_are_blanked_as_often_as_asked() -> None:
    tiles, _ = drawn(Chances(drop=0.35), 4, 120)
    gone = (tiles == 0).flatten(2).all(dim=2).float().mean(dim=0)
    assert gone[0] == 0
    assert gone[1:].tolist() == pytest.approx([0.35] * 3, abs=0.12)


def test_the_first_channel_is_left_alone_as_often_as_asked() -> None:
    tiles, _ = drawn(Chances(alone=0.4), 6, 120)
    gone = (tiles == 0).flatten(2).all(dim=2)
    assert not gone[:, 0].any()
    assert gone[:, 1:].all(dim=1).float().mean().item() == pytest.approx(0.4, abs=0.12)
    assert torch.equal(gone[:, 1:].any(dim=1), gone[:, 1:].all(dim=1))


def test_a_mirrored_tile_keeps_image_and_outline_together() -> None:
    tiles, labels = drawn(Chances(mirror=1.0), 5)
    plain, before = drawn(None, 5)
    assert torch.equal(labels[0], before[0].flip((-2, -1)))
    assert torch.equal(tiles[0], plain[0].flip((-2, -1)))
    bright = tiles[:, 0] > 3.5
    assert (bright == (labels == 1)).float().mean() > 0.97


def test_a_small_organ_is_drawn_at_as_often_as_a_large_one() -> None:
    labels = np.zeros((8, 16, 16), dtype=np.uint8)
    labels[:6], labels[7, 4:6, 4:6] = 1, 2
    lone = Tiled(np.ones((1, 8, 16, 16), dtype=np.float32), labels)
    seen = []
    for by_label in (True, False):
        _, drawn_at = MaskTiles([lone], [lone], SIZE, Chances(by_label=by_label)).draw(200, np.random.default_rng(6))
        seen.append(float((drawn_at == 2).flatten(1).any(dim=1).float().mean()))
    assert seen[0] == pytest.approx(0.5 / 2 + 0.5 / 8, abs=0.1)
    assert seen[1] < 0.15


def test_held_out_tiles_are_left_alone() -> None:
    wild, tame = (MaskTiles([case()], [case()], SIZE, chances) for chances in (Chances(0.9, 0.9, 0.9), None))
    pairs = zip(wild.held_out(), tame.held_out(), strict=True)
    assert all(torch.equal(a[0], b[0]) and torch.equal(a[1], b[1]) for a, b in pairs)


def test_without_dropout_a_network_answers_the_same_while_it_learns() -> None:
    torch.manual_seed(0)
    network = CompressedUNet(4, 4, (8, 8, 16)).train()
    picture = torch.randn(1, 4, 16, 16)
    assert not torch.allclose(network(picture), network(picture))
    assert torch.equal(without_dropout(network)(picture), network(picture))


def test_the_group_norm_that_learns_is_the_one_that_is_exported() -> None:
    layer = StaticGroupNorm(4, 8)
    nn.init.normal_(layer.weight)
    nn.init.normal_(layer.bias)
    values = torch.randn(3, 8, 10, 12) * 3 + 1
    assert torch.allclose(layer.train()(values), layer.eval()(values), atol=1e-5)


def test_the_loss_over_a_batch_forgives_a_stray_voxel_in_a_slice_without_the_class() -> None:
    labels = torch.zeros(2, 1, 8, 8, dtype=torch.long)
    labels[0, 0, :4] = 1
    right = 12.0 * nn.functional.one_hot(labels, 2).movedim(-1, 1).float()
    stray = right.clone()
    stray[1, :, 0, 0, 0] = torch.tensor([0.0, 12.0])
    assert batch_dice_and_cross_entropy(right, labels) < 0.001
    assert batch_dice_and_cross_entropy(stray, labels) < 0.2
    assert dice_and_cross_entropy(stray, labels) > 0.5
