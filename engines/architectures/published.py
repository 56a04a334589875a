"""Draws the networks of the catalogue."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from engines.architectures import detector, nnunet
from engines.architectures.catalogue import PaperNetwork, Variant
from engines.architectures.cell_cnn import CellCnn
from engines.architectures.compressed_unet import CompressedUNet, PlainUNet
from engines.architectures.count import Count, count
from engines.architectures.mobile_unet import MobileUNet
from engines.architectures.organ_unet import OrganUNet
from engines.architectures.pix2pix import Form, Generator, published_discriminator
from engines.architectures.prostate_vnet import ProstateVNet

DRAW: dict[str, Callable[[str], nn.Module]] = {
    "pix2pix": lambda variant: Generator(3, 3, 64, Form(variant)),
    "pix2pix-discriminator": lambda _: published_discriminator(),
    "detector": lambda variant: detector.full() if variant == "full" else detector.GridDetector(),
    "nnunet": lambda _: nnunet.published(),
    "organ-unet": lambda _: OrganUNet(),
    "mobile-unet": lambda _: MobileUNet(),
    "prostate-vnet": lambda variant: ProstateVNet(3 if variant == "zones" else 2),
    "cell-cnn": lambda _: CellCnn(),
    "tumour-unet": lambda variant: CompressedUNet() if variant == "compressed" else PlainUNet(),
}


def counted(network: PaperNetwork, variant: Variant) -> Count:
    """Its size, from shapes alone: no weight is ever made."""
    with torch.device("meta"):
        drawn = DRAW[network.name](variant.name)
        return count(drawn, [torch.empty(shape) for shape in variant.inputs])
