"""The 3D U-Net: shapes, skips and deep supervision."""

import pytest
import torch

from engines.architectures.unet3d import UNet3d


def test_logits_have_the_tile_size() -> None:
    network = UNet3d(2, 3, (4, 8, 8)).eval()
    with torch.no_grad():
        assert network(torch.zeros(1, 2, 16, 8, 12)).shape == (1, 3, 16, 8, 12)


def test_shipped_size() -> None:
    count = sum(p.numel() for p in UNet3d(2, 2, (16, 32, 64, 96, 128)).parameters())
    assert count == 2_757_784
    assert count < 3_000_000


def test_deep_supervision_halves_each_time_and_starts_with_the_answer() -> None:
    torch.manual_seed(0)
    network = UNet3d(2, 2, (4, 6, 8, 8)).eval()
    tile = torch.randn(1, 2, 16, 16, 16)
    with torch.no_grad():
        levels = network.supervised(tile)
        assert [level.shape[-1] for level in levels] == [16, 8, 4]
        torch.testing.assert_close(levels[0], network(tile))


def test_every_level_of_the_encoder_reaches_the_answer() -> None:
    torch.manual_seed(0)
    network = UNet3d(1, 2, (4, 4, 4))
    network(torch.randn(1, 1, 16, 16, 16)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.encoder.parameters() if p.ndim == 5)


@pytest.mark.parametrize("channel", [0, 1])
def test_both_channels_matter(channel: int) -> None:
    torch.manual_seed(0)
    network = UNet3d(2, 2, (4, 4)).eval()
    tile = torch.randn(1, 2, 8, 8, 8)
    other = tile.clone()
    other[:, channel] = torch.randn(8, 8, 8)
    with torch.no_grad():
        assert not torch.allclose(network(tile), network(other))


def test_gain_cuts_the_top_and_spreads_the_rest() -> None:
    network = UNet3d(2, 2, (4, 4), ((10.0, 0.0, 1.0), (-0.2, 0.6, 6.0)))
    tile = torch.tensor([3.0, -0.75]).view(1, 2, 1, 1, 1)
    air = torch.zeros(1, 2, 1, 1, 1)
    assert network.spread is not None
    assert network.spread(tile).flatten().tolist() == pytest.approx([3.0, -0.9])
    assert network.spread(air).flatten().tolist() == pytest.approx([0.0, 2.4])
    assert "spread.scale" in network.state_dict()
