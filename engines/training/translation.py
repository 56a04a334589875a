"""Trains the Pix2Pix generator against its discriminator (Isola et al. 2017, section 3)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from engines.architectures.pix2pix import Discriminator, Generator
from engines.training.device import Arithmetic
from engines.training.loop import step_rng
from engines.training.losses_judge import FIDELITY, generator_loss, judge_loss
from engines.training.paired_slices import PairedSlices, paired_batch
from engines.training.resumable import Resumable


@dataclass(frozen=True, slots=True)
class TranslationSettings:
    """Numbers of the translation recipe; `fidelity` weighs L1 against the discriminator."""

    batch: int = 4
    rate: float = 4e-4
    fidelity: float = FIDELITY
    width: int = 16


class TranslationTrainee(Resumable):
    """Generator in crop form and PatchGAN, Adam with beta1 0.5, cross-entropy + fidelity x L1."""

    def __init__(
        self,
        pairs: PairedSlices,
        settings: TranslationSettings,
        seed: int,
        arithmetic: Arithmetic = Arithmetic(),  # noqa: B008 - frozen
    ) -> None:
        torch.manual_seed(seed)
        self._arithmetic = arithmetic
        self.network = Generator(width=settings.width).to(arithmetic.device, memory_format=torch.channels_last)
        self._judge = Discriminator().to(arithmetic.device, memory_format=torch.channels_last)
        self._pairs, self._settings, self._seed = pairs, settings, seed
        self._optimiser = torch.optim.Adam(self.network.parameters(), settings.rate, betas=(0.5, 0.999))
        self._scaler, self._judge_scaler = arithmetic.scaler(), arithmetic.scaler()
        self._judge_optimiser = torch.optim.Adam(self._judge.parameters(), settings.rate / 2, betas=(0.5, 0.999))
        super().__init__(
            {
                "network": self.network,
                "judge": self._judge,
                "optimiser": self._optimiser,
                "judge_optimiser": self._judge_optimiser,
                "scaler": self._scaler,
                "judge_scaler": self._judge_scaler,
            }
        )

    def learn(self, step: int, rate: float) -> float:
        source, target = paired_batch(self._pairs, self._settings.batch, step_rng(self._seed, step))
        device = self._arithmetic.device
        source, target = (x.to(device, memory_format=torch.channels_last) for x in (source, target))
        torch.manual_seed(self._seed * 1_000_003 + step)  # dropout
        self.network.train()
        with self._arithmetic.autocast():
            made = self.network(source)
        made = made.float()
        self._learn_to_judge(source, target, made.detach(), rate)
        with self._arithmetic.autocast():
            verdict = self._judge(source, made)
        loss = generator_loss(verdict.float(), made, target, self._settings.fidelity)
        _descend(self._optimiser, self._scaler, loss, self._settings.rate * rate)
        return float((made.detach() - target).abs().mean())

    def _learn_to_judge(self, source: Tensor, target: Tensor, made: Tensor, rate: float) -> None:
        with self._arithmetic.autocast():
            on_real, on_made = self._judge(source, target), self._judge(source, made)
        loss = judge_loss(on_real.float(), on_made.float())
        _descend(self._judge_optimiser, self._judge_scaler, loss, self._settings.rate / 2 * rate)


def _descend(optimiser: torch.optim.Optimizer, scaler: torch.amp.GradScaler, loss: Tensor, rate: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = rate
    optimiser.zero_grad()
    scaler.scale(loss).backward()
    scaler.step(optimiser)
    scaler.update()
