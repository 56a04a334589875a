"""Tiles for the stroke network: DWI + ADC cases, moved and changed as heads and scanners differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from inference.steps import normalise
from inference.steps.head import mr_foreground
from inference.volume import Floats


@dataclass(frozen=True, slots=True, eq=False)
class LesionCase:
    """One case on an isotropic grid, as a network sees it.

    Attributes:
        channels: float32 [2, k, j, i]: DWI z-scored and ADC in [-1, 1], 0 outside the foreground.
        foreground: bool [k, j, i].
        lesion: bool [k, j, i].
    """

    channels: Floats
    foreground: NDArray[np.bool_]
    lesion: NDArray[np.bool_]


def lesion_case(dwi: Floats, adc: Floats, lesion: NDArray[np.bool_]) -> LesionCase:
    """Normalise a case exactly as inference does. ADC in 1e-3 mm2/s."""
    foreground = mr_foreground(dwi)
    channels = np.stack([normalise.zscore(dwi, foreground), normalise.adc(adc, foreground)])
    return LesionCase(channels, foreground, lesion)


def tile_batch(cases: Sequence[LesionCase], count: int, size: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """`count` augmented tiles [n, 2, size, size, size] and their labels int64 [n, size, size, size]."""
    tiles = [_tile(cases[int(rng.integers(len(cases)))], size, rng) for _ in range(count)]
    return torch.stack([x for x, _ in tiles]), torch.stack([y for _, y in tiles])


def _tile(case: LesionCase, size: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    stack = np.concatenate([case.channels, case.foreground[None], case.lesion[None]]).astype(np.float32)
    source = torch.from_numpy(stack)[None]
    theta = torch.from_numpy(_sampling_matrix(_centre(case, size, rng), case.foreground.shape, size, rng))
    grid = F.affine_grid(theta.float()[None], [1, 4, size, size, size], align_corners=False)
    moved = F.grid_sample(source, grid, mode="bilinear", align_corners=False)[0]
    dwi, adc, foreground, lesion = moved
    inside = foreground > 0.5
    dwi, adc = _changed(dwi, adc, inside, lesion, rng)
    channels = torch.where(inside, torch.stack([dwi.clamp(-5, 10), adc.clamp(-1, 1)]), 0.0)
    return channels, (lesion > 0.5).long()


def _centre(case: LesionCase, size: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Two of three tiles near a lesion voxel, the others anywhere in the head; (k, j, i)."""
    wanted = case.lesion if case.lesion.any() and rng.random() < 0.67 else case.foreground
    places = np.flatnonzero(wanted)
    at = np.array(np.unravel_index(places[rng.integers(len(places))], wanted.shape), dtype=np.float64)
    return at + rng.uniform(-0.4, 0.4, 3) * size


def _sampling_matrix(
    centre: NDArray[np.float64], shape: tuple[int, ...], size: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """(3, 4) affine in grid_sample's units, axes x, y, z: from the tile to the case."""
    turn = _rotation(np.radians(rng.uniform(-15, 15, 3)))
    flips = np.where(rng.random(3) < (0.5, 0.1, 0.1), -1.0, 1.0)
    zoom = np.exp(rng.uniform(np.log(0.8), np.log(1.25))) * np.exp(rng.uniform(-0.07, 0.07, 3))
    linear = turn @ np.diag(flips * zoom) * (size / 2)
    sides = np.array(shape[::-1], dtype=np.float64)
    middle = (centre[::-1] + 0.5) * 2.0 / sides - 1.0
    return np.column_stack([linear * (2.0 / sides)[:, None], middle])


def _rotation(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    (ca, cb, cc), (sa, sb, sc) = np.cos(angles), np.sin(angles)
    x = np.array([[1, 0, 0], [0, ca, -sa], [0, sa, ca]])
    y = np.array([[cb, 0, sb], [0, 1, 0], [-sb, 0, cb]])
    z = np.array([[cc, -sc, 0], [sc, cc, 0], [0, 0, 1]])
    return np.asarray(x @ y @ z)


def _changed(
    dwi: Tensor, adc: Tensor, inside: Tensor, lesion: Tensor, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Contrast, decoys, bias, blur, thick slices, noise and a wrong ADC scale."""
    dwi = dwi + lesion * float(rng.normal(0.0, 0.35))
    adc = adc + lesion * float(rng.uniform(-0.08, 0.06))
    dwi, adc = _decoys(dwi, adc, inside, lesion, rng)
    dwi = dwi * float(np.exp(rng.normal(0.0, 0.15))) + float(rng.normal(0.0, 0.15))
    dwi = dwi + _smooth_field(rng, dwi.shape, 2) * float(rng.uniform(0.0, 0.8))
    adc = (adc + 1.0) * float(np.exp(rng.normal(0.0, 0.06))) - 1.0
    dwi = torch.sign(dwi) * dwi.abs() ** float(np.exp(rng.normal(0.0, 0.12)))
    both = torch.stack([dwi, adc])
    if rng.random() < 0.35:
        both = _thick(both, int(rng.integers(2, 4)))
    if rng.random() < 0.35:
        both = _blurred(both, float(rng.uniform(0.2, 1.0)))
    noise = torch.from_numpy(rng.standard_normal(tuple(both.shape), dtype=np.float32))
    if rng.random() < 0.5:
        noise = 2.2 * _blurred(noise, 1.0)
    both = both + noise * torch.tensor([rng.uniform(0, 0.35), rng.uniform(0, 0.1)]).float().view(2, 1, 1, 1)
    return both[0], both[1]


def _decoys(
    dwi: Tensor, adc: Tensor, inside: Tensor, lesion: Tensor, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Places that are bright on DWI or low on ADC but never both: the network must read the two together."""
    keep = 1.0 - (F.max_pool3d(lesion[None, None], 5, 1, 2)[0, 0] > 0.1).float()
    if rng.random() < 0.7:
        spot = _blobs(rng, inside) * keep
        dwi = dwi + spot * float(rng.uniform(0.8, 3.0))
        adc = adc + spot * float(rng.uniform(0.0, 0.35))
    if rng.random() < 0.4:
        spot = _blobs(rng, inside) * keep
        adc = adc - spot * float(rng.uniform(0.05, 0.25))
        dwi = dwi - spot * float(rng.uniform(0.0, 0.8))
    if rng.random() < 0.4:
        rim = inside.float()[None, None]
        rim = rim - (-F.max_pool3d(-rim, 5, 1, 2))
        dwi = dwi + (rim[0, 0] * _smooth_field(rng, dwi.shape, 4).clamp(min=0)) * keep * float(rng.uniform(0.5, 2.5))
    return dwi, adc


def _blobs(rng: np.random.Generator, inside: Tensor) -> Tensor:
    """One to three soft ellipsoids in the foreground, 0..1."""
    places = torch.nonzero(inside)
    out = torch.zeros(inside.shape)
    if len(places) == 0:
        return out
    axes = [torch.arange(n, dtype=torch.float32) for n in inside.shape]
    for _ in range(int(rng.integers(1, 4))):
        centre = places[int(rng.integers(len(places)))].float()
        radii = torch.from_numpy(np.exp(rng.uniform(np.log(1.0), np.log(12.0))) * rng.uniform(0.6, 1.4, 3)).float()
        k, j, i = ((a - c) / r for a, c, r in zip(axes, centre, radii, strict=True))
        distance = (k**2)[:, None, None] + (j**2)[None, :, None] + (i**2)[None, None, :]
        out = torch.maximum(out, torch.sigmoid((1.0 - distance) * 3.0))
    return out


def _smooth_field(rng: np.random.Generator, shape: torch.Size, knots: int) -> Tensor:
    coarse = torch.from_numpy(rng.standard_normal((1, 1, knots + 1, knots + 1, knots + 1), dtype=np.float32))
    return F.interpolate(coarse, size=list(shape), mode="trilinear", align_corners=True)[0, 0]


def _thick(both: Tensor, factor: int) -> Tensor:
    """Slices `factor` times as thick, brought back by linear interpolation."""
    size = both.shape[1]
    thick = F.avg_pool3d(both[None], (factor, 1, 1), ceil_mode=True, count_include_pad=False)
    return F.interpolate(thick, size=(size, *both.shape[2:]), mode="trilinear", align_corners=False)[0]


def _blurred(both: Tensor, share: float) -> Tensor:
    return (1 - share) * both + share * F.avg_pool3d(both[None], 3, 1, 1, count_include_pad=False)[0]
