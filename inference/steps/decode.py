"""From the raw maps of an anchor-free grid detector to boxes (YOLOX, section 2.1)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from inference.result import Box
from inference.volume import Floats, Points

ROUNDING = 1e-3
"""Logits by which a cell may lie below a score before it is sure that its score does too."""

SURE = 1.0 - 1e-9


class Grid(Protocol):
    """Where a picture's pixels lie on a source slice."""

    def source_ji(self, rows: NDArray[np.float64], columns: NDArray[np.float64]) -> Points:
        """(n,) fractional rows and columns, which count centres -> (n, 2) fractional source indices (j, i)."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """Boxes of one picture.

    Attributes:
        boxes: float64 (n, 4): x0, y0, x1, y1 in pixel edges (a pixel's left edge is its index).
        scores: (n,) 0..1, falling.
        classes: (n,) class index.
    """

    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]
    classes: NDArray[np.intp]


def decode(maps: Sequence[Floats], strides: Sequence[int], score: float = 0.0) -> Detections:
    """Every cell of every map as a box, before any threshold.

    Args:
        maps: float32 [1, 5 + classes, h, w] each: dx, dy, log w, log h, objectness logit, class logits.
        strides: Input pixels per cell of each map.
        score: Cells whose objectness alone is below it may be left out: their score cannot reach it.
    """
    parts = [_reaching(m[0], s, score) for m, s in zip(maps, strides, strict=True)]
    cells, places, steps = (np.concatenate(column, axis=-1, dtype=np.float64) for column in zip(*parts, strict=True))
    centre = ((places + cells[:2]) * steps).T
    size = (np.exp(np.minimum(cells[2:4], 8.0)) * steps).T
    probabilities = _sigmoid(cells[5:]) * _sigmoid(cells[4:5])
    boxes = np.concatenate([centre - size / 2, centre + size / 2], axis=-1)
    return Detections(boxes, probabilities.max(axis=0), probabilities.argmax(axis=0))


def keep_best(found: Detections, score: float, iou: float, most: int = 50) -> Detections:
    """Drop boxes below `score`, then those that overlap a better one of the same class by more than `iou`."""
    order = np.argsort(-found.scores, kind="stable")
    order = order[found.scores[order] >= score][:1000]
    kept: list[int] = []
    for at in order:
        same = [k for k in kept if found.classes[k] == found.classes[at]]
        if len(kept) < most and (not same or iou_with(found.boxes[at], found.boxes[same]).max() <= iou):
            kept.append(int(at))
    return Detections(found.boxes[kept], found.scores[kept], found.classes[kept])


def clipped(found: Detections, edges: tuple[int, int, int, int]) -> Detections:
    """Boxes cut off at the picture's edges x0, y0, x1, y1; those wholly outside are dropped."""
    boxes = np.clip(found.boxes, edges[:2] * 2, edges[2:] * 2)
    inside = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
    return Detections(boxes[inside], found.scores[inside], found.classes[inside])


def placed(found: Detections, grid: Grid, k: int, labels: Sequence[str]) -> list[Box]:
    """A picture's boxes in the indices of source slice k."""
    # A pixel's centre lies half a pixel behind its edge; source indices count centres.
    corners_a = grid.source_ji(found.boxes[:, 1] - 0.5, found.boxes[:, 0] - 0.5)
    corners_b = grid.source_ji(found.boxes[:, 3] - 0.5, found.boxes[:, 2] - 0.5)
    low, high = np.minimum(corners_a, corners_b), np.maximum(corners_a, corners_b)
    return [
        Box(labels[int(c)], float(s), k, float(lo[1]), float(lo[0]), float(hi[1]), float(hi[0]))
        for c, s, lo, hi in zip(found.classes, found.scores, low, high, strict=True)
    ]


def iou_with(box: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union of one box (4,) with many (n, 4)."""
    low = np.maximum(box[:2], others[:, :2])
    high = np.minimum(box[2:], others[:, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=1)
    areas = (others[:, 2:] - others[:, :2]).prod(axis=1)
    return np.asarray(shared / np.maximum((box[2:] - box[:2]).prod() + areas - shared, 1e-12))


def _reaching(raw: Floats, stride: int, score: float) -> tuple[Floats, NDArray[np.intp], NDArray[np.intp]]:
    """Cells of a map that may reach a score: values [5 + classes, n], columns and rows [2, n], and strides [n]."""
    at = np.flatnonzero(raw[4] >= _logit(min(score, SURE)) - ROUNDING)
    row, column = np.divmod(at, raw.shape[2])
    return raw.reshape(len(raw), -1)[:, at], np.stack([column, row]), np.full(len(at), stride)


def _logit(share: float) -> float:
    return math.log(share / (1.0 - share)) if share > 0.0 else -math.inf


def _sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(x, -60.0, 60.0))))
