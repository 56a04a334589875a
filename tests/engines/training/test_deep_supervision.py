"""A recipe with deep supervision learns from every resolution that nnU-Net's loss counts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from torch.nn import functional as F

from engines.architectures.unet3d import UNet3d
from engines.training.criteria import criterion_of
from engines.training.device import Arithmetic, Format
from engines.training.learner import Learner, LearnSettings, Pair
from engines.training.networks import OUTLINERS, Border, network_of
from engines.training.rates import RateKind, rate_of
from engines.training.recipe import RECIPES, read_recipe, settings_of
from engines.training.train import train
from inference.errors import InputRefused
from inference.result import Kind
from inference.task import read_task

LOSS = "dice-and-cross-entropy"


class Cubes:
    """The same tile each time, a bright cube in noise, and the next one held out."""

    count = 1

    def draw(self, count: int, rng: np.random.Generator) -> Pair:
        labels = np.zeros((count, 16, 16, 16), np.int64)
        labels[:, 4:12, 4:12, 4:12] = 1
        noise = np.random.default_rng(count).normal(0, 0.3, (count, 1, 16, 16, 16))
        return torch.from_numpy(labels[:, None] + noise).float(), torch.from_numpy(labels)

    def held_out(self) -> Iterator[Pair]:
        yield self.draw(1, np.random.default_rng(0))


def _learner(network: str = "nnunet-3d-fullres", form: Format = Format.FP32, deep: bool = True) -> Learner:
    border = Border(1, 2, (16, 16, 16))
    settings = LearnSettings(network, LOSS, "sgd", 2, 0.01, widths=(4, 4, 4, 4), deep_supervision=deep)
    make = partial(network_of, OUTLINERS, network, border, settings.widths)
    return Learner(make, Cubes(), criterion_of(LOSS), settings, Arithmetic("cpu", form), 0)


def test_the_loss_of_a_step_is_the_weighted_sum_over_resolutions() -> None:
    """Weights 4/7 and 2/7 and 1/7 would be of three; with the coarsest of three left out they are 2/3 and 1/3."""
    learner = _learner()
    inputs, wanted = Cubes().draw(2, np.random.default_rng(0))
    with torch.no_grad():
        fine, middle, coarse = learner.network.supervised(inputs)
    assert [level.shape[-1] for level in (fine, middle, coarse)] == [16, 8, 4]
    by_hand = sum(
        share
        * float(criterion_of(LOSS)(level, F.interpolate(wanted[:, None].float(), scale_factor=scale)[:, 0].long()))
        for share, level, scale in ((2 / 3, fine, 1.0), (1 / 3, middle, 0.5))
    )
    assert learner.learn(0, 1.0) == pytest.approx(by_hand, rel=1e-5)
    assert _learner(deep=False).learn(0, 1.0) == pytest.approx(float(criterion_of(LOSS)(fine, wanted)), rel=1e-5)


@pytest.mark.parametrize("form", list(Format))
def test_a_step_moves_the_answers_that_count_and_no_other(form: Format) -> None:
    learner = _learner(form=form)
    before = [score.weight.detach().clone() for score in learner.network.score]
    learner.learn(0, 1.0)
    after = [score.weight.detach() for score in learner.network.score]
    assert [bool((a != b).any()) for a, b in zip(before, after, strict=True)] == [False, True, True]
    with torch.no_grad():
        look = learner.look(learner.network.eval())
    assert np.isfinite(look.loss)


def test_steps_make_it_better() -> None:
    learner = _learner()
    losses = [learner.learn(step, 1.0) for step in range(20)]
    assert losses[-1] < 0.7 * losses[0]


def test_a_network_of_one_resolution_is_refused() -> None:
    flat = network_of(OUTLINERS, "organ-unet", Border(1, 2, (1, 32, 32)), ())
    settings = LearnSettings("organ-unet", LOSS, deep_supervision=True)
    with pytest.raises(InputRefused, match="organ-unet answers at one resolution only"):
        Learner(lambda: flat, Cubes(), criterion_of(LOSS), settings, Arithmetic("cpu"), 0)


def test_weights_begin_as_nnunet_draws_them() -> None:
    """Its own initialiser gives the same weights from the same random numbers, layer by layer."""
    own = pytest.importorskip("dynamic_network_architectures.initialization.weight_init")
    torch.manual_seed(5)
    made = network_of(OUTLINERS, "nnunet-3d-fullres", Border(2, 2, (32, 32, 32)), (4, 8))
    torch.manual_seed(5)
    theirs = UNet3d(2, 2, (4, 8)).apply(own.InitWeights_He(1e-2))
    assert all(torch.equal(a, b) for a, b in zip(made.parameters(), theirs.parameters(), strict=True))


def test_the_rate_falls_as_nnunet_lets_it_fall() -> None:
    poly = pytest.importorskip("nnunetv2.training.lr_scheduler.polylr")
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.01)
    theirs = poly.PolyLRScheduler(optimiser, 0.01, 120)
    rate = rate_of(RateKind.POLY, 1e-3, 4)
    for epoch in (0, 1, 60, 119):
        theirs.step(epoch)
        assert 0.01 * rate(epoch, 120) == pytest.approx(optimiser.param_groups[0]["lr"])


def _isles(folder: Path) -> Path:
    rng = np.random.default_rng(3)
    for n in (1, 2, 3):
        case, grid = f"sub-strokecase{n:04d}", (20, 28, 28)
        head = np.zeros(grid, np.float32)
        head[2:18, 4:24, 4:24] = 1
        lesion = np.zeros(grid, np.uint8)
        lesion[6:12, 8:14, 8:14] = 1
        for word, values in {
            f"{case}/ses-0001/dwi/{case}_ses-0001_dwi": head * (80 + 90 * lesion) + head * rng.normal(0, 5, grid),
            f"{case}/ses-0001/dwi/{case}_ses-0001_adc": head * (0.9 - 0.4 * lesion) + head * rng.normal(0, 0.05, grid),
            f"derivatives/{case}/ses-0001/{case}_ses-0001_msk": lesion,
        }.items():
            file = folder / f"{word}.nii.gz"
            file.parent.mkdir(parents=True, exist_ok=True)
            sitk.WriteImage(sitk.GetImageFromArray(values.astype(np.uint8 if values is lesion else np.float32)), file)
    return folder


def test_the_recipe_of_the_paper_runs_on_its_layout(tmp_path: Path) -> None:
    """Two steps of a small form of it; nothing but widths and tile is another."""
    text = (RECIPES / "stroke-nnunet.toml").read_text(encoding="utf-8")
    small = re.sub(r"^decay.*$", r"\g<0>\nwidths = [4, 4, 8]", text, flags=re.M).replace("128, 128, 128", "16, 16, 16")
    (tmp_path / "small.toml").write_text(small, encoding="utf-8")
    settings = settings_of(read_recipe(str(tmp_path / "small.toml")), LearnSettings)
    assert settings.deep_supervision
    bundle = train(str(tmp_path / "small.toml"), _isles(tmp_path / "set"), tmp_path / "out", steps=2)
    task = read_task(bundle)
    assert task.kind is Kind.MASK
    assert [channel.name for channel in task.channels] == ["DWI", "ADC"]
    assert "whoever passes these weights on answers for that" in (bundle / "card.md").read_text(encoding="utf-8")
