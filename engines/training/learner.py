"""A trainee for any network that answers logits: batches, a loss, an optimiser and a number format, all by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from engines.training.criteria import Criterion
from engines.training.curves import Look
from engines.training.device import Arithmetic
from engines.training.loop import descend, step_rng
from engines.training.scores import Confusion
from engines.training.words import named

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
    """

    network: str
    loss: str
    optimiser: str = "adam"
    batch: int = 8
    rate: float = 1e-3
    decay: float = 0.0
    clip: float = 12.0
    widths: tuple[int, ...] = ()


class Learner:
    """See `engines.training.loop.Trainee`; `look` measures any network on the held-out cases."""

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
        self.network = make().to(arithmetic.device)
        self._batches, self._criterion, self._settings = batches, criterion, settings
        self._arithmetic, self._seed = arithmetic, seed
        optimiser = named(OPTIMISERS, settings.optimiser, "optimiser")
        self._optimiser = optimiser(self.network, settings.rate, settings.decay)
        self._scaler = arithmetic.scaler()

    def learn(self, step: int, rate: float) -> float:
        inputs, wanted = self._moved(self._batches.draw(self._settings.batch, step_rng(self._seed, step)))
        torch.manual_seed(self._seed * 1_000_003 + step)  # dropout
        self.network.train()
        with self._arithmetic.autocast():
            logits = self.network(inputs)
        loss = self._criterion(logits.float(), wanted)
        settings = self._settings
        return descend(
            loss, self.network, self._optimiser, settings.rate * rate, clip=settings.clip, scaler=self._scaler
        )

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

    def state(self) -> dict[str, Any]:
        return {
            "network": self.network.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "scaler": self._scaler.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self._optimiser.load_state_dict(state["optimiser"])
        if state["scaler"]:
            self._scaler.load_state_dict(state["scaler"])

    def _moved(self, pair: Pair) -> Pair:
        return pair[0].to(self._arithmetic.device), pair[1].to(self._arithmetic.device)
