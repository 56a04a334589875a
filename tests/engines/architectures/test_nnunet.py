"""The paper's network is nnU-Net's own, weight for weight."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from engines.architectures.nnunet import WIDTHS, published
from engines.architectures.unet3d import UNet3d

unet = pytest.importorskip("dynamic_network_architectures.architectures.unet")


OWN = {0: "conv", 1: "norm"}
"""Convolution and norm by their place in `Pair`; the activation has no weights, and three layers make one of two."""


def in_nnunet(name: str) -> str:
    """What nnU-Net calls a weight of a `UNet3d`; its checkpoints repeat some under a second name."""
    part, level, *rest = name.split(".")
    if part in ("up", "score"):
        return f"decoder.{ {'up': 'transpconvs', 'score': 'seg_layers'}[part] }.{level}.{rest[0]}"
    place, kind = int(rest[0]), rest[1]
    layer = f"convs.{place // 3}.{OWN[place % 3]}.{kind}"
    return f"encoder.stages.{level}.0.{layer}" if part == "encoder" else f"decoder.stages.{level}.{layer}"


def plain(widths: tuple[int, ...], labels: int = 2) -> nn.Module:
    levels = len(widths)
    return unet.PlainConvUNet(
        2,
        levels,
        list(widths),
        nn.Conv3d,
        3,
        [1] + [2] * (levels - 1),
        2,
        labels,
        2,
        conv_bias=True,
        norm_op=nn.InstanceNorm3d,
        norm_op_kwargs={"eps": 1e-5, "affine": True},
        nonlin=nn.LeakyReLU,
        nonlin_kwargs={"inplace": True},
        deep_supervision=False,
    )


def count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_31_million_parameters() -> None:
    with torch.device("meta"):
        own, theirs = published(), plain(WIDTHS)
    assert count(own) == 31_196_458
    # Only where supervision is deep are the coarse scores in nnU-Net's count too; the modules are there always.
    assert count(theirs) == count(own)


def randomised(network: nn.Module) -> nn.Module:
    torch.manual_seed(3)
    with torch.no_grad():
        for weight in network.parameters():
            weight.normal_(0.1, 0.3)
    return network.eval()


def test_weights_move_from_nnunet() -> None:
    theirs, own = randomised(plain((4, 6, 8))), UNet3d(2, 2, (4, 6, 8)).eval()
    weights = theirs.state_dict()
    own.load_state_dict({name: weights[in_nnunet(name)] for name in own.state_dict()})
    assert_alike(own, theirs)


def test_weights_move_to_nnunet() -> None:
    own, theirs = randomised(UNet3d(2, 2, (4, 6, 8))), plain((4, 6, 8)).eval()
    renamed = {in_nnunet(name): weight for name, weight in own.state_dict().items()}
    loaded = theirs.load_state_dict(renamed, strict=False)
    assert not loaded.unexpected_keys
    assert all(".all_modules." in name or name.startswith("decoder.encoder.") for name in loaded.missing_keys)
    assert_alike(own, theirs)


def assert_alike(own: nn.Module, theirs: nn.Module) -> None:
    tile = torch.randn(1, 2, 8, 16, 8)
    with torch.no_grad():
        torch.testing.assert_close(own(tile), theirs(tile), rtol=1e-5, atol=1e-5)
