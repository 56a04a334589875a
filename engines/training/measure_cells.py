"""Held-out figures of finding and telling apart in one: what the viewer would show on pictures nobody looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.colour_file import read_pixels
from engines.parity.average_precision import area, hits
from engines.training.readers.cases import BoxPicture
from inference.backends.base import Engine
from inference.steps.cells import candidates
from inference.steps.cutouts import as_input, cutout, told
from inference.steps.decode import Detections, iou_with, keep_best
from inference.steps.smear import smear_of
from inference.task import Task
from inference.volume import Floats

OVERLAPS = (0.5, 0.3)
FLOOR = 0.02
"""Boxes below this score are left out of the average precision."""

FOUND_AT = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """One picture: what is marked in it, the boxes that were found, and what the network said of them."""

    truth: NDArray[np.float64]
    labels: NDArray[np.int64]
    found: NDArray[np.float64]
    logits: Floats


def look(task: Task, engine: Engine, pictures: Sequence[BoxPicture]) -> list[Looked]:
    """Find and ask, as the road does."""
    return [_looked(task, engine, picture) for picture in pictures]


def on_pictures(task: Task, looked: Sequence[Looked], part: str) -> dict[str, Any]:
    """Average precision, recall and precision of each class at the task's own score, and errors of counting."""
    every = [_kept(task, one, FLOOR) for one in looked]
    shown = [_kept(task, one, task.output.score) for one in looked]
    figures: dict[str, Any] = {}
    scores = [average_precision(every, looked, label, FOUND_AT) for label in range(len(task.output.labels))]
    figures[f"{part}: mAP50, finding and telling apart"] = round(float(np.mean(scores)), 3)
    for label, name in enumerate(task.output.labels):
        figures[f"{name}: AP50"] = round(scores[label], 3)
        figures[f"{name}: share of marked cells that a box was found for"] = _reached(looked, label)
        for iou in OVERLAPS:
            figures[f"{name}: recall, precision of boxes shown, IoU {iou}"] = _shares(shown, looked, label, iou)
        figures[f"{name}: counted beside marked, median error per picture, mean"] = _counting(shown, looked, label)
    return figures


def average_precision(found: Sequence[Detections], looked: Sequence[Looked], label: int, iou: float) -> float:
    """Area under the interpolated precision-recall curve of one class over all pictures."""
    rows = [row for d, one in zip(found, looked, strict=True) for row in _rows(d, one, label, iou)]
    total = sum(int((one.labels == label).sum()) for one in looked)
    if not rows or not total:
        return 0.0
    return area([hit for _, hit in sorted(rows, key=lambda row: -row[0])], total)


def _looked(task: Task, engine: Engine, picture: BoxPicture) -> Looked:
    pixels, sampling, name = read_pixels(picture.file), task.sampling, task.model.input
    found = candidates(smear_of(pixels))
    feeds = (as_input(cutout(pixels, box, sampling.size[0], sampling.field)[None]) for box in found)
    logits = [engine.infer({name: feed})[task.model.outputs[0]][0] for feed in feeds]
    said = np.stack(logits) if logits else np.zeros((0, len(task.output.labels) + 1), np.float32)
    return Looked(picture.boxes.astype(np.float64), picture.labels, found, said)


def _kept(task: Task, one: Looked, score: float) -> Detections:
    return keep_best(Detections(one.found, *told(one.logits)), score, task.output.iou, task.output.most)


def _rows(found: Detections, one: Looked, label: int, iou: float) -> list[tuple[float, bool]]:
    """Score of each box of a class by falling score, and whether it is the first to meet a marked one."""
    mine = found.classes == label
    return list(
        zip(found.scores[mine].tolist(), hits(found.boxes[mine], one.truth[one.labels == label], iou), strict=True)
    )


def _reached(looked: Sequence[Looked], label: int) -> float:
    marked = [(box, one.found) for one in looked for box in one.truth[one.labels == label]]
    return round(float(np.mean([len(f) > 0 and iou_with(box, f).max() >= FOUND_AT for box, f in marked])), 3)


def _shares(shown: Sequence[Detections], looked: Sequence[Looked], label: int, iou: float) -> list[float]:
    met = [hit for d, one in zip(shown, looked, strict=True) for _, hit in _rows(d, one, label, iou)]
    total = sum(int((one.labels == label).sum()) for one in looked)
    return [round(sum(met) / max(total, 1), 3), round(sum(met) / max(len(met), 1), 3)]


def _counting(shown: Sequence[Detections], looked: Sequence[Looked], label: int) -> str:
    counted = np.array([int((d.classes == label).sum()) for d in shown])
    marked = np.array([int((one.labels == label).sum()) for one in looked])
    error = counted - marked
    return f"{counted.sum()} beside {marked.sum()}, {np.median(np.abs(error)):g}, {error.mean():+.2f}"
