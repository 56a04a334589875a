"""Held-out figures of a detector: average precision, and sensitivity and specificity of the whole slice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.parity.average_precision import area, hits
from engines.training import heads as digital
from engines.training.boxed_slices import BoxedSlices, boxed_slices
from engines.training.readers.yolo import read_yolo
from inference.backends.base import Engine
from inference.steps import decode
from inference.task import Task

REAL_SET = "ct-hemorrhage-yolo"
IOUS = tuple(round(0.5 + 0.05 * n, 2) for n in range(10))
"""0.5 to 0.95, as COCO counts; the first alone gives AP50."""

LOOSE_IOU = 0.25
FLOOR = 0.02


def measure_boxes(task: Task, engine: Engine, data: Path | None, heads: Path, phantom_cases: int) -> dict[str, Any]:
    """Figures on phantom heads and on the real validation slices, and how many of those scans training has seen."""
    spec = task.channels[0]
    seeds = range(digital.HELD_OUT, digital.HELD_OUT + phantom_cases)
    made = digital.heads(digital.bleeding_head, seeds, heads, lambda _: None, lambda: False)
    sets = {f"phantom, {phantom_cases} heads": _all([digital.as_boxed(h, spec.low, spec.high) for h in made])}
    if data is not None and (data / REAL_SET).is_dir():
        side = task.sampling.size[0]
        real = boxed_slices(read_yolo(data / REAL_SET).split.held_out, side)
        sets["real, valid"] = real
    figures: dict[str, Any] = {}
    for name, slices in sets.items():
        figures |= {f"{name}: {key}": value for key, value in _figures(task, engine, slices).items()}
    if "real, valid" in sets and data is not None:
        figures["real, valid: slices whose scan (file prefix) is in train too"] = _seen(data, sets["real, valid"])
    return figures


def average_precision(found: list[decode.Detections], slices: BoxedSlices, label: int, iou: float) -> tuple[float, int]:
    """Area under the interpolated precision-recall curve of one class, and the number of its true boxes."""
    rows: list[tuple[float, bool]] = []
    total = 0
    for detections, boxes, labels in zip(found, slices.boxes, slices.labels, strict=True):
        truth = boxes[labels == label].astype(np.float64)
        total += len(truth)
        mine = detections.classes == label
        rows += list(zip(detections.scores[mine].tolist(), hits(detections.boxes[mine], truth, iou), strict=True))
    if total == 0 or not rows:
        return 0.0, total
    rows.sort(key=lambda row: -row[0])
    return area([hit for _, hit in rows], total), total


def _figures(task: Task, engine: Engine, slices: BoxedSlices) -> dict[str, Any]:
    found = [_detect(task, engine, picture) for picture in slices.pixels]
    figures: dict[str, Any] = {"slices": len(slices), "true boxes": sum(len(b) for b in slices.boxes)}
    scores = []
    for number, label in enumerate(task.output.labels):
        at = [average_precision(found, slices, number, iou) for iou in IOUS]
        score, total = at[0]
        if total:
            scores.append([one for one, _ in at])
            figures[f"AP50 {label} ({total} boxes)"] = round(score, 3)
            figures[f"AP50-95 {label}"] = round(float(np.mean(scores[-1])), 3)
    figures["mAP50"] = round(float(np.mean([one[0] for one in scores])), 3) if scores else None
    figures["mAP50-95"] = round(float(np.mean(scores)), 3) if scores else None
    return figures | _at_threshold(task, found, slices)


def _at_threshold(task: Task, found: list[decode.Detections], slices: BoxedSlices) -> dict[str, Any]:
    shown = [d.boxes[d.scores >= task.output.score] for d in found]
    met = [hits_any(boxes, truth.astype(np.float64)) for boxes, truth in zip(shown, slices.boxes, strict=True)]
    truths, false = sum(len(b) for b in slices.boxes), sum(f for _, f in met)
    marked = np.array([len(b) > 0 for b in slices.boxes])
    called = np.array([len(b) > 0 for b in shown])
    return {
        f"score of display {task.output.score}, any class, IoU 0.25: boxes found": _share(
            sum(t for t, _ in met), truths
        ),
        "false boxes per slice": round(false / max(len(slices), 1), 2),
        "slice sensitivity": _share(int((marked & called).sum()), int(marked.sum())),
        "slice specificity": _share(int((~marked & ~called).sum()), int((~marked).sum())),
    }


def hits_any(boxes: NDArray[np.float64], truth: NDArray[np.float64]) -> tuple[int, int]:
    """True boxes met by any shown box at IoU 0.25, and shown boxes that meet none."""
    if not len(boxes) or not len(truth):
        return 0, len(boxes)
    overlaps = np.stack([decode.iou_with(box, truth) for box in boxes])
    return int((overlaps.max(0) >= LOOSE_IOU).sum()), int((overlaps.max(1) < LOOSE_IOU).sum())


def _detect(task: Task, engine: Engine, picture: NDArray[np.uint8]) -> decode.Detections:
    feed = picture.astype(np.float32)[None, None] / 127.5 - 1.0
    answer = engine.infer({task.model.input: feed})
    cells = decode.decode([answer[name] for name in task.model.outputs], task.output.strides)
    return decode.keep_best(cells, FLOOR, task.output.iou)


def _share(part: int, whole: int) -> str:
    return f"{part}/{whole} ({part / whole:.2f})" if whole else "none"


def _seen(data: Path, slices: BoxedSlices) -> str:
    scans = {file.name.split("_")[0] for file in (data / REAL_SET / "train" / "images").glob("*.jpg")}
    return _share(sum(name.split("_")[0] in scans for name in slices.names), len(slices))


def _all(parts: list[BoxedSlices]) -> BoxedSlices:
    out = parts[0]
    for part in parts[1:]:
        out = out.joined(part)
    return out
