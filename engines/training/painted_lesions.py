"""Lesions painted into a tile: fresh infarcts of any size, and what is bright or dark without being one.

What an infarct is here: water that moves less (ADC down to 40 % of healthy tissue) in tissue whose T2 grows, so that it
is brighter on DWI than its surroundings, unevenly so, with soft borders.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
import torch
from torch import Tensor

from engines.training.random_fields import log_uniform, smooth_field, uniform

VOXEL_ML = 0.008
LEAST_CONTRAST = 1.25
"""An acute infarct is at least this much brighter on DWI than healthy tissue."""


class Paint(Enum):
    """What is painted."""

    INFARCT = "infarct"
    SHINE_THROUGH = "T2 shine-through"
    DENSE = "dense healthy tissue"
    DARK = "low ADC, not bright"
    OLD = "old infarct"


CHANCES = {Paint.INFARCT: 0.58, Paint.SHINE_THROUGH: 0.17, Paint.DENSE: 0.11, Paint.DARK: 0.07, Paint.OLD: 0.07}


@dataclass(slots=True, eq=False)
class Painted:
    """Changes of healthy tissue, each [k, j, i].

    Attributes:
        t2: Factor on its b = 0 signal.
        adc: Factor on its ADC.
        cover: Share of a voxel that is a fresh infarct.
    """

    t2: Tensor
    adc: Tensor
    cover: Tensor


def painted(room: Tensor, free: Tensor, rng: np.random.Generator) -> Painted:
    """None to seven lesions where `room` (brain tissue, 0..1) is and `free` (1: no lesion of the head's own) allows."""
    out = Painted(torch.ones_like(room), torch.ones_like(room), torch.zeros_like(room))
    places = torch.nonzero(room * free > 0.5)
    if len(places) == 0:
        return out
    for _ in range(int(rng.choice([0, 1, 2, 4, 7], p=[0.2, 0.3, 0.25, 0.15, 0.1]))):
        kind = list(Paint)[int(rng.choice(len(Paint), p=list(CHANCES.values())))]
        centre = places[int(rng.integers(len(places)))].float()
        border = uniform(rng, 2.0, 6.0) if kind is Paint.DENSE else uniform(rng, 0.8, 1.6)
        shape = _shape(room, centre, _millilitres(rng, kind), border, rng) * free
        _lay(out, kind, shape, rng)
    return out


def _millilitres(rng: np.random.Generator, kind: Paint) -> float:
    if kind is Paint.INFARCT and rng.random() < 0.22:
        return uniform(rng, 20.0, 200.0)
    if kind is Paint.DENSE:
        return log_uniform(rng, 0.3, 25.0)
    return log_uniform(rng, 0.02, 40.0 if kind is Paint.INFARCT else 8.0)


def _shape(room: Tensor, centre: Tensor, ml: float, border: float, rng: np.random.Generator) -> Tensor:
    """An uneven ellipsoid of about that size, 0..1 with a border of so many voxels."""
    radius = (ml / VOXEL_ML * 3 / (4 * np.pi)) ** (1 / 3)
    axes = np.exp(rng.normal(0, 0.25, 3))
    radii = torch.from_numpy(radius * axes / np.prod(axes) ** (1 / 3)).float()
    k, j, i = (
        (torch.arange(n, dtype=torch.float32) - c) / r for n, c, r in zip(room.shape, centre, radii, strict=True)
    )
    distance = torch.sqrt((k**2)[:, None, None] + (j**2)[None, :, None] + (i**2)[None, None, :])
    waves = int(np.clip(2.0 * room.shape[0] / (2.0 * radius), 3, 16))
    rough = uniform(rng, 0.0, 0.45) if radius > 1.6 else 0.0
    inside = (1.0 + rough * smooth_field(rng, room.shape, waves) - distance) * radius
    return torch.clamp(inside / border + 0.5, 0, 1)


def _lay(out: Painted, kind: Paint, shape: Tensor, rng: np.random.Generator) -> None:
    t2, adc = _strength(kind, rng)
    uneven = 1.0 + uniform(rng, 0.0, 0.35) * smooth_field(rng, shape.shape, int(rng.integers(5, 14)))
    depth = shape * uneven.clamp(0.3, 1.5)
    soft = depth ** uniform(rng, 0.7, 2.0)
    out.t2 = (out.t2 * (1 + (t2 - 1) * depth)).clamp(max=3.0)
    out.adc = (out.adc * (1 + (adc - 1) * soft)).clamp(min=0.3)
    if kind is Paint.INFARCT:
        out.cover = torch.maximum(out.cover, shape)
    else:
        out.cover = out.cover * (1 - shape)


def _strength(kind: Paint, rng: np.random.Generator) -> tuple[float, float]:
    """Factors on b = 0 signal and ADC."""
    if kind is Paint.INFARCT:
        adc = uniform(rng, 0.42, 0.85)
        least = LEAST_CONTRAST / float(np.exp(0.8 * (1 - adc)))
        return max(least, log_uniform(rng, 0.95, 2.6)), adc
    if kind is Paint.SHINE_THROUGH:
        return log_uniform(rng, 1.15, 2.4), uniform(rng, 1.0, 1.7)
    if kind is Paint.DENSE:
        adc = uniform(rng, 0.72, 0.95)
        return uniform(rng, 1.03, 1.15) / float(np.exp(0.8 * (1 - adc))), adc
    if kind is Paint.DARK:
        adc = uniform(rng, 0.6, 0.92)
        return uniform(rng, 0.6, 1.03) / float(np.exp(0.8 * (1 - adc))), adc
    return log_uniform(rng, 1.4, 2.5), uniform(rng, 1.8, 3.2)
