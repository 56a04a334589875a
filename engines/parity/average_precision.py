"""Average precision of boxes on one picture."""

from __future__ import annotations

import numpy as np

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
    met: set[int] = set()
    hits = []
    for box in found.boxes[mine]:  # by falling score
        overlaps = iou_with(box, wanted)
        best = int(overlaps.argmax())
        hits.append(bool(overlaps[best] >= iou) and best not in met)
        met |= {best} if hits[-1] else set()
    true = np.cumsum(hits)
    precision = true / np.arange(1, len(hits) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float((np.diff(np.concatenate([[0.0], true / len(wanted)])) * envelope).sum())
