"""The one training loop: a step is a function of (seed, step), so a run can stop and go on and end the same."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn

from engines.training import checkpoint
from engines.training.checkpoint import Kept
from engines.training.curves import Curves, Look, Point
from engines.training.rates import RateFn, fade
from inference.errors import BadOutput, InsulaError, JobCancelled
from inference.result import CancelledFn, Progress, ProgressFn

SAVE_EVERY = 200
SAVE_AFTER_S = 300.0

LookFn = Callable[[nn.Module], Look]
"""A network, in evaluation mode -> how it does on the held-out cases."""


class Stopped(JobCancelled):
    """Training was stopped; what it learned so far is kept."""

    def __init__(self, step: int, steps: int) -> None:
        InsulaError.__init__(
            self,
            f"Training was stopped after {step} of {steps} steps; the checkpoint is kept.",
            "Go on with the same command and --resume.",
        )


class Trainee(Protocol):
    """One recipe at work: its networks, data and losses."""

    network: nn.Module
    """The one that ships."""

    def learn(self, step: int, rate: float) -> float:
        """One step at `rate` times the recipe's learning rate; its loss. All chance comes from the step's number."""

    def state(self) -> dict[str, Any]:
        """Everything a later run needs to go on."""

    def restore(self, state: dict[str, Any]) -> None:
        """Undo `state`."""


@dataclass(frozen=True, slots=True)
class Run:
    """What to do: how many steps, from which seed, and where the checkpoint and the curves lie.

    Attributes:
        memory: Limits the running mean of the weights, which otherwise spans the last ninth of the steps so far.
        rate: Share of the learning rate at a step.
        recipe: Fingerprint of what decides the run.
        look: Measures held-out cases; with it the best weights so far are what the run gives.
        look_every: Steps between looks; 0: none.
        patience: Looks without a better one after which the run ends; 0: it never ends early.
    """

    steps: int
    seed: int
    checkpoint: Path
    curves: Path
    memory: float = 0.998
    rate: RateFn = fade
    recipe: str = ""
    look: LookFn | None = None
    look_every: int = 0
    patience: int = 0


def step_rng(seed: int, step: int) -> np.random.Generator:
    """All chance of one step."""
    return np.random.default_rng((seed, step))


def train_loop(trainee: Trainee, run: Run, progress: ProgressFn, cancelled: CancelledFn) -> nn.Module:
    """Learn until `run.steps` or until patience ends, from the checkpoint if there is one.

    Returns:
        For export: the running mean of the network, at its best look where the run has looks.

    Raises:
        InputRefused: The checkpoint belongs to another run.
        Stopped: `cancelled()` became true; the checkpoint is kept.
        BadOutput: The loss is no number any more.
    """
    return _Course(trainee, run).walk(progress, cancelled)


class _Course:
    """A run on its way: the trainee, the running mean, and the best weights so far."""

    def __init__(self, trainee: Trainee, run: Run) -> None:
        self._trainee, self._run = trainee, run
        self._mean = deepcopy(trainee.network).eval()
        self._best: dict[str, Any] | None = None
        self._best_loss, self._waited = math.inf, 0
        self._step = self._resume()
        self._curves = Curves(run.curves, after=self._step)
        self._saved = time.monotonic()

    def walk(self, progress: ProgressFn, cancelled: CancelledFn) -> nn.Module:
        try:
            while self._step < self._run.steps and not self._is_over():
                if cancelled():
                    self._save()
                    raise Stopped(self._step, self._run.steps)
                loss = self._one_step()
                progress(Progress(f"train (loss {loss:.4f})", self._step, self._run.steps))
                if self._step % SAVE_EVERY == 0 or time.monotonic() - self._saved > SAVE_AFTER_S:
                    self._save()
            self._save()
        finally:
            self._curves.close()
        return self._result()

    def _one_step(self) -> float:
        run, step = self._run, self._step
        rate = run.rate(step, run.steps)
        loss = self._trainee.learn(step, rate)
        if not math.isfinite(loss):
            raise BadOutput("The training loss is no number any more.", "Train with another seed or a lower rate.")
        blend(self._mean, self._trainee.network, min(run.memory, (step + 1.0) / (step + 10.0)))
        self._step = step + 1
        self._curves.add(Point(self._step, loss, rate, self._look()))
        return loss

    def _look(self) -> Look | None:
        run = self._run
        if run.look is None or not run.look_every or (self._step % run.look_every and self._step != run.steps):
            return None
        with torch.no_grad():
            look = run.look(self._mean)
        self._waited += 1
        if look.loss < self._best_loss:
            self._best = {name: value.clone() for name, value in self._mean.state_dict().items()}
            self._best_loss, self._waited = look.loss, 0
        return look

    def _is_over(self) -> bool:
        return 0 < self._run.patience <= self._waited

    def _result(self) -> nn.Module:
        if self._best is not None:
            self._mean.load_state_dict(self._best)
        return self._mean

    def _save(self) -> None:
        self._curves.flush()
        run, state = self._run, self._trainee.state()
        kept = Kept(
            run.seed, self._step, run.recipe, state, self._mean.state_dict(), self._best, self._best_loss, self._waited
        )
        checkpoint.write(kept, run.checkpoint)
        self._saved = time.monotonic()

    def _resume(self) -> int:
        if not self._run.checkpoint.exists():
            return 0
        kept = checkpoint.read(self._run.checkpoint)
        checkpoint.require_fit(kept, seed=self._run.seed, steps=self._run.steps, recipe=self._run.recipe)
        self._trainee.restore(kept.trainee)
        self._mean.load_state_dict(kept.mean)
        self._best, self._best_loss, self._waited = kept.best, kept.best_loss, kept.waited
        return kept.step


@torch.no_grad()
def blend(mean: nn.Module, network: nn.Module, memory: float) -> None:
    """Move every weight and running statistic of `mean` towards `network` by (1 - memory)."""
    for kept, new in zip(mean.state_dict().values(), network.state_dict().values(), strict=True):
        if kept.is_floating_point():
            kept.lerp_(new, 1.0 - memory)
        else:
            kept.copy_(new)


def descend(
    loss: torch.Tensor,
    network: torch.nn.Module,
    optimiser: torch.optim.Optimizer,
    rate: float,
    *,
    clip: float,
    scaler: torch.amp.GradScaler | None = None,
) -> float:
    """One step down the gradient, its norm limited to `clip`; the loss as a number.

    Args:
        scaler: Keeps fp16's gradients above its smallest number.
    """
    for group in optimiser.param_groups:
        group["lr"] = rate
    optimiser.zero_grad()
    if scaler is None:
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), clip)
        optimiser.step()
    else:
        scaler.scale(loss).backward()
        scaler.unscale_(optimiser)
        torch.nn.utils.clip_grad_norm_(network.parameters(), clip)
        scaler.step(optimiser)
        scaler.update()
    return float(loss.detach())
