"""Pairs of slices in one frame: what a generator is given and what it should make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

Halves = NDArray[np.float16]


@dataclass(frozen=True, slots=True, eq=False)
class PairedSlices:
    """float16 [n, side, side] each, in [-1, 1]: source (CT in the network's window) and target."""

    source: Halves
    target: Halves

    def __len__(self) -> int:
        return len(self.source)


def paired_batch(pairs: PairedSlices, count: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """`count` pairs [n, 1, side, side], moved together; the source alone also gets another scanner's grain."""
    chosen = rng.integers(len(pairs), size=count)
    stack = np.stack([pairs.source[chosen], pairs.target[chosen]], axis=1).astype(np.float32)
    theta = torch.from_numpy(np.stack([_placement(rng) for _ in range(count)])).float()
    both = torch.from_numpy(stack)
    grid = F.affine_grid(theta, list(both.shape), align_corners=False)
    moved = F.grid_sample(both + 1.0, grid, mode="bilinear", align_corners=False) - 1.0
    source = torch.stack([_grained(picture, rng) for picture in moved[:, :1]])
    return source, moved[:, 1:]


def _placement(rng: np.random.Generator) -> NDArray[np.float64]:
    """(2, 3) in grid_sample's units: flip, turn, scale, stretch and shift."""
    turn = np.radians(rng.uniform(-12, 12))
    cos, sin = np.cos(turn), np.sin(turn)
    flip = -1.0 if rng.random() < 0.5 else 1.0
    zoom, stretch = np.exp(rng.uniform(-0.15, 0.15)), np.exp(rng.uniform(-0.06, 0.06))
    linear = np.array([[cos, -sin], [sin, cos]]) @ np.diag([flip * zoom * stretch, zoom / stretch])
    return np.column_stack([linear, rng.uniform(-0.1, 0.1, 2)])


def _grained(picture: Tensor, rng: np.random.Generator) -> Tensor:
    """Gain, offset, sharpness and noise; what was clipped stays clipped."""
    low, high = picture < -0.98, picture > 0.98
    out = picture * float(np.exp(rng.normal(0.0, 0.08))) + float(rng.normal(0.0, 0.04))
    if rng.random() < 0.4:
        share = float(rng.uniform(0.2, 1.0))
        out = (1 - share) * out + share * _mean3(out)
    grain = torch.from_numpy(rng.standard_normal(tuple(out.shape), dtype=np.float32))
    if rng.random() < 0.5:
        grain = 2.2 * _mean3(grain)
    out = out + grain * float(rng.uniform(0.0, 0.1))
    return torch.where(high, 1.0, torch.where(low, -1.0, out)).clamp(-1.0, 1.0)


def _mean3(picture: Tensor) -> Tensor:
    return F.avg_pool2d(picture[None], 3, 1, 1, count_include_pad=False)[0]


def joined(parts: Sequence[PairedSlices]) -> PairedSlices:
    """All pairs of all parts."""
    return PairedSlices(np.concatenate([p.source for p in parts]), np.concatenate([p.target for p in parts]))
