"""Average precision of boxes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from inference.steps.decode import Detections, iou_with

IOU = 0.5


def average_precision(found: Detections, truth: Detections, iou: float = IOU) -> float:
    """Area under the interpolated precision-recall curve, mean over the classes that are true or were found.

    1 where nothing is true and nothing was found.
    """
    classes = set(truth.classes.tolist()) | set(found.classes[found.scores >= 0.5].tolist())
    every = [_of_class(found, truth, label, iou) for label in sorted(classes)]
    return float(np.mean(every)) if every else 1.0


def _of_class(found: Detections, truth: Detections, label: int, iou: float) -> float:
    wanted = truth.boxes[truth.classes == label]
    mine = found.classes == label
    if not len(wanted) or not mine.any():
        return 0.0
    return area(hits(found.boxes[mine], wanted, iou), len(wanted))


def hits(boxes: NDArray[np.float64], truth: NDArray[np.float64], iou: float) -> list[bool]:
    """For boxes by falling score: whether each is the first to meet a true box."""
    met: set[int] = set()
    out = []
    for box in boxes:
        overlaps = iou_with(box, truth) if len(truth) else np.zeros(1)
        best = int(overlaps.argmax())
        out.append(bool(overlaps[best] >= iou) and best not in met)
        met |= {best} if out[-1] else set()
    return out


def area(hits: Sequence[bool], total: int) -> float:
    """Area under the interpolated precision-recall curve.

    Args:
        hits: Of all boxes by falling score, one at least.
        total: True boxes, one at least.
    """
    true = np.cumsum(hits)
    precision = true / np.arange(1, len(hits) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float((np.diff(np.concatenate([[0.0], true / total])) * envelope).sum())
