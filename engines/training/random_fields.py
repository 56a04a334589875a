"""Cheap smooth noise on small cubes."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F


def smooth_field(rng: np.random.Generator, shape: torch.Size, knots: int) -> Tensor:
    """Noise of about unit variance at `knots` + 1 points a side, linear between them."""
    coarse = torch.from_numpy(rng.standard_normal((1, 1, knots + 1, knots + 1, knots + 1), dtype=np.float32))
    return F.interpolate(coarse, size=list(shape), mode="trilinear", align_corners=True)[0, 0]


def blurred(stack: Tensor, share: float) -> Tensor:
    """[c, k, j, i], partly replaced by the mean of 3 x 3 x 3 voxels."""
    return (1 - share) * stack + share * F.avg_pool3d(stack[None], 3, 1, 1, count_include_pad=False)[0]


def uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """One number, evenly between."""
    return float(rng.uniform(low, high))


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """One number, its logarithm evenly between."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))
