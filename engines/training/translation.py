"""Trains the Pix2Pix generator against its discriminator (Isola et al. 2017, section 3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from engines.architectures.pix2pix import Discriminator, Generator
from engines.training.loop import step_rng
from engines.training.paired_slices import PairedSlices, paired_batch


@dataclass(frozen=True, slots=True)
class TranslationSettings:
    """Numbers of the translation recipe; `fidelity` weighs L1 against the discriminator."""

    batch: int = 4
    rate: float = 4e-4
    fidelity: float = 100.0
    width: int = 16


class TranslationTrainee:
    """Generator in crop form and PatchGAN, Adam with beta1 0.5, cross-entropy + fidelity x L1."""

    def __init__(self, pairs: PairedSlices, settings: TranslationSettings, seed: int) -> None:
        torch.manual_seed(seed)
        self.network = Generator(width=settings.width).to(memory_format=torch.channels_last)
        self._judge = Discriminator().to(memory_format=torch.channels_last)
        self._pairs, self._settings, self._seed = pairs, settings, seed
        self._optimiser = torch.optim.Adam(self.network.parameters(), settings.rate, betas=(0.5, 0.999))
        self._judge_optimiser = torch.optim.Adam(self._judge.parameters(), settings.rate / 2, betas=(0.5, 0.999))

    def learn(self, step: int, rate: float) -> float:
        source, target = paired_batch(self._pairs, self._settings.batch, step_rng(self._seed, step))
        source, target = (x.contiguous(memory_format=torch.channels_last) for x in (source, target))
        torch.manual_seed(self._seed * 1_000_003 + step)  # dropout
        self.network.train()
        with torch.autocast("cpu", torch.bfloat16):
            made = self.network(source)
        made = made.float()
        self._learn_to_judge(source, target, made.detach(), rate)
        with torch.autocast("cpu", torch.bfloat16):
            verdict = self._judge(source, made)
        distance = (made - target).abs().mean()
        loss = _verdict_loss(verdict.float(), real=True) + self._settings.fidelity * distance
        _descend(self._optimiser, loss, self._settings.rate * rate)
        return float(distance.detach())

    def state(self) -> dict[str, Any]:
        return {
            "network": self.network.state_dict(),
            "judge": self._judge.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "judge_optimiser": self._judge_optimiser.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self._judge.load_state_dict(state["judge"])
        self._optimiser.load_state_dict(state["optimiser"])
        self._judge_optimiser.load_state_dict(state["judge_optimiser"])

    def _learn_to_judge(self, source: Tensor, target: Tensor, made: Tensor, rate: float) -> None:
        with torch.autocast("cpu", torch.bfloat16):
            on_real, on_made = self._judge(source, target), self._judge(source, made)
        loss = (_verdict_loss(on_real.float(), real=True) + _verdict_loss(on_made.float(), real=False)) / 2
        _descend(self._judge_optimiser, loss, self._settings.rate / 2 * rate)


def _verdict_loss(logits: Tensor, real: bool) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, float(real)))


def _descend(optimiser: torch.optim.Optimizer, loss: Tensor, rate: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = rate
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
