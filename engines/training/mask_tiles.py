"""Outlined cases as tiles to learn from: prepared by the functions of inference, then moved and changed by chance."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from engines.training.learner import Pair
from inference.roads.outline import given
from inference.steps.resample import isotropic_like, to_grid, upright
from inference.steps.tiles import Size, cut, pad_to, tile_starts
from inference.task import Task
from inference.volume import Floats, Geometry, Labels, Mask, Volume
from inference.whole import whole_folder

MARKED_SHARE = 0.5
"""Of the tiles drawn, those that surely hold some of an outline."""

NOTHING: NDArray[np.intp] = np.zeros(0, dtype=np.intp)


class OutlinedCase(Protocol):
    """A case from anywhere."""

    def identity(self) -> str:
        """What changes when the case does."""

    def read(self) -> tuple[tuple[Volume, ...], Mask]:
        """One image per channel, and the outline on the first one's grid."""


@dataclass(frozen=True, slots=True, eq=False)
class Tiled:
    """One case on the working grid, at least as large as a tile: float32 [c, k, j, i] and uint8 [k, j, i]."""

    channels: Floats
    labels: Labels


def tiled(case: OutlinedCase, task: Task) -> Tiled:
    """Resample and normalise exactly as the road does that will run the network."""
    volumes, mask = case.read()
    own = volumes[0].geometry
    x, y, z = task.sampling.spacing_mm
    work = isotropic_like(upright(own), (x, y, z))
    channels = given(task, volumes, work).channels
    labels = on_grid(mask.labels, own, work)
    both, _ = pad_to(np.concatenate([channels, labels[None].astype(np.float32)]), size_of(task))
    return Tiled(both[:-1], both[-1].astype(np.uint8))


def kept(case: OutlinedCase, task: Task, folder: Path) -> Tiled:
    """The same from `folder`, where it lies once it was made; read page by page, so that large sets fit into memory."""
    at = folder / _key(case, task)
    if not at.is_dir():
        ready = tiled(case, task)
        with whole_folder(at) as partial:
            np.save(partial / "channels.npy", ready.channels)
            np.save(partial / "labels.npy", ready.labels)
    return Tiled(*(np.load(at / f"{name}.npy", mmap_mode="c") for name in ("channels", "labels")))


def _key(case: OutlinedCase, task: Task) -> str:
    """A name that changes with the case and with what is done to it."""
    parts = (case.identity(), task.channels, task.sampling, task.output.inside)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:20]


def size_of(task: Task) -> Size:
    """A tile's (k, j, i)."""
    k, j, i = task.sampling.size
    return k, j, i


def on_grid(labels: Labels, source: Geometry, target: Geometry) -> Labels:
    """Labels on another grid: each one's share is resampled as a probability is, the largest above a half wins."""
    shares = [to_grid((labels == n).astype(np.float32), source, target) for n in range(1, int(labels.max()) + 1)]
    if not shares:
        return np.zeros(target.shape, dtype=np.uint8)
    total = np.sum(shares, axis=0)
    return np.where(total > 0.5, 1 + np.argmax(shares, axis=0), 0).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class Chances:
    """What befalls a tile beyond what befalls every tile.

    Attributes:
        drop: How likely each channel but the first is blanked, as one that a study lacks.
        mirror: How likely the tile is mirrored along each axis of the slice.
        by_label: Whether a tile that surely holds an outline is drawn at one label of the case, all equally likely,
            and so at a small organ as often as at a large one; otherwise at any outlined voxel.
        alone: How likely all channels but the first are blanked at once.
    """

    drop: float = 0.0
    mirror: float = 0.0
    by_label: bool = False
    alone: float = 0.0


class MaskTiles:
    """See `engines.training.learner.Batches`: tiles of cases to learn from, and whole held-out cases in tiles."""

    def __init__(
        self, train: Sequence[Tiled], held_out: Sequence[Tiled], size: Size, chances: Chances | None = None
    ) -> None:
        self._train, self._held_out, self._size = train, held_out, size
        self._chances = chances or Chances()
        self._marked = [_marked(case.labels, self._chances.by_label) for case in train]

    @property
    def count(self) -> int:
        return len(self._train)

    def draw(self, count: int, rng: np.random.Generator) -> Pair:
        tiles = [self._tile(int(rng.integers(self.count)), rng) for _ in range(count)]
        return torch.stack([x for x, _ in tiles]), torch.stack([y for _, y in tiles])

    def held_out(self) -> Iterator[Pair]:
        for case in self._held_out:
            whole = np.concatenate([case.channels, case.labels[None].astype(np.float32)])
            starts = tile_starts(case.labels.shape, self._size, 0.0)
            for _, tile in cut(whole, starts, self._size):
                both = torch.from_numpy(np.ascontiguousarray(tile))
                yield both[None, :-1], both[None, -1].long()

    def _tile(self, number: int, rng: np.random.Generator) -> Pair:
        case, shape = self._train[number], self._train[number].labels.shape
        groups = self._marked[number]
        at_mark = len(groups) > 0 and rng.random() < MARKED_SHARE
        marked = groups[int(rng.integers(len(groups))) if len(groups) > 1 else 0] if at_mark else NOTHING
        flat = marked[rng.integers(len(marked))] if at_mark else rng.integers(case.labels.size)
        jitter = rng.uniform(-0.3, 0.3, 3) * self._size * (np.array(self._size) > 1)
        centre = np.array(np.unravel_index(flat, shape), dtype=np.float64) + jitter
        grid = F.affine_grid(_placement(centre, shape, self._size, rng)[None], [1, 1, *self._size], align_corners=False)
        channels = _sampled(case.channels, grid, "bilinear")
        labels = _sampled(case.labels[None].astype(np.float32), grid, "nearest")[0].long()
        return _befallen(_changed(channels, rng), labels, self._chances, rng)


def _marked(labels: Labels, by_label: bool) -> list[NDArray[np.intp]]:
    """Flat places of outlined voxels, in groups of which each is as likely to be drawn from."""
    if not by_label:
        return [np.flatnonzero(labels)] if labels.any() else []
    return [np.flatnonzero(labels == value) for value in np.unique(labels[labels > 0])]


def _sampled(values: Floats, grid: Tensor, mode: str) -> Tensor:
    source = torch.from_numpy(values)[None]
    return F.grid_sample(source, grid, mode=mode, padding_mode="border", align_corners=False)[0]


def _placement(centre: NDArray[np.float64], shape: tuple[int, ...], size: Size, rng: np.random.Generator) -> Tensor:
    """(3, 4) affine in grid_sample's units, axes i, j, k: turn in the slice, zoom, stay inside the case."""
    turn, zoom = np.radians(rng.uniform(-15, 15)), float(np.exp(rng.uniform(-0.18, 0.18)))
    cos, sin = np.cos(turn) * zoom, np.sin(turn) * zoom
    linear = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1.0 if size[0] == 1 else zoom]])
    sides, tile = np.array(shape[::-1], dtype=np.float64), np.array(size[::-1], dtype=np.float64)
    middle = np.clip(centre[::-1] + 0.5, tile / 2, np.maximum(tile / 2, sides - tile / 2))
    matrix = np.column_stack([linear * (tile / sides[:, None]), middle * 2.0 / sides - 1.0])
    return torch.from_numpy(matrix).float()


def _changed(channels: Tensor, rng: np.random.Generator) -> Tensor:
    """Another gain, offset and noise in each channel; what was exactly zero (outside) stays so."""
    shape = (len(channels), 1, 1, 1)
    gain = torch.from_numpy(np.exp(rng.normal(0.0, 0.1, shape))).float()
    shift = torch.from_numpy(rng.normal(0.0, 0.05, shape)).float()
    noise = torch.from_numpy(rng.standard_normal(tuple(channels.shape), dtype=np.float32)) * float(rng.uniform(0, 0.1))
    return torch.where(channels == 0, 0.0, channels * gain + shift + noise)


def _befallen(channels: Tensor, labels: Tensor, chances: Chances, rng: np.random.Generator) -> Pair:
    if chances.drop or chances.alone:
        share = 1.0 if rng.random() < chances.alone else chances.drop
        gone = [False, *(rng.random(len(channels) - 1) < share)]
        channels = torch.where(torch.tensor(gone).view(-1, 1, 1, 1), 0.0, channels)
    if chances.mirror:
        axes = [axis for axis in (-2, -1) if rng.random() < chances.mirror]
        channels, labels = channels.flip(axes), labels.flip(axes)
    return channels, labels
