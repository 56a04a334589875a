"""Where nnU-Net's tiles stand, how they are mirrored, weighed and averaged."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, product

import numpy as np

from inference.nnunet.plan import Plan, Size
from inference.steps.tiles import bell
from inference.volume import Floats

GAUSS_TOP = 10.0


@dataclass(frozen=True, slots=True)
class Tile:
    """One forward pass: the first voxel (k, j, i) of its tile and the axes along which it is mirrored."""

    start: Size
    mirrored: tuple[int, ...] = ()

    def cut(self, voxels: Floats, size: Size) -> Floats:
        """Network input [1, c, *size] from [c, k, j, i]."""
        k, j, i = (slice(at, at + n) for at, n in zip(self.start, size, strict=True))
        return self.turn(voxels[:, k, j, i])[None]

    def turn(self, maps: Floats) -> Floats:
        """Mirror [c, k, j, i]; twice gives the first back."""
        return np.flip(maps, tuple(axis + 1 for axis in self.mirrored)) if self.mirrored else maps


def tiles(shape: Size, plan: Plan) -> list[Tile]:
    """Every forward pass over a padded image of `shape`, in nnU-Net's order."""
    sides = [starts(n, p, plan.tile_step_size) for n, p in zip(shape, plan.tile, strict=True)]
    if plan.is_flat:
        sides[0] = list(range(shape[0]))
    return [Tile((k, j, i), axes) for k, j, i in product(*sides) for axes in mirrors(plan)]


def starts(n: int, size: int, step: float) -> list[int]:
    """First voxels along one side: as few as keep the distance at or below `step` of a tile, evenly spread."""
    count = int(np.ceil((n - size) / (size * step))) + 1
    distance = (n - size) / (count - 1) if count > 1 else 0.0
    return [int(np.round(distance * at)) for at in range(count)]


def mirrors(plan: Plan) -> list[tuple[int, ...]]:
    """Every set of axes (k, j, i) along which inputs are mirrored, the empty one first."""
    if not plan.mirror:
        return [()]
    axes = [axis + plan.is_flat for axis in plan.allowed_mirroring_axes]
    return [chosen for count in range(len(axes) + 1) for chosen in combinations(axes, count)]


def gauss(plan: Plan) -> Floats:
    """Weights [*tile]: a Gaussian of an eighth of the patch, in steps of half precision, nowhere zero.

    nnU-Net keeps them in half precision; far from the middle that grain is what decides between two tiles.
    """
    if not plan.use_gaussian:
        return np.ones(plan.tile, dtype=np.float32)
    weights = bell(plan.patch_size)
    grained = (weights / (weights.max() / GAUSS_TOP)).astype(np.float16).astype(np.float32)
    return np.asarray(np.maximum(grained, grained[grained > 0].min()).reshape(plan.tile), dtype=np.float32)


class Average:
    """Weighted mean of logits [head, k, j, i] over tiles and mirrors, in float32."""

    def __init__(self, heads: int, shape: Size, plan: Plan) -> None:
        self._sum = np.zeros((heads, *shape), dtype=np.float32)
        self._weight = np.zeros(shape, dtype=np.float32)
        self._share = gauss(plan) / np.float32(len(mirrors(plan)))
        self._size = plan.tile

    def add(self, tile: Tile, logits: Floats) -> None:
        """Blend in what the network said to one (mirrored) tile: [head, *tile]."""
        at = tuple(slice(a, a + n) for a, n in zip(tile.start, self._size, strict=True))
        for total, said in zip(self._sum, tile.turn(logits), strict=True):
            total[at] += said * self._share
        self._weight[at] += self._share

    def logits(self) -> Floats:
        """The blended field, once; every voxel must have been covered."""
        self._sum /= self._weight
        return self._sum
