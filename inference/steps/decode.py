"""From the raw maps of an anchor-free grid detector to boxes (YOLOX, section 2.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.volume import Floats


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


def decode(maps: Sequence[Floats], strides: Sequence[int]) -> Detections:
    """Every cell of every map as a box, before any threshold.

    Args:
        maps: float32 [1, 5 + classes, h, w] each: dx, dy, log w, log h, objectness logit, class logits.
        strides: Input pixels per cell of each map.
    """
    parts = [_decode_map(m[0].astype(np.float64), s) for m, s in zip(maps, strides, strict=True)]
    boxes, scores, classes = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Detections(boxes, scores, classes)


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


def iou_with(box: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union of one box (4,) with many (n, 4)."""
    low = np.maximum(box[:2], others[:, :2])
    high = np.minimum(box[2:], others[:, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=1)
    areas = (others[:, 2:] - others[:, :2]).prod(axis=1)
    return np.asarray(shared / np.maximum((box[2:] - box[:2]).prod() + areas - shared, 1e-12))


def _decode_map(
    raw: NDArray[np.float64], stride: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.intp]]:
    height, width = raw.shape[1:]
    y, x = np.mgrid[:height, :width]
    centre = np.stack([(x + raw[0]) * stride, (y + raw[1]) * stride], axis=-1)
    size = np.exp(np.minimum(raw[2:4], 8.0)).transpose(1, 2, 0) * stride
    boxes = np.concatenate([centre - size / 2, centre + size / 2], axis=-1).reshape(-1, 4)
    probabilities = _sigmoid(raw[5:]) * _sigmoid(raw[4:5])
    flat = probabilities.reshape(probabilities.shape[0], -1)
    return boxes, flat.max(axis=0), flat.argmax(axis=0)


def _sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(x, -60.0, 60.0))))
