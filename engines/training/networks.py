"""Networks by the names recipes use, each made to answer logits [n, labels, ...] of what it is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from engines.architectures.cell_cnn import CellCnn
from engines.architectures.compressed_unet import CompressedUNet
from engines.architectures.mobile_unet import DECODER, MobileUNet
from engines.architectures.nnunet import WIDTHS
from engines.architectures.organ_unet import OrganUNet
from engines.architectures.prostate_vnet import ProstateVNet
from engines.architectures.unet3d import SLOPE, UNet3d
from engines.training.words import named


@dataclass(frozen=True, slots=True)
class Border:
    """What a network meets at its two ends.

    Attributes:
        channels: Input channels.
        labels: Answers; for outlines the background is one of them.
        size: Rows and columns of a picture, or (k, j, i) of a tile.
    """

    channels: int
    labels: int
    size: tuple[int, ...]


class LogSigmoid(nn.Module):
    """log(sigmoid(x)), made of an operation that neither overflows nor underflows when exported."""

    def forward(self, x: Tensor) -> Tensor:
        return -functional.softplus(-x)


class OnSlices(nn.Module):
    """Lets a flat network answer tiles of one slice: [n, c, 1, j, i] -> [n, labels, 1, j, i]."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.network(x.squeeze(2)).unsqueeze(2)
        return out


Make = Callable[[Border, Sequence[int]], nn.Module]

CLASSIFIERS: Mapping[str, Make] = {
    "cell-cnn": lambda b, w: _told(CellCnn(b.labels, (b.size[0], b.size[1]), *_given(w))),
}
OUTLINERS: Mapping[str, Make] = {
    "unet3d": lambda b, w: UNet3d(b.channels, b.labels, w or (16, 32, 64, 96, 128)),
    "nnunet-3d-fullres": lambda b, w: drawn_as_nnunet(UNet3d(b.channels, b.labels, w or WIDTHS)),
    "organ-unet": lambda b, w: _flat(OrganUNet(b.channels, b.labels, *_given(w))),
    "prostate-vnet": lambda b, w: _flat(ProstateVNet(b.labels, *_given(w))),
    "mobile-unet": lambda b, w: _flat(MobileUNet(b.channels, b.labels, decoder=w or DECODER)),
    "compressed-unet": lambda b, w: _flat(CompressedUNet(b.channels, b.labels, *_given(w))),
}


def network_of(known: Mapping[str, Make], name: str, border: Border, widths: Sequence[int]) -> nn.Module:
    """The network of that name, freshly drawn from PyTorch's random numbers.

    Raises:
        InputRefused: There is none.
    """
    return named(known, name, "network")(border, widths)


def answering_logits(network: nn.Module) -> nn.Module:
    """Take the last step of a network that ends in probabilities off it.

    Softmax of what it answers then are its probabilities; where those come from sigmoids, each divided by their sum.
    """
    (*layers, last) = network.get_submodule("answer").children()
    ends: dict[type[nn.Module], nn.Module] = {nn.Softmax: nn.Identity(), nn.Sigmoid: LogSigmoid()}
    network.set_submodule("answer", nn.Sequential(*layers, ends[type(last)]))
    return network


def drawn_as_nnunet(network: nn.Module) -> nn.Module:
    """Draw the weights of every convolution as He et al. 2015 do, and take its bias off, as nnU-Net begins."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv3d | nn.ConvTranspose3d):
            nn.init.kaiming_normal_(layer.weight, a=SLOPE)
            nn.init.zeros_(layer.bias)
    return network


def _told(network: nn.Module) -> nn.Module:
    return nn.Sequential(answering_logits(network), nn.Flatten())


def _flat(network: nn.Module) -> nn.Module:
    return OnSlices(answering_logits(network))


def _given(widths: Sequence[int]) -> tuple[Sequence[int], ...]:
    return (widths,) if widths else ()
