"""Paper p3's network: its blocks, its labels, and how much smaller it is."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from engines.architectures.compressed_unet import (
    LABELS,
    REGIONS,
    CompressedUNet,
    PlainUNet,
    Separable,
    StaticGroupNorm,
    region_of,
)


def test_size_is_as_stated() -> None:
    with torch.device("meta"):
        small, plain = (sum(p.numel() for p in make().parameters()) for make in (CompressedUNet, PlainUNet))
    assert round(small / 1e6, 1) == 2.1
    assert plain > 31e6
    assert 14 < plain / small < 16


@pytest.mark.parametrize(("groups", "channels"), [(1, 4), (4, 4), (8, 32), (3, 12)])
def test_static_group_norm_is_group_norm(groups: int, channels: int) -> None:
    torch.manual_seed(0)
    own, theirs = StaticGroupNorm(groups, channels), nn.GroupNorm(groups, channels)
    for values in own.parameters():
        nn.init.uniform_(values, -1, 2)
    theirs.load_state_dict(own.state_dict())
    picture = torch.randn(2, channels, 5, 7) * 3 + 1
    torch.testing.assert_close(own(picture), theirs(picture), rtol=1e-5, atol=1e-5)


def test_block_is_linear_at_its_end_and_adds_what_came_in() -> None:
    block = Separable(6, 6).eval()
    nn.init.zeros_(block.body[-1].weight)
    nn.init.zeros_(block.body[-1].bias)
    picture = torch.randn(1, 6, 8, 8)
    assert torch.equal(block(picture), picture)
    assert sum(isinstance(m, nn.LeakyReLU) for m in block.modules()) == 2
    assert isinstance(block.body[-1], nn.Conv2d)


def test_kernels_start_as_glorot_and_biases_at_zero() -> None:
    torch.manual_seed(0)
    network = CompressedUNet()
    last = network.bottom[1].body[1]
    assert float(last.weight.detach().std()) == pytest.approx((2 / (512 + 512)) ** 0.5, rel=0.02)
    biases = [m.bias for m in network.modules() if isinstance(m, nn.Conv2d)]
    assert all(bias is not None and not bias.any() for bias in biases)


def test_regions_are_nested_and_leave_healthy_tissue_out() -> None:
    sets = [set(REGIONS[name]) for name in ("enhancing", "core", "complete")]
    assert sets[0] < sets[1] < sets[2]
    assert {LABELS[n] for n in sets[2]} == set(LABELS) - {"non-tumour"}
    assert sets[2] - sets[1] == {LABELS.index("oedema")}


def test_regions_of_a_picture_of_labels() -> None:
    labels = torch.tensor([[0, 1, 2], [3, 4, 0]])
    assert region_of(labels, "complete").tolist() == [[False, True, True], [True, True, False]]
    assert region_of(labels, "core").tolist() == [[False, True, False], [True, True, False]]
    assert region_of(labels, "enhancing").tolist() == [[False, False, False], [False, True, False]]
