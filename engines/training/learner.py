"""A trainee for any network that answers logits: batches, a loss, an optimiser and a number format, all by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from engines.training.criteria import Criterion
from engines.training.curves import Look
from engines.training.device import Arithmetic
from engines.training.loop import descend, step_rng
from engines.training.losses_deep import deeply_supervised
from engines.training.resumable import Resumable
from engines.training.scores import Confusion
from engines.training.words import named
from inference.errors import InputRefused

Pair = tuple[Tensor, Tensor]
"""Inputs float32 [n, channels, ...] and the labels wanted, int64 [n, ...]."""

Optimisers = Mapping[str, Callable[[nn.Module, float, float], torch.optim.Optimizer]]
OPTIMISERS: Optimisers = {
    "adam": lambda n, rate, decay: torch.optim.Adam(n.parameters(), rate, weight_decay=decay),
    "adamw": lambda n, rate, decay: torch.optim.AdamW(n.parameters(), rate, weight_decay=decay),
    "sgd": lambda n, rate, decay: torch.optim.SGD(n.parameters(), rate, 0.99, weight_decay=decay, nesterov=True),
}


class Batches(Protocol):
    """Cases as a trainee wants them."""

    @property
    def count(self) -> int:
        """Cases to learn from."""

    def draw(self, count: int, rng: np.random.Generator) -> Pair:
        """A batch to learn from; all chance comes from the generator."""

    def held_out(self) -> Iterator[Pair]:
        """The same batches each time, unchanged."""


@dataclass(frozen=True, slots=True)
class LearnSettings:
    """Numbers and names of a recipe that trains a network on real cases.

    Attributes:
        network: Its name among those of the recipe's kind.
        widths: Its channels per level; none: as published.
        loss, optimiser: By name.
        rate, decay: Learning rate at a share of 1, and weight decay.
        clip: Largest norm of the gradient.
        deep_supervision: Whether the loss is taken at every resolution of the network's decoder.
        dropout: Whether the network's own dropout works.
        drop, mirror, by_label, alone: See `engines.training.mask_tiles.Chances`.
    """

    network: str
    loss: str
    optimiser: str = "adam"
    batch: int = 8
    rate: float = 1e-3
    decay: float = 0.0
    clip: float = 12.0
    widths: tuple[int, ...] = ()
    deep_supervision: bool = False
    dropout: bool = True
    drop: float = 0.0
    mirror: float = 0.0
    by_label: bool = False
    alone: float = 0.0


class Learner(Resumable):
    """See `engines.training.loop.Trainee`; `look` measures any network on the held-out cases.

    Raises:
        InputRefused: The network has no answers at several resolutions, and the settings want a loss there.
    """

    def __init__(
        self,
        make: Callable[[], nn.Module],
        batches: Batches,
        criterion: Criterion,
        settings: LearnSettings,
        arithmetic: Arithmetic,
        seed: int,
    ) -> None:
        torch.manual_seed(seed)
        self.network = (make() if settings.dropout else without_dropout(make())).to(arithmetic.device)
        if settings.deep_supervision and not hasattr(self.network, "supervised"):
            raise InputRefused(
                f"The network {settings.network} answers at one resolution only.", "Leave out deep_supervision."
            )
        self._batches, self._criterion, self._settings = batches, criterion, settings
        self._arithmetic, self._seed = arithmetic, seed
        optimiser = named(OPTIMISERS, settings.optimiser, "optimiser")
        self._optimiser = optimiser(self.network, settings.rate, settings.decay)
        self._scaler = arithmetic.scaler()
        super().__init__({"network": self.network, "optimiser": self._optimiser, "scaler": self._scaler})

    def learn(self, step: int, rate: float) -> float:
        inputs, wanted = self._moved(self._batches.draw(self._settings.batch, step_rng(self._seed, step)))
        torch.manual_seed(self._seed * 1_000_003 + step)  # dropout
        self.network.train()
        loss, settings = self._loss(inputs, wanted), self._settings
        return descend(
            loss, self.network, self._optimiser, settings.rate * rate, clip=settings.clip, scaler=self._scaler
        )

    def _loss(self, inputs: Tensor, wanted: Tensor) -> Tensor:
        if not self._settings.deep_supervision:
            with self._arithmetic.autocast():
                logits = self.network(inputs)
            return self._criterion(logits.float(), wanted)
        with self._arithmetic.autocast():
            levels = self.network.supervised(inputs)
        return deeply_supervised([level.float() for level in levels], wanted, self._criterion)

    def look(self, network: nn.Module) -> Look:
        """Mean loss over the held-out batches, and the score that fits the task."""
        losses, seen = [], Confusion()
        for pair in self._batches.held_out():
            inputs, wanted = self._moved(pair)
            with torch.no_grad(), self._arithmetic.autocast():
                logits = network(inputs)
            losses.append(float(self._criterion(logits.float(), wanted)))
            seen.add(logits.argmax(1).cpu().numpy(), wanted.cpu().numpy(), logits.shape[1])
        return Look(float(np.mean(losses)), seen.mean_dice() if wanted.ndim > 1 else seen.balanced_accuracy())

    def _moved(self, pair: Pair) -> Pair:
        return pair[0].to(self._arithmetic.device), pair[1].to(self._arithmetic.device)


def without_dropout(network: nn.Module) -> nn.Module:
    """The same network, with its dropout switched off."""
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return network
