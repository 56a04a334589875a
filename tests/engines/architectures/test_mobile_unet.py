"""MobileNetV2's encoder is the published one."""

from __future__ import annotations

import pytest
import torch

from engines.architectures.count import parameters_as_published
from engines.architectures.mobile_unet import MobileEncoder, MobileUNet, channels_at

KERAS_WITHOUT_TOP = 410_208
"""Parameters of Keras's MobileNetV2 at width 0.35 for three channels, without its classifier."""


@pytest.mark.parametrize(("full", "found"), [(32, 16), (16, 8), (24, 8), (64, 24), (96, 32), (160, 56), (320, 112)])
def test_width_of_0_35(full: int, found: int) -> None:
    assert channels_at(full, 0.35) == found


def left_out() -> int:
    """Parameters of what follows the expansion of the first block of 160 channels, by hand: pointwise, depthwise."""
    narrow, wide = 56, 336
    first = (9 + 4) * 192 + (192 + 4) * narrow
    block = (narrow + 4) * wide + (9 + 4) * wide + (wide + 4) * narrow
    widest = (narrow + 4) * wide + (9 + 4) * wide + (wide + 4) * 112
    return first + 2 * block + widest + (112 + 4) * 1280


def test_encoder_is_mobilenet_v2_up_to_stride_16() -> None:
    with torch.device("meta"):
        assert parameters_as_published(MobileEncoder(3, 0.35)) + left_out() == KERAS_WITHOUT_TOP


def test_encoder_gives_the_maps_behind_its_relu6() -> None:
    with torch.no_grad():
        maps = MobileEncoder(4, 0.35).eval()(torch.randn(1, 4, 240, 240))
    assert [tuple(m.shape[1:]) for m in maps] == [(48, 120, 120), (48, 60, 60), (96, 30, 30), (192, 15, 15)]
    assert all(float(m.min()) >= 0 and float(m.max()) <= 6 for m in maps)


def test_every_map_reaches_the_answer() -> None:
    torch.manual_seed(0)
    network = MobileUNet().eval()
    pieces = [torch.randn(1, c, s, s) for c, s in ((48, 16), (48, 8), (96, 4), (192, 2))]
    network.encoder.forward = lambda _: [piece.clone() for piece in pieces]  # type: ignore[method-assign]
    with torch.no_grad():
        before = network(torch.zeros(()))
        for piece in pieces:
            piece.mul_(2)
            assert not torch.equal(network(torch.zeros(())), before)
            piece.div_(2)
