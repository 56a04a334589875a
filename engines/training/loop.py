"""The one training loop: a step is a function of (seed, step), so a run can stop and go on and end the same."""

from __future__ import annotations

import math
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn

from inference.errors import BadOutput, JobCancelled
from inference.result import CancelledFn, Progress, ProgressFn

WARM_UP_STEPS = 100
FADE_SHARE = 0.35
SAVE_EVERY = 200


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
    """What to do: how many steps, from which seed, and where the checkpoint lies.

    `memory` limits the running mean of the weights, which otherwise spans the last ninth of the steps so far.
    """

    steps: int
    seed: int
    checkpoint: Path
    memory: float = 0.998


def step_rng(seed: int, step: int) -> np.random.Generator:
    """All chance of one step."""
    return np.random.default_rng((seed, step))


def rate_at(step: int, steps: int) -> float:
    """Share of the learning rate: a fixed warm-up, a plateau, and a cosine fade over the last third.

    The plateau does not depend on `steps`, so a run may be shortened or prolonged from any checkpoint in it.
    """
    fade_from = steps * (1.0 - FADE_SHARE)
    fade = 1.0 if step < fade_from else 0.5 + 0.5 * math.cos(math.pi * (step - fade_from) / (steps - fade_from))
    return min(1.0, (step + 1) / WARM_UP_STEPS) * max(fade, 0.01)


def train_loop(trainee: Trainee, run: Run, progress: ProgressFn, cancelled: CancelledFn) -> nn.Module:
    """Learn until `run.steps`, from the checkpoint if there is one; the running mean of the network, for export.

    Raises:
        JobCancelled: `cancelled()` became true; the checkpoint is kept.
        BadOutput: The loss is no number any more.
    """
    mean = deepcopy(trainee.network).eval()
    first = _resume(trainee, mean, run)
    for step in range(first, run.steps):
        if cancelled():
            save(trainee, mean, step, run)
            raise JobCancelled
        loss = trainee.learn(step, rate_at(step, run.steps))
        if not math.isfinite(loss):
            raise BadOutput("The training loss is no number any more.", "Train with another seed or a lower rate.")
        blend(mean, trainee.network, min(run.memory, (step + 1.0) / (step + 10.0)))
        progress(Progress(f"train (loss {loss:.4f})", step + 1, run.steps))
        if (step + 1) % SAVE_EVERY == 0:
            save(trainee, mean, step + 1, run)
    save(trainee, mean, run.steps, run)
    return mean


@torch.no_grad()
def blend(mean: nn.Module, network: nn.Module, memory: float) -> None:
    """Move every weight and running statistic of `mean` towards `network` by (1 - memory)."""
    for kept, new in zip(mean.state_dict().values(), network.state_dict().values(), strict=True):
        if kept.is_floating_point():
            kept.lerp_(new, 1.0 - memory)
        else:
            kept.copy_(new)


def save(trainee: Trainee, mean: nn.Module, step: int, run: Run) -> None:
    """Write the checkpoint under another name first."""
    run.checkpoint.parent.mkdir(parents=True, exist_ok=True)
    partial = run.checkpoint.with_suffix(".partial")
    torch.save({"seed": run.seed, "step": step, "trainee": trainee.state(), "mean": mean.state_dict()}, partial)
    partial.replace(run.checkpoint)


def _resume(trainee: Trainee, mean: nn.Module, run: Run) -> int:
    if not run.checkpoint.exists():
        return 0
    stored = torch.load(run.checkpoint, weights_only=True)
    if stored["seed"] != run.seed or stored["step"] > run.steps:
        return 0
    trainee.restore(stored["trainee"])
    mean.load_state_dict(stored["mean"])
    return int(stored["step"])


def descend(
    loss: torch.Tensor, network: torch.nn.Module, optimiser: torch.optim.Optimizer, rate: float, *, clip: float
) -> float:
    """One step down the gradient, its norm limited to `clip`; the loss as a number."""
    for group in optimiser.param_groups:
        group["lr"] = rate
    optimiser.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), clip)
    optimiser.step()
    return float(loss.detach())
