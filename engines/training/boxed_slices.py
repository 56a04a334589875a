"""Grey slices with boxes, as one array, and seeded augmentation of batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from engines.training.readers.cases import Boxes, BoxPicture
from inference.errors import InputRefused

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class BoxedSlices:
    """Pictures and what is marked in them.

    Attributes:
        pixels: uint8 [n, side, side]: the network's window, 0 at its low end and 255 at its high end.
        boxes: Per picture float32 (m, 4): x0, y0, x1, y1 in pixel edges.
        labels: Per picture int64 (m,).
        names: Per picture a name without its folder.
    """

    pixels: Pixels
    boxes: tuple[Boxes, ...]
    labels: tuple[NDArray[np.int64], ...]
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)

    def joined(self, other: BoxedSlices) -> BoxedSlices:
        """Both sets, this one first."""
        return BoxedSlices(
            np.concatenate([self.pixels, other.pixels]),
            self.boxes + other.boxes,
            self.labels + other.labels,
            self.names + other.names,
        )


def boxed_slices(pictures: Sequence[BoxPicture], side: int) -> BoxedSlices:
    """Pictures of a reader, brought to side x side by area averaging, their boxes with them.

    Raises:
        InputRefused: There is no picture.
    """
    if not pictures:
        raise InputRefused("The data set holds no pictures.", "Unpack it again.")
    pixels = np.stack([_grey(picture, side) for picture in pictures])
    boxes = tuple(p.boxes * np.array([side / n for n in (*p.size, *p.size)], dtype=np.float32) for p in pictures)
    return BoxedSlices(pixels, boxes, tuple(p.labels for p in pictures), tuple(p.name for p in pictures))


def drawing_weights(slices: BoxedSlices, classes: int, positive: float) -> NDArray[np.float64]:
    """Chance of each picture to be drawn: `positive` in all for marked ones, rare classes more often."""
    counts = np.bincount(np.concatenate([*slices.labels, np.empty(0, np.int64)]), minlength=classes)
    rarity = 1.0 / np.sqrt(np.maximum(counts, 1.0))
    weight = np.array([rarity[labels].max() if len(labels) else 0.0 for labels in slices.labels])
    empty = np.array([len(labels) == 0 for labels in slices.labels], dtype=np.float64)
    if not weight.any() or not empty.any():
        return np.full(len(slices), 1.0 / len(slices))
    return np.asarray(positive * weight / weight.sum() + (1.0 - positive) * empty / empty.sum())


def augmented(
    slices: BoxedSlices, chosen: Sequence[int], rng: np.random.Generator
) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
    """A batch [n, 1, side, side] in [-1, 1], moved and changed as scanners and patients differ, with its truth."""
    side = slices.pixels.shape[-1]
    raw = torch.from_numpy(slices.pixels[list(chosen)]).float()[:, None] / 127.5 - 1.0
    maps = [_placement(rng, side) for _ in chosen]
    theta = torch.from_numpy(np.stack([_sampling_matrix(m, side) for m in maps])).float()
    grid = F.affine_grid(theta, list(raw.shape), align_corners=False)
    moved = F.grid_sample(raw + 1.0, grid, mode="bilinear", align_corners=False) - 1.0
    pictures = torch.stack([_relit(picture, rng) for picture in moved])
    truth = [_moved_marks(slices.boxes[n], slices.labels[n], m, side) for n, m in zip(chosen, maps, strict=True)]
    return pictures, truth


def _grey(picture: BoxPicture, side: int) -> Pixels:
    with Image.open(picture.file) as image:
        return np.asarray(image.convert("L").resize((side, side), Image.Resampling.BOX))


def _placement(rng: np.random.Generator, side: int) -> NDArray[np.float64]:
    """Affine (2, 3) from source to new pixel edges: flip, turn, scale and shift about the middle."""
    turn = np.radians(rng.uniform(-15, 15))
    scale = np.exp(rng.uniform(np.log(0.7), np.log(1.3)))
    stretch = np.exp(rng.uniform(-0.06, 0.06))
    flip = -1.0 if rng.random() < 0.5 else 1.0
    cos, sin = np.cos(turn), np.sin(turn)
    linear = np.array([[cos, -sin], [sin, cos]]) @ np.diag([flip * scale * stretch, scale / stretch])
    middle = np.full(2, side / 2)
    shift = middle + rng.uniform(-0.07, 0.07, 2) * side - linear @ middle
    return np.column_stack([linear, shift])


def _sampling_matrix(placement: NDArray[np.float64], side: int) -> NDArray[np.float64]:
    """The inverse of a placement in affine_grid's units, where edges are -1 and 1."""
    inverse = np.linalg.inv(placement[:, :2])
    offset = inverse @ (side / 2 - placement[:, 2]) - side / 2
    return np.column_stack([inverse, offset * 2.0 / side])


def _moved_marks(
    boxes: Boxes, labels: NDArray[np.int64], placement: NDArray[np.float64], side: int
) -> tuple[Tensor, Tensor]:
    """Boxes round the moved inscribed ellipses, cut at the picture; those cut by more than half are dropped."""
    centre, half = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]) / 2
    middle = centre @ placement[:, :2].T + placement[:, 2]
    reach = np.sqrt((half**2) @ (placement[:, :2].T ** 2))
    whole = np.concatenate([middle - reach, middle + reach], axis=1)
    cut = np.clip(whole, 0, side)
    area = (cut[:, 2:] - cut[:, :2]).prod(1) / np.maximum((whole[:, 2:] - whole[:, :2]).prod(1), 1e-6)
    keep = area > 0.5
    return torch.from_numpy(cut[keep].astype(np.float32)), torch.from_numpy(labels[keep])


def _relit(picture: Tensor, rng: np.random.Generator) -> Tensor:
    """Another window, gamma, sharpness and noise; what was clipped stays clipped."""
    air, bone = picture < -0.97, picture > 0.97
    gain = float(np.exp(rng.uniform(-0.35, 0.35)))
    lift = float(rng.normal(0.0, 0.08)) + (float(rng.uniform(0.1, 0.45)) if rng.random() < 0.15 else 0.0)
    out = (picture + 0.12) * gain - 0.12 + lift
    if rng.random() < 0.3:
        share = float(rng.uniform(0.2, 1.0))
        out = (1 - share) * out + share * F.avg_pool2d(out[None], 3, 1, 1, count_include_pad=False)[0]
    if rng.random() < 0.5:
        grain = torch.from_numpy(rng.standard_normal(out.shape, dtype=np.float32))
        if rng.random() < 0.5:
            grain = 2.0 * F.avg_pool2d(grain[None], 3, 1, 1)[0]
        out = out + grain * float(rng.uniform(0.0, 0.15))
    return torch.where(bone, 1.0, torch.where(air, -1.0, out)).clamp(-1.0, 1.0)
