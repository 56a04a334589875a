"""Trains the detector on boxed slices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from engines.architectures.detector import STRIDES, GridDetector
from engines.training.box_loss import detection_loss, flatten
from engines.training.boxed_slices import BoxedSlices, augmented, drawing_weights
from engines.training.curves import Look
from engines.training.device import Arithmetic
from engines.training.loop import descend, step_rng
from engines.training.resumable import Resumable


@dataclass(frozen=True, slots=True)
class DetectionSettings:
    """Numbers of the detection recipe.

    Attributes:
        positive: Share of a batch's pictures drawn from those with a box.
        phantom_share: Share of a batch taken from phantom slices.
    """

    batch: int = 16
    rate: float = 1e-3
    decay: float = 0.02
    positive: float = 0.7
    phantom_share: float = 0.25


class DetectionTrainee(Resumable):
    """GridDetector, AdamW, real slices and phantom slices side by side."""

    def __init__(
        self,
        real: BoxedSlices,
        phantom: BoxedSlices | None,
        classes: int,
        settings: DetectionSettings,
        seed: int,
        arithmetic: Arithmetic = Arithmetic(),  # noqa: B008 - frozen
    ) -> None:
        torch.manual_seed(seed)
        self.network = GridDetector(classes).to(arithmetic.device, memory_format=torch.channels_last)
        self._settings, self._seed, self._arithmetic = settings, seed, arithmetic
        decayed = [p for p in self.network.parameters() if p.ndim > 1]
        others = [p for p in self.network.parameters() if p.ndim <= 1]
        groups = [{"params": decayed, "weight_decay": settings.decay}, {"params": others, "weight_decay": 0.0}]
        self._optimiser = torch.optim.AdamW(groups, lr=settings.rate)
        self._scaler = arithmetic.scaler()
        super().__init__({"network": self.network, "optimiser": self._optimiser, "scaler": self._scaler})
        self._pool, self._chances = _pooled(real, phantom, classes, settings)

    def learn(self, step: int, rate: float) -> float:
        rng = step_rng(self._seed, step)
        chosen = rng.choice(len(self._pool), self._settings.batch, p=self._chances)
        pictures, truth = augmented(self._pool, [int(c) for c in chosen], rng)
        device = self._arithmetic.device
        truth = [(boxes.to(device), labels.to(device)) for boxes, labels in truth]
        self.network.train()
        with self._arithmetic.autocast():
            maps = self.network(pictures.to(device, memory_format=torch.channels_last))
        loss = detection_loss(flatten([m.float() for m in maps], STRIDES), truth)
        rate = self._settings.rate * rate
        return descend(loss, self.network, self._optimiser, rate, clip=10.0, scaler=self._scaler)

    def look(self, network: nn.Module, slices: BoxedSlices) -> Look:
        """Mean loss over pictures as they are; how well boxes fit is measured on the bundle."""
        device, losses = self._arithmetic.device, []
        for first in range(0, len(slices), self._settings.batch):
            part = range(first, min(first + self._settings.batch, len(slices)))
            pictures = torch.from_numpy(slices.pixels[part]).float()[:, None] / 127.5 - 1.0
            truth = [(torch.from_numpy(slices.boxes[n]), torch.from_numpy(slices.labels[n])) for n in part]
            with torch.no_grad(), self._arithmetic.autocast():
                maps = network(pictures.to(device, memory_format=torch.channels_last))
            marked = [(boxes.to(device), labels.to(device)) for boxes, labels in truth]
            losses.append(float(detection_loss(flatten([m.float() for m in maps], STRIDES), marked)))
        return Look(float(np.mean(losses)))


def _pooled(
    real: BoxedSlices, phantom: BoxedSlices | None, classes: int, settings: DetectionSettings
) -> tuple[BoxedSlices, Any]:
    chances = drawing_weights(real, classes, settings.positive)
    if phantom is None:
        return real, chances
    share = settings.phantom_share
    both = np.concatenate([(1 - share) * chances, share * drawing_weights(phantom, classes, settings.positive)])
    return real.joined(phantom), both
