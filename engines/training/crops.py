"""Marked cells of pictures, cut out one by one to tell what they are, and what was found beside them: nothing.

Boxes are found and crops cut by the very steps that run the network, so that learning and running never differ. A
found box that lies well on a marked one is a case of its class. One that lies largely on a marked cell and fits none is
a case of "nothing", the last class. Large ones that touch no mark teach nothing: who marks a smear leaves many red
cells out. Small ones do, for platelets are few and seldom forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engines.colour_file import read_pixels
from engines.training.learner import Pair
from engines.training.readers.cases import BoxPicture
from inference.errors import InputRefused
from inference.steps import cutouts
from inference.steps.cells import candidates
from inference.steps.decode import iou_with
from inference.steps.smear import smear_of
from inference.volume import Colours

BATCH = 128
FITS, MISSES = 0.6, 0.4
"""Overlap with a marked box from which a found one is of its class, and below which it is nothing."""

ON_MARKED = 0.3
"""Share of a found box that a marked one must cover for it to be called nothing."""

SMALL = 64.0
"""Pixels: no red cell is so small in both directions."""


@dataclass(frozen=True, slots=True, eq=False)
class Crops:
    """uint8 [n, 3, side, side] and the class of each, int64 [n]."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)


def crops(pictures: Sequence[BoxPicture], side: int, field: int) -> Crops:
    """One crop for each marked box.

    Args:
        side: Of the crop, in pixels.
        field: How many pixels of the picture a side of the crop spans.

    Raises:
        InputRefused: There is no box.
    """
    return _cut([(read_pixels(p.file), p.boxes, p.labels) for p in pictures], side, field)


def crops_and_found(pictures: Sequence[BoxPicture], side: int, field: int, nothing: int) -> Crops:
    """One crop for each marked box, and for each found one that is clearly of a class or clearly nothing.

    Args:
        nothing: The class of what fits no mark.

    Raises:
        InputRefused: There is no box.
    """
    return _cut([_with_found(picture, nothing) for picture in pictures], side, field)


def some_of_each(found: Crops, count: int) -> Colours:
    """The first crops of each class."""
    places = [np.flatnonzero(found.labels == label)[:count] for label in np.unique(found.labels)]
    return found.pixels[np.concatenate(places)]


def as_input(pixels: NDArray[np.uint8]) -> Tensor:
    """0..255 -> float32 in [-1, 1]."""
    return torch.from_numpy(cutouts.as_input(pixels))


class CropBatches:
    """See `engines.training.learner.Batches`: every class is drawn equally often, however rare it is."""

    def __init__(self, train: Crops, held_out: Crops) -> None:
        self._train, self._held_out = train, held_out
        counts = np.bincount(train.labels)
        shares = 1.0 / counts[train.labels]
        self._chances = shares / shares.sum()

    @property
    def count(self) -> int:
        return len(self._train)

    def draw(self, count: int, rng: np.random.Generator) -> Pair:
        chosen = rng.choice(self.count, count, p=self._chances)
        pictures = torch.stack([_changed(x, rng) for x in as_input(self._train.pixels[chosen])])
        return pictures, torch.from_numpy(self._train.labels[chosen])

    def held_out(self) -> Iterator[Pair]:
        for first in range(0, len(self._held_out), BATCH):
            part = slice(first, first + BATCH)
            yield as_input(self._held_out.pixels[part]), torch.from_numpy(self._held_out.labels[part])


Marked = tuple[Colours, NDArray[np.floating], NDArray[np.int64]]


def _cut(marked: Sequence[Marked], side: int, field: int) -> Crops:
    cut = [cutouts.cutout(colour, box, side, field) for colour, boxes, _ in marked for box in boxes]
    if not cut:
        raise InputRefused("The pictures have no boxes to cut out.", "Mark what is to be told apart.")
    return Crops(np.stack(cut), np.concatenate([labels for _, _, labels in marked]).astype(np.int64))


def _with_found(picture: BoxPicture, nothing: int) -> Marked:
    colour, truth = read_pixels(picture.file), picture.boxes.astype(np.float64)
    if not len(truth):
        return colour, truth, picture.labels
    found = candidates(smear_of(colour))
    overlaps = np.stack([iou_with(box, truth) for box in found]) if len(found) else np.zeros((0, len(truth)))
    most = overlaps.max(axis=1)
    labels = np.where(most >= FITS, picture.labels[overlaps.argmax(axis=1)], nothing)
    covered = np.array([_covered(box, truth) for box in found])
    small = (found[:, 2:] - found[:, :2]).max(axis=1) < SMALL
    clear = (most >= FITS) | ((most < MISSES) & ((covered >= ON_MARKED) | small))
    return colour, np.concatenate([truth, found[clear]]), np.concatenate([picture.labels, labels[clear]])


def _covered(box: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    """Largest share of a box that one of the marked ones covers."""
    shared = np.minimum(box[2:], truth[:, 2:]) - np.maximum(box[:2], truth[:, :2])
    return float((np.clip(shared, 0.0, None).prod(axis=1) / (box[2:] - box[:2]).prod()).max())


def _changed(picture: Tensor, rng: np.random.Generator) -> Tensor:
    """Turned by quarters, mirrored, stained and lit differently."""
    out = torch.rot90(picture, int(rng.integers(4)), (1, 2))
    out = out.flip(2) if rng.random() < 0.5 else out
    gain = torch.from_numpy(np.exp(rng.normal(0.0, 0.08, (3, 1, 1)))).float()
    shift = torch.from_numpy(rng.normal(0.0, 0.06, (3, 1, 1))).float()
    return (out * gain + shift).clamp(-1.0, 1.0)
