"""The generator's three forms: the published sizes, and the same numbers from the same weights."""

import pytest
import torch

from engines.architectures.pix2pix import Discriminator, Form, Generator, parameters_as_published


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


def test_conv_form_answers_in_the_input_size() -> None:
    network = Generator(width=4, form=Form.CONV).eval()
    with torch.no_grad():
        assert network(torch.zeros(1, 1, 256, 256)).shape == (1, 1, 256, 256)


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
