"""The generator's forms: the published sizes, the same numbers from the same weights, and the shipped graph."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

from engines.architectures.count import parameters_as_published
from engines.architectures.pix2pix import Discriminator, Form, Generator
from engines.library import find
from engines.training.export import to_onnx


@pytest.mark.parametrize(
    ("form", "count"), [(Form.ORIGINAL, 54_425_859), (Form.CROP, 54_425_859), (Form.CONV, 64_637_268)]
)
def test_full_size_has_the_published_number_of_parameters(form: Form, count: int) -> None:
    with torch.device("meta"):
        network = Generator(3, 3, 64, form)
    assert parameters_as_published(network) == count


def test_crop_and_original_make_the_same_picture_from_the_same_weights() -> None:
    torch.manual_seed(0)
    original, crop = Generator(width=4, form=Form.ORIGINAL).eval(), Generator(width=4, form=Form.CROP).eval()
    crop.load_state_dict(original.state_dict())
    picture = torch.randn(1, 1, 256, 256)
    with torch.no_grad():
        a, b = original(picture), crop(picture)
    assert a.std() > 1e-3
    torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)


def test_no_transposed_convolution_of_the_crop_form_is_padded() -> None:
    layers = [m for m in Generator(width=4).modules() if isinstance(m, torch.nn.ConvTranspose2d)]
    assert len(layers) == 8
    assert {layer.padding for layer in layers} == {(0, 0)}


@pytest.mark.parametrize("form", Form)
def test_every_form_answers_in_the_input_size(form: Form) -> None:
    side = 766 if form is Form.UNPADDED else 256
    with torch.device("meta"):
        assert Generator(width=4, form=form)(torch.empty(2, 1, side, side)).shape == (2, 1, side, side)


def test_without_padding_eight_levels_have_no_answer_at_256() -> None:
    with torch.device("meta"), pytest.raises(RuntimeError):
        Generator(width=4, form=Form.UNPADDED)(torch.empty(2, 1, 256, 256))


def test_a_centred_delta_makes_the_conv_form_the_crop_form() -> None:
    torch.manual_seed(0)
    crop, conv = Generator(width=4, form=Form.CROP).eval(), Generator(width=4, form=Form.CONV).eval()
    conv.load_state_dict(crop.state_dict(), strict=False)
    for module in conv.modules():
        if isinstance(module, torch.nn.Conv2d) and module.kernel_size == (3, 3):
            torch.nn.init.dirac_(module.weight)
    picture = torch.randn(1, 1, 256, 256)
    with torch.no_grad():
        torch.testing.assert_close(conv(picture), crop(picture), rtol=1e-5, atol=1e-6)


def test_the_shipped_bundle_is_the_generators_graph(tmp_path: Path) -> None:
    """Node for node and shape for shape: what would be exported now is what is shipped."""
    network = Generator(width=16).eval()
    for values in network.state_dict().values():
        if values.is_floating_point():
            torch.nn.init.uniform_(values, 0.5, 1.5)  # equal weights would be written once
    to_onnx(network, np.zeros((1, 1, 256, 256), np.float32), ("input", ["output"]), tmp_path / "m.onnx")
    made, shipped = (onnx.load(file).graph for file in (tmp_path / "m.onnx", find("ct-to-mri").model))
    assert [(n.op_type, *n.attribute) for n in made.node] == [(n.op_type, *n.attribute) for n in shipped.node]
    shapes = [[numpy_helper.to_array(w).shape for w in graph.initializer] for graph in (made, shipped)]
    assert shapes[0] == shapes[1]


def test_weights_go_by_the_names_that_checkpoints_have() -> None:
    with torch.device("meta"):
        names = list(Generator().state_dict())
    assert names[0] == "down.0.0.weight"
    assert [n for n in names if n.startswith("up.0.")] == ["up.0.widen.weight"]
    assert names[-2:] == ["last.widen.weight", "last.widen.bias"]


def test_the_recipes_judge_is_as_it_was() -> None:
    with torch.device("meta"):
        judge = Discriminator()
    shapes = [tuple(p.shape) for p in judge.parameters() if p.ndim == 4]
    assert shapes == [(32, 2, 4, 4), (64, 32, 4, 4), (128, 64, 4, 4), (128, 128, 4, 4), (1, 128, 4, 4)]
    assert judge.body[0].bias is not None
    assert (judge.body[1].negative_slope, judge.body[3].eps) == (0.2, 1e-5)


def test_generator_learns_to_copy_a_picture() -> None:
    torch.manual_seed(0)
    network = Generator(width=4).train()
    optimiser = torch.optim.Adam(network.parameters(), 2e-3)
    picture = torch.tanh(torch.nn.functional.avg_pool2d(torch.randn(2, 1, 256, 256), 9, 1, 4) * 6)
    losses = []
    for _ in range(8):
        loss = (network(picture) - picture).abs().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]


def test_discriminator_judges_patches_of_both_pictures() -> None:
    torch.manual_seed(0)
    judge = Discriminator(width=4).eval()
    a, b = torch.randn(2, 1, 1, 256, 256)
    with torch.no_grad():
        assert judge(a, b).shape == (1, 1, 30, 30)
        assert not torch.equal(judge(a, b), judge(b, a))
