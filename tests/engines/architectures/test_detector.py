"""The detector's maps: their sizes, and that only allowed operations are used."""

import pytest
import torch

from engines.architectures.detector import STRIDES, GridDetector


@pytest.mark.parametrize(("classes", "side"), [(5, 320), (2, 256)])
def test_one_map_per_stride_with_boxes_objectness_and_classes(classes: int, side: int) -> None:
    network = GridDetector(classes).eval()
    with torch.no_grad():
        maps = network(torch.zeros(1, 1, side, side))
    assert [tuple(m.shape) for m in maps] == [(1, 5 + classes, side // s, side // s) for s in STRIDES]


def test_shipped_size_is_small() -> None:
    assert sum(p.numel() for p in GridDetector().parameters()) == 1_377_982


def test_a_fresh_network_expects_almost_nothing() -> None:
    torch.manual_seed(0)
    with torch.no_grad():
        maps = GridDetector().eval()(torch.randn(1, 1, 320, 320))
    assert max(m[:, 4].sigmoid().max().item() for m in maps) < 0.1


def test_layers_have_an_exact_accelerator_form() -> None:
    allowed = (torch.nn.Conv2d, torch.nn.BatchNorm2d, torch.nn.ReLU, torch.nn.MaxPool2d, torch.nn.Upsample)
    leaves = [m for m in GridDetector().modules() if not list(m.children())]
    assert {type(m) for m in leaves} <= set(allowed)
