"""What two answers mean to whoever reads the picture: masks, boxes or images held against a truth or each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from engines.parity.average_precision import average_precision
from engines.parity.numbers import Answer
from inference.metrics import likeness, match_boxes
from inference.monai import plan as monai
from inference.monai.decide import activated
from inference.nnunet import plan as nnunet
from inference.result import Box, Kind
from inference.steps import decode, heads
from inference.steps.cutouts import told
from inference.steps.decode import Detections
from inference.task import Task
from inference.volume import Floats, Labels

Scores = Mapping[str, float]
R = TypeVar("R")
HIGHEST_DB = 120.0
"""Two equal images have an infinite PSNR, of which no mean can be taken."""
FLOOR = 0.02
"""Boxes below this score are left out of the average precision too."""


class Judge(Protocol[R]):
    """Reads an answer of one kind of task.

    Attributes:
        main: The score that tells most, 0..1, larger is better; drops are differences of it.
        alike: The same among the scores of two answers.
    """

    main: str
    alike: str

    def read(self, answer: Answer) -> R:
        """What the answer says."""
        ...

    def score(self, found: R, truth: R) -> Scores:
        """How good it is."""
        ...

    def compare(self, found: R, first: R) -> Scores:
        """How much it says the same as another answer."""
        ...


def judge_for(task: Task) -> Judge[Any]:
    """The judge of a task's kind."""
    if task.sampling.kind == "crops":
        return Crops(task)
    judges: dict[Kind, type[Masks] | type[Boxes] | type[Pictures]] = {
        Kind.MASK: Masks,
        Kind.BOXES: Boxes,
        Kind.VOLUME: Pictures,
    }
    return judges[task.kind](task)


class Masks:
    """Lesion masks, voxel by voxel: the figures of paper p1, section 3.5 and table 5, labels taken together."""

    main, alike = "dice", "dice"

    def __init__(self, task: Task) -> None:
        self._output = task.model.outputs[0]
        self._decide = _decision(task)

    def read(self, answer: Answer) -> Labels:
        return self._decide(answer[self._output][0])

    def score(self, found: Labels, truth: Labels) -> Scores:
        a, b = found > 0, truth > 0
        hit, false, missed = int((a & b).sum()), int((a & ~b).sum()), int((~a & b).sum())
        precision, recall = _share(hit, hit + false), _share(hit, hit + missed)
        return {
            "precision": precision,
            "recall": recall,
            "accuracy": 1.0 - (false + missed) / a.size,
            "f1": _share(2 * precision * recall, precision + recall) if hit else float(not (false or missed)),
            "dice": _share(2 * hit, 2 * hit + false + missed),
            "iou": _share(hit, hit + false + missed),
        }

    def compare(self, found: Labels, first: Labels) -> Scores:
        scores = self.score(found, first)
        return {"dice": scores["dice"], "iou": scores["iou"], "voxels_apart": float((found != first).mean())}


class Boxes:
    """Boxes on one picture."""

    main, alike = "ap50", "matched"

    def __init__(self, task: Task) -> None:
        self._task = task

    def read(self, answer: Answer) -> Detections:
        maps = [answer[name] for name in self._task.model.outputs]
        output, size = self._task.output, self._task.sampling.size
        found = heads.detections(output.head, maps, (size[0], size[1]), output.strides)
        return decode.keep_best(found, FLOOR, output.iou)

    def score(self, found: Detections, truth: Detections) -> Scores:
        pairs = match_boxes(self._shown(truth), self._shown(found))
        return {
            "ap50": average_precision(found, truth),
            "precision": _share(pairs.matched, pairs.matched + pairs.only_b),
            "recall": _share(pairs.matched, pairs.matched + pairs.only_a),
        }

    def compare(self, found: Detections, first: Detections) -> Scores:
        pairs = match_boxes(self._shown(first), self._shown(found))
        total = 2 * pairs.matched + pairs.only_a + pairs.only_b
        return {"matched": _share(2 * pairs.matched, total), "score_delta": pairs.max_score_delta}

    def _shown(self, found: Detections) -> list[Box]:
        """Boxes that the viewer would show."""
        rows = zip(found.boxes, found.scores, found.classes, strict=True)
        labels, least = self._task.output.labels, self._task.output.score
        return [Box(labels[int(c)], float(s), 0, *(float(edge) for edge in b)) for b, s, c in rows if s >= least]


class Crops(Boxes):
    """What one crop holds: a box as large as the crop, or none."""

    def read(self, answer: Answer) -> Detections:
        scores, kinds = told(answer[self._task.model.outputs[0]])
        rows, columns = self._task.sampling.size
        boxes = np.tile(np.array([0.0, 0.0, columns, rows]), (len(scores), 1))
        return Detections(boxes, scores, kinds)


class Pictures:
    """Images in [-1, 1]."""

    main, alike = "ssim", "ssim"

    def __init__(self, task: Task) -> None:
        self._task = task

    def read(self, answer: Answer) -> Floats:
        return np.asarray(np.clip(answer[self._task.model.outputs[0]][0], -1.0, 1.0), dtype=np.float32)

    def score(self, found: Floats, truth: Floats) -> Scores:
        like = likeness(found, truth)
        return {"ssim": like.ssim, "psnr_db": min(like.psnr_db, HIGHEST_DB), "mse": like.mse}

    def compare(self, found: Floats, first: Floats) -> Scores:
        return self.score(found, first)


def _decision(task: Task) -> Callable[[Floats], Labels]:
    """How a task's logits [channel, k, j, i] become labels, tile by tile as its road does it on the whole."""
    if task.sampling.kind == "monai":
        plan = monai.read_plan(task.plan_path)
        return lambda logits: _as_monai(logits, plan)
    if not task.is_nnunet:
        return lambda logits: _above(logits, task.output.threshold)
    if nnunet.read_plan(task.plan_path).regions_class_order:
        return lambda logits: np.asarray((logits > 0).any(axis=0), dtype=np.uint8)
    return lambda logits: np.asarray(logits.argmax(axis=0), dtype=np.uint8)


def _above(logits: Floats, threshold: float) -> Labels:
    """The likeliest label where the labels together are likelier than the threshold."""
    shares = activated(logits, monai.Activation.SOFTMAX)[1:]
    return np.where(shares.sum(axis=0) > threshold, 1 + shares.argmax(axis=0), 0).astype(np.uint8)


def _as_monai(logits: Floats, plan: monai.Plan) -> Labels:
    field = activated(logits, plan.activation)
    if plan.decision is monai.Decision.ARGMAX:
        return np.asarray(field.argmax(axis=0), dtype=np.uint8)
    return np.asarray(field[0] >= np.float32(plan.threshold), dtype=np.uint8)


def boxes_of(rows: NDArray[np.float64]) -> Detections:
    """True boxes as detections of certainty; rows are (class, x0, y0, x1, y1)."""
    return Detections(rows[:, 1:5], np.ones(len(rows)), rows[:, 0].astype(np.intp))


def _share(part: float, whole: float) -> float:
    """1 where there is nothing to find and nothing was found."""
    return part / whole if whole else 1.0
