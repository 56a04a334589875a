"""The papers' networks: their sizes, and graphs that say what PyTorch says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from engines.architectures.catalogue import NETWORKS, named
from engines.architectures.cell_cnn import CellCnn
from engines.architectures.compressed_unet import CompressedUNet, PlainUNet
from engines.architectures.count import count
from engines.architectures.detector import GridDetector
from engines.architectures.mobile_unet import MobileUNet
from engines.architectures.organ_unet import OrganUNet
from engines.architectures.pix2pix import Form, Generator
from engines.architectures.prostate_vnet import ProstateVNet
from engines.architectures.published import DRAW, counted
from engines.architectures.unet3d import UNet3d
from engines.training.export import answers, to_onnx
from inference.host.cost import cost_of

SIZES = {
    ("pix2pix", "original"): (54_425_859, 6.0482),
    ("pix2pix", "cropping"): (54_425_859, 6.0482),
    ("pix2pix", "convolution"): (64_637_268, 8.6676),
    ("pix2pix", "average-pooling"): (54_425_859, 6.0482),
    ("pix2pix", "maximum-pooling"): (54_425_859, 6.0482),
    ("pix2pix", "kernel-2-deconvolutions"): (28_272_387, 3.0251),
    ("pix2pix", "kernel-2"): (13_622_787, 1.5120),
    ("pix2pix", "no-padding"): (54_425_859, 50.3086),
    ("pix2pix-discriminator", "patch-70"): (2_770_433, 3.1971),
    ("detector", "full"): (2_124_649, 3.9726),
    ("detector", "small"): (1_386_398, 0.6778),
    ("nnunet", "3d-fullres"): (31_196_458, 479.0435),
    ("organ-unet", "ct-org"): (489_046, 0.7838),
    ("mobile-unet", "brats"): (359_924, 0.6989),
    ("prostate-vnet", "zones"): (246_931, 0.5190),
    ("prostate-vnet", "whole"): (246_858, 0.5143),
    ("cell-cnn", "bccd"): (960_114, 0.2521),
    ("tumour-unet", "compressed"): (2_056_313, 1.0669),
    ("tumour-unet", "plain"): (31_032_581, 12.0555),
}
"""Parameters with running statistics, and 1e9 multiply-adds. Stated by the papers: the first three, the last two."""

ANSWERS = {
    "pix2pix-discriminator": [(1, 1, 30, 30)],
    "detector": [(1, 7, 80, 80), (1, 7, 40, 40), (1, 7, 20, 20)],
    "nnunet": [(1, 2, 128, 128, 128)],
    "organ-unet": [(1, 6, 256, 256)],
    "mobile-unet": [(1, 4, 240, 240)],
    "prostate-vnet": [(1, 3, 256, 256)],
    "cell-cnn": [(1, 4, 1, 1)],
    "tumour-unet": [(1, 5, 128, 128)],
}


def every() -> list[tuple[str, str]]:
    return [(network.name, variant.name) for network in NETWORKS for variant in network.variants]


def test_every_network_of_the_catalogue_can_be_drawn_and_no_other() -> None:
    assert set(DRAW) == {name for name, _ in every()}
    assert set(SIZES) == set(every())


@pytest.mark.parametrize(("name", "variant"), every())
def test_size(name: str, variant: str) -> None:
    network = named(name)
    assert network is not None
    found = counted(network, network.variant(variant))
    parameters, gmac = SIZES[name, variant]
    assert found.parameters == parameters
    assert found.macs / 1e9 == pytest.approx(gmac, abs=1e-4)
    if name == "pix2pix":
        assert found.outputs == network.variant(variant).inputs
    elif variant == network.variants[0].name:
        assert list(found.outputs) == ANSWERS[name]


@dataclass(frozen=True)
class Small:
    """A network at a size that a test can run."""

    make: Callable[[], nn.Module]
    shape: tuple[int, ...]
    outputs: tuple[str, ...] = ("output",)


def pictures(form: Form) -> Small:
    return Small(lambda: Generator(3, 3, 4, form), (1, 3, 766, 766) if form is Form.UNPADDED else (1, 3, 256, 256))


SMALL = {
    **{form.value: pictures(form) for form in Form},
    "detector": Small(lambda: GridDetector(2, (4, 8, 8, 16, 16), 8), (1, 1, 64, 96), ("p8", "p16", "p32")),
    "nnunet": Small(lambda: UNet3d(2, 2, (4, 6, 8, 8, 8, 8)), (1, 2, 32, 64, 32)),
    "organ-unet": Small(OrganUNet, (1, 1, 32, 48)),
    "mobile-unet": Small(MobileUNet, (1, 4, 48, 32)),
    "prostate-vnet": Small(ProstateVNet, (1, 1, 32, 64)),
    "cell-cnn": Small(lambda: CellCnn(4, (60, 80)), (1, 3, 60, 80)),
    "compressed": Small(CompressedUNet, (1, 4, 32, 48)),
    "plain": Small(lambda: PlainUNet(4, 5, (4, 8, 16)), (1, 4, 32, 48)),
}

MOVED = {"Shape", "Gather", "Unsqueeze", "Cast", "Pad", "Loop", "If", "Dropout", "ConstantOfShape", "Range"}
"""Arithmetic on shapes, and what belongs to training."""


def as_if_trained(network: nn.Module) -> nn.Module:
    """Weights, statistics and scales that all differ."""
    torch.manual_seed(5)
    with torch.no_grad():
        for name, values in network.state_dict().items():
            if name.endswith("running_var"):
                values.uniform_(0.5, 1.5)
            elif values.ndim == 1:
                values.uniform_(-0.2, 1.2)
    return network


@pytest.mark.parametrize("name", SMALL)
def test_exported_graph_is_static_and_says_what_pytorch_says(name: str, tmp_path: Path) -> None:
    small = SMALL[name]
    network, file = as_if_trained(small.make()).eval(), tmp_path / "model.onnx"
    example = np.random.default_rng(0).normal(0, 0.5, small.shape).astype(np.float32)
    to_onnx(network, example, ("input", list(small.outputs)), file)
    with torch.no_grad():
        said = network(torch.from_numpy(example))
    found = answers(file, example)
    for output, expected in zip(small.outputs, said if isinstance(said, tuple) else (said,), strict=True):
        scale = float(expected.max() - expected.min())
        assert scale > 1e-3
        assert np.abs(found[output] - expected.numpy()).max() < 1e-4 * scale
    graph = onnx.load(file).graph
    assert not {node.op_type for node in graph.node} & MOVED
    dims = [dim for value in [*graph.input, *graph.output] for dim in value.type.tensor_type.shape.dim]
    assert all(dim.dim_value > 0 for dim in dims)
    assert cost_of(file).macs == count(network, [torch.from_numpy(example)]).macs


@pytest.mark.parametrize("name", ["original", "organ-unet", "prostate-vnet", "cell-cnn", "compressed"])
def test_dropout_works_in_training_only(name: str) -> None:
    small = SMALL[name]
    network = as_if_trained(small.make())
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()
    given = torch.randn(small.shape)
    shares = [m.p for m in network.modules() if isinstance(m, nn.Dropout)]
    assert shares
    with torch.no_grad():
        assert not torch.equal(network(given), network(given))
        network.eval()
        assert torch.equal(network(given), network(given))


@pytest.mark.parametrize("name", ["organ-unet", "mobile-unet", "prostate-vnet", "cell-cnn"])
def test_classes_share_one(name: str) -> None:
    small = SMALL[name]
    with torch.no_grad():
        maps = small.make().eval()(torch.randn(small.shape))
    torch.testing.assert_close(maps.sum(1), torch.ones_like(maps.sum(1)))


@pytest.mark.parametrize("name", ["organ-unet", "mobile-unet", "prostate-vnet", "cell-cnn", "compressed", "plain"])
def test_every_weight_reaches_the_answer(name: str) -> None:
    torch.manual_seed(0)
    small = SMALL[name]
    network = small.make()
    network(torch.randn((2, *small.shape[1:])))[:, 0].square().sum().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in network.parameters())
    silent = [name for name, p in network.named_parameters() if p.ndim > 1 and not p.grad.abs().sum() > 0]
    assert silent == []
