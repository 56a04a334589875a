"""Losses against values worked out by hand, and laws that hold for any prediction."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from engines.training import losses
from engines.training.losses_judge import generator_loss, judge_loss

P = torch.tensor([[[0.8, 0.4], [0.2, 0.6]]])
Y = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
"""One case, two classes, two pixels. TP 0.8, 0.6; FN 0.2, 0.4; FP 0.4, 0.2."""


def seeded(seed: int) -> tuple[Tensor, Tensor]:
    """Softmax probabilities [2, 3, 4, 5] and their one-hot target."""
    rng = torch.Generator().manual_seed(seed)
    probabilities = torch.randn(2, 3, 4, 5, generator=rng).softmax(1)
    labels = torch.randint(0, 3, (2, 4, 5), generator=rng)
    return probabilities, torch.nn.functional.one_hot(labels, 3).movedim(-1, 1).float()


few = settings(max_examples=25)
seeds = st.integers(0, 10_000)
shares = st.floats(0.05, 0.95)


def test_tversky_index_by_hand() -> None:
    found = losses.tversky_index(P, Y, missed=0.7, extra=0.3)
    expected = [0.8 / (0.8 + 0.7 * 0.2 + 0.3 * 0.4), 0.6 / (0.6 + 0.7 * 0.4 + 0.3 * 0.2)]
    assert found.tolist() == pytest.approx(expected, rel=1e-5)


def test_weighted_focal_tversky_by_hand() -> None:
    found = losses.weighted_focal_tversky(P, Y, torch.tensor([1.0, 3.0]))
    lost = [1 - 0.8 / 1.06, 1 - 0.6 / 0.94]
    assert float(found) == pytest.approx(lost[0] ** 0.75 / 4 + 3 * lost[1] ** 0.75 / 4, rel=1e-5)


def test_dice_and_cross_entropy_by_hand() -> None:
    dice = 1 - 2 * (0.8 + 0.6) / (2.0 + 2.0)
    entropy = -(math.log(0.8) + math.log(0.6) + math.log(0.8) + math.log(0.6)) / 4
    assert float(losses.dice_loss(P, Y)) == pytest.approx(dice, rel=1e-5)
    assert float(losses.cross_entropy_and_dice(P, Y)) == pytest.approx(entropy + dice, rel=1e-5)


def test_adversarial_losses_by_hand() -> None:
    verdict = torch.tensor([0.0, 2.0])
    made, target = torch.tensor([0.5, -0.5]), torch.tensor([0.25, 0.0])
    real = (math.log(2) + math.log1p(math.exp(-2))) / 2
    fake = (math.log(2) + math.log1p(math.exp(2))) / 2
    assert float(generator_loss(verdict, made, target)) == pytest.approx(real + 100 * 0.375, rel=1e-6)
    assert float(judge_loss(verdict, verdict)) == pytest.approx((real + fake) / 2, rel=1e-6)


def test_the_judge_pulls_apart_and_the_generator_pulls_towards_real() -> None:
    on_real, on_made = torch.tensor([0.3], requires_grad=True), torch.tensor([-0.2], requires_grad=True)
    judge_loss(on_real, on_made).backward()
    assert on_real.grad is not None
    assert on_made.grad is not None
    assert on_real.grad < 0 < on_made.grad
    verdict, made = torch.tensor([-0.2], requires_grad=True), torch.tensor([0.4], requires_grad=True)
    generator_loss(verdict, made, torch.tensor([0.1]), fidelity=10).backward()
    assert verdict.grad is not None
    assert made.grad is not None
    assert verdict.grad < 0
    assert float(made.grad) == pytest.approx(10)


@few
@given(seeds)
def test_tversky_of_halves_is_dice(seed: int) -> None:
    probabilities, target = seeded(seed)
    index = losses.tversky_index(probabilities, target, 0.5, 0.5)
    for n in range(3):
        dice = 1 - losses.dice_loss(probabilities[:, n], target[:, n])
        assert float(index[n]) == pytest.approx(float(dice), abs=1e-5)


@few
@given(seeds, shares)
def test_gamma_of_one_is_the_tversky_loss(seed: int, missed: float) -> None:
    probabilities, target = seeded(seed)
    found = losses.weighted_focal_tversky(probabilities, target, missed=missed, extra=1 - missed, gamma=1.0)
    plain = 1 - losses.tversky_index(probabilities, target, missed, 1 - missed).mean()
    assert float(found) == pytest.approx(float(plain), abs=1e-6)


@few
@given(seeds, shares)
def test_missing_costs_what_inventing_costs_the_other_way_round(seed: int, missed: float) -> None:
    """Prediction and truth change places with the two weights."""
    probabilities, target = seeded(seed)
    there = losses.tversky_index(probabilities, target, missed, 1 - missed)
    torch.testing.assert_close(there, losses.tversky_index(target, probabilities, 1 - missed, missed))


Overlap = Callable[[Tensor, Tensor], Tensor]
OVERLAPS: list[Overlap] = [losses.weighted_focal_tversky, losses.dice_loss, losses.cross_entropy_and_dice]


@pytest.mark.parametrize("loss", OVERLAPS)
@few
@given(seed=seeds)
def test_order_of_pixels_and_cases_does_not_matter(loss: Overlap, seed: int) -> None:
    probabilities, target = seeded(seed)
    moved = [x.flip(0).transpose(2, 3).flip(2) for x in (probabilities, target)]
    torch.testing.assert_close(loss(*moved), loss(probabilities, target))


@pytest.mark.parametrize("loss", OVERLAPS)
@few
@given(seed=seeds)
def test_truth_is_best(loss: Overlap, seed: int) -> None:
    probabilities, target = seeded(seed)
    best = float(loss(target, target))
    assert 0 <= best < 1e-4
    assert best < float(loss((probabilities + target) / 2, target)) < float(loss(probabilities, target))


@few
@given(seeds, st.floats(0.1, 50))
def test_only_the_ratio_of_the_weights_matters(seed: int, factor: float) -> None:
    probabilities, target = seeded(seed)
    weights = torch.tensor([1.0, 2.0, 5.0])
    once = losses.weighted_focal_tversky(probabilities, target, weights)
    torch.testing.assert_close(losses.weighted_focal_tversky(probabilities, target, factor * weights), once)


@pytest.mark.parametrize("loss", OVERLAPS)
@pytest.mark.parametrize("case", ["perfect", "all wrong", "class absent", "middling"])
def test_gradient_is_finite_everywhere(loss: Overlap, case: str) -> None:
    probabilities, target = seeded(1)
    given_ = {"perfect": target, "all wrong": 1 - target}.get(case, probabilities)
    if case == "class absent":
        target = torch.zeros_like(target)
    leaf = given_.clone().requires_grad_()
    loss(leaf, target).backward()
    assert leaf.grad is not None
    assert torch.isfinite(leaf.grad).all()
    assert case == "perfect" or leaf.grad.abs().sum() > 0


def test_descent_reduces_every_loss() -> None:
    _, target = seeded(2)
    for loss in OVERLAPS:
        logits = torch.zeros_like(target, requires_grad=True)
        values = []
        for _ in range(20):
            value = loss(logits.softmax(1), target)
            (slope,) = torch.autograd.grad(value, logits)
            logits = (logits - 5 * slope / slope.abs().max().clamp_min(1e-12)).detach().requires_grad_()
            values.append(float(value.detach()))
        assert values[-1] < 0.1 * values[0]
