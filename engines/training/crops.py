"""Marked things of pictures, cut out one by one to tell what they are: colour crops and their classes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from engines.training.learner import Pair
from engines.training.readers.cases import BoxPicture
from inference.errors import InputRefused

MARGIN = 1.15
"""What is shown reaches this much beyond the box, so that a cell's rim is in it."""

GREY = 128
"""Beyond that nothing is shown: neighbours would tell of themselves."""

BATCH = 128


@dataclass(frozen=True, slots=True, eq=False)
class Crops:
    """uint8 [n, 3, side, side] and the class of each, int64 [n]."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)


def crops(pictures: Sequence[BoxPicture], side: int, field: int) -> Crops:
    """One square crop for each box, the box in its middle, at its true size: what is large stays large.

    Args:
        side: Of the crop, in pixels.
        field: How many pixels of the picture a side of the crop spans.

    Raises:
        InputRefused: There is no box.
    """
    pixels, labels = [], []
    for picture in pictures:
        with Image.open(picture.file) as image:
            whole = np.asarray(image.convert("RGB"))
        for box, label in zip(picture.boxes, picture.labels, strict=True):
            pixels.append(_crop(whole, box, side, field))
            labels.append(int(label))
    if not labels:
        raise InputRefused("The pictures have no boxes to cut out.", "Mark what is to be told apart.")
    return Crops(np.stack(pixels), np.array(labels, dtype=np.int64))


def as_input(pixels: NDArray[np.uint8]) -> Tensor:
    """0..255 -> float32 in [-1, 1]."""
    return torch.from_numpy(pixels).float() / 127.5 - 1.0


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


def _crop(whole: NDArray[np.uint8], box: NDArray[np.float32], side: int, field: int) -> NDArray[np.uint8]:
    """uint8 [3, side, side]: the box and its margin on grey."""
    x0, y0, x1, y1 = (float(n) for n in box)
    middle, reach = ((x0 + x1) / 2, (y0 + y1) / 2), ((x1 - x0) * MARGIN / 2, (y1 - y0) * MARGIN / 2)
    left, top = (round(at - field / 2) for at in middle)
    canvas = np.full((field, field, 3), GREY, dtype=np.uint8)
    (i0, i1), (j0, j1) = (
        (max(0, first, round(at - r)), min(n, first + field, round(at + r)))
        for at, r, first, n in zip(middle, reach, (left, top), whole.shape[1::-1], strict=True)
    )
    canvas[j0 - top : j1 - top, i0 - left : i1 - left] = whole[j0:j1, i0:i1]
    made = Image.fromarray(canvas).resize((side, side), Image.Resampling.BOX)
    return np.asarray(made).transpose(2, 0, 1)


def _changed(picture: Tensor, rng: np.random.Generator) -> Tensor:
    """Turned by quarters, mirrored, stained and lit differently."""
    out = torch.rot90(picture, int(rng.integers(4)), (1, 2))
    out = out.flip(2) if rng.random() < 0.5 else out
    gain = torch.from_numpy(np.exp(rng.normal(0.0, 0.08, (3, 1, 1)))).float()
    shift = torch.from_numpy(rng.normal(0.0, 0.06, (3, 1, 1))).float()
    return (out * gain + shift).clamp(-1.0, 1.0)
