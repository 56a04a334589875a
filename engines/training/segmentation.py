"""Trains the 3D U-Net on lesion tiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from engines.architectures.unet3d import UNet3d
from engines.training.device import Arithmetic
from engines.training.lesion_tiles import LesionCase, tile_batch
from engines.training.loop import descend, step_rng
from engines.training.resumable import Resumable

GAIN = ((4.0, 0.0, 2.0), (0.8, 0.0, 4.0))
"""Both channels are relative to healthy brain. ADC above 1.8 times its value is water; an infarct lies 0.15 to 0.5
below it, and 0.3 to 2 above on DWI."""

RESOLUTIONS = 3
"""At which the loss is taken."""


@dataclass(frozen=True, slots=True)
class SegmentationSettings:
    """Numbers of the segmentation recipe; `size` is the side of a tile in use, `crop` in training."""

    batch: int = 2
    rate: float = 1e-3
    decay: float = 1e-4
    size: int = 64
    crop: int = 64
    widths: tuple[int, ...] = (16, 32, 64, 96, 128)


class SegmentationTrainee(Resumable):
    """UNet3d, AdamW, soft Dice + cross-entropy at three resolutions (nnU-Net's loss)."""

    def __init__(
        self,
        cases: Sequence[LesionCase],
        settings: SegmentationSettings,
        seed: int,
        arithmetic: Arithmetic = Arithmetic(),  # noqa: B008 - frozen
    ) -> None:
        torch.manual_seed(seed)
        self._arithmetic, self._scaler = arithmetic, arithmetic.scaler()
        self.network = UNet3d(2, 2, settings.widths, GAIN).to(arithmetic.device)
        self._cases, self._settings, self._seed = cases, settings, seed
        self._optimiser = torch.optim.AdamW(self.network.parameters(), settings.rate, weight_decay=settings.decay)
        super().__init__({"network": self.network, "optimiser": self._optimiser, "scaler": self._scaler})

    def learn(self, step: int, rate: float) -> float:
        tiles, labels = tile_batch(self._cases, self._settings.batch, self._settings.crop, step_rng(self._seed, step))
        self.network.train()
        with self._arithmetic.autocast():
            levels = self.network.supervised(tiles.to(self._arithmetic.device), RESOLUTIONS)
        loss = supervised_loss([level.float() for level in levels], labels.to(self._arithmetic.device))
        rate = self._settings.rate * rate
        return descend(loss, self.network, self._optimiser, rate, clip=12.0, scaler=self._scaler)


def supervised_loss(levels: Sequence[Tensor], labels: Tensor) -> Tensor:
    """Weights 1, 1/2, 1/4, ... from the finest resolution; labels of a coarser one are shares of its voxels."""
    target = F.one_hot(labels, 2).movedim(-1, 1).float()
    total, weights = torch.zeros((), device=labels.device), 0.0
    for n, logits in enumerate(levels):
        total = total + (dice_loss(logits, target) + soft_cross_entropy(logits, target)) / 2**n
        weights += 1 / 2**n
        target = F.avg_pool3d(target, 2)
    return total / weights


def dice_loss(logits: Tensor, target: Tensor) -> Tensor:
    """1 - soft Dice of the lesion over the whole batch."""
    share, wanted = logits.softmax(1)[:, 1], target[:, 1]
    return 1.0 - (2.0 * (share * wanted).sum() + 1.0) / (share.sum() + wanted.sum() + 1.0)


def soft_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Mean cross-entropy with shares as target."""
    return -(target * logits.log_softmax(1)).sum(1).mean()
