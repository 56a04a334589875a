"""Tiles for the stroke network: pieces of digital heads, turned, bent and scanned anew each time they are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from engines.training.diffusion_pictures import scanned
from engines.training.random_fields import smooth_field
from inference.steps import normalise
from inference.steps.brain import brain_mask
from inference.volume import Floats

SPACING_MM = (2.0, 2.0, 2.0)
FLIPPED = (0.5, 0.5, 0.25)
"""Share of tiles mirrored along x, y, z: files store heads face up, face down and feet first."""

Bools = NDArray[np.bool_]
Bytes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class LesionCase:
    """One head on the network's grid.

    Attributes:
        channels: float32 [2, k, j, i]: DWI and ADC as inference gives them to the network, 0 outside the brain.
        brain: bool [k, j, i], as inference finds it.
        tissues: uint8 [tissue, k, j, i]: how much of a voxel each of STROKE_TISSUES fills, 255 = all of it.
        cover: uint8 [k, j, i]: how much of it is acute infarct.
    """

    channels: Floats
    brain: Bools
    tissues: Bytes
    cover: Bytes


def lesion_case(dwi: Floats, adc: Floats, tissues: Bytes, cover: Bytes) -> LesionCase:
    """Normalise a head exactly as inference does. ADC in 1e-3 mm2/s."""
    brain = brain_mask(dwi, SPACING_MM)
    channels = np.stack([normalise.relative(dwi, brain), normalise.relative(adc, brain)])
    return LesionCase(channels, brain, tissues, cover)


def tile_batch(cases: Sequence[LesionCase], count: int, size: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """`count` new tiles [n, 2, size, size, size] and their labels int64 [n, size, size, size]."""
    tiles = [_tile(cases[int(rng.integers(len(cases)))], size, rng) for _ in range(count)]
    return torch.stack([x for x, _ in tiles]), torch.stack([y for _, y in tiles])


LABELLED = 0.45
"""Least share of a voxel that a lesion must fill to be marked there."""

AS_SCANNED = 0.35
"""Share of tiles that show the head's own pictures; the others are scanned anew, each with its own contrast."""


def _tile(case: LesionCase, size: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    grid = _grid(case, size, rng)
    if rng.random() < AS_SCANNED:
        pictures = np.concatenate([case.channels, case.cover[None] / np.float32(255)])
        moved = _pulled(pictures, grid)
        return moved[:2], (moved[2] > LABELLED).long()
    parts = np.concatenate([case.tissues, case.cover[None], case.brain[None] * np.uint8(255)])
    moved = _pulled(parts, grid) / 255.0
    channels, cover = scanned(moved[:-2], moved[-2], moved[-1] > 0.5, rng)
    return channels, (cover > LABELLED).long()


def _pulled(stack: Floats | Bytes, grid: Tensor) -> Tensor:
    """The stack [c, k, j, i] at the grid's points, 0 outside; only what lies round them is looked at."""
    sides = torch.tensor(stack.shape[:0:-1])
    index = ((grid[0] + 1) * sides - 1) / 2
    low = torch.minimum((index.amin((0, 1, 2)).floor().long() - 1).clamp(min=0), sides - 1)
    high = torch.maximum(torch.minimum(index.amax((0, 1, 2)).ceil().long() + 2, sides), low + 1)
    box = tuple(slice(int(a), int(b)) for a, b in zip(low.flip(0), high.flip(0), strict=True))
    near = stack[(slice(None), *box)]
    used = near.any(axis=(1, 2, 3))
    inner = (2 * (index - low) + 1) / (high - low) - 1
    out = torch.zeros(len(stack), *grid.shape[1:4])
    picked = torch.from_numpy(near[used]).float()[None]
    out[torch.from_numpy(used)] = F.grid_sample(picked, inner[None].float(), mode="bilinear", align_corners=False)[0]
    return out


def _grid(case: LesionCase, size: int, rng: np.random.Generator) -> Tensor:
    """Where each voxel of the tile lies in the case, in grid_sample's units: turned, zoomed, flipped and bent."""
    theta = torch.from_numpy(_sampling_matrix(_centre(case, size, rng), case.brain.shape, size, rng))
    grid = F.affine_grid(theta.float()[None], [1, 1, size, size, size], align_corners=False)
    if rng.random() < 0.6:
        shape = torch.Size((size, size, size))
        voxels = float(rng.uniform(0.3, 2.0))
        bend = torch.stack([smooth_field(rng, shape, 5) for _ in range(3)], dim=-1)
        grid = grid + bend[None] * voxels * 2.0 / torch.tensor(case.brain.shape[::-1])
    return grid


def _centre(case: LesionCase, size: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Half of the tiles near the head's own lesion, the others anywhere in the brain; (k, j, i)."""
    lesion = case.cover > 127
    wanted = lesion if rng.random() < 0.5 and lesion.any() else case.brain
    places = np.flatnonzero(wanted)
    at = np.array(np.unravel_index(places[rng.integers(len(places))], wanted.shape), dtype=np.float64)
    return at + rng.uniform(-0.3, 0.3, 3) * size


def _sampling_matrix(
    centre: NDArray[np.float64], shape: tuple[int, ...], size: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """(3, 4) affine in grid_sample's units, axes x, y, z: from the tile to the case."""
    turn = _rotation(np.radians(rng.uniform(-15, 15, 3)))
    flips = np.where(rng.random(3) < FLIPPED, -1.0, 1.0)
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
