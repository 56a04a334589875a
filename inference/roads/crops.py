"""Cells of a smear: found by their look, cut out one by one, told apart by a network, counted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inference.errors import BadOutput, InputRefused
from inference.result import Box, Result
from inference.roads.stage import Clock, Job, require_varied, spread_over_places
from inference.roads.walk import Steps, walk
from inference.steps.cells import candidates
from inference.steps.cutouts import as_input, cutout, told
from inference.steps.decode import Detections, keep_best
from inference.steps.findings import merge_boxes
from inference.steps.smear import smear_of
from inference.task import Task
from inference.volume import Colours, Floats

AT_ONCE = 16
"""Crops cut together while the engine answers the ones before."""

ENOUGH = 8
"""Crops of which some must differ in what is said of them; fewer may well look alike."""


def crops(job: Job) -> Result:
    """Every box that may hold a cell through the network; those that hold one in the picture's own indices."""
    clock = Clock(job.load_seconds)
    if job.source.colour is None:
        raise InputRefused("The picture has no colours.", "Choose a colour picture.")
    picture = job.source.colour[0]
    job.step("find", 0, 1)
    with clock.part("preprocess"):
        found = candidates(smear_of(picture))
    logits = _asked(job, clock, picture, found)
    with clock.part("postprocess"):
        boxes = boxes_of(job.task, found, logits)
        cells = merge_boxes(boxes, job.source.geometry, None)
    kinds = job.task.output.labels
    return Result(job.task.name, job.task.kind, cells, job.provenance, clock.seconds(), boxes=boxes, kinds=kinds)


def boxes_of(task: Task, found: NDArray[np.float64], logits: Floats) -> tuple[Box, ...]:
    """Boxes of cells from what the network said, (n, kinds + 1), of the boxes found: (n, 4) pixel edges.

    Raises:
        BadOutput: It does not say as many things as the task has labels, and nothing.
    """
    output = task.output
    if logits.shape != (len(found), len(output.labels) + 1):
        raise BadOutput(
            f"The model tells {logits.shape[1] - 1} kinds apart, the task {len(output.labels)}.",
            "Install the bundle again.",
        )
    kept = keep_best(Detections(found, *told(logits)), output.score, output.iou, output.most)
    rows = zip(kept.boxes - 0.5, kept.scores, kept.classes, strict=True)  # indices count centres
    return tuple(Box(output.labels[int(c)], float(s), 0, *(float(edge) for edge in b)) for b, s, c in rows)


def _asked(job: Job, clock: Clock, picture: Colours, found: NDArray[np.float64]) -> Floats:
    """Logits (n, kinds + 1), in order."""
    side, field, total = job.task.sampling.size[0], job.task.sampling.field, len(found)
    said: list[Floats] = []

    def prepare(places: range) -> Floats:
        return as_input(np.stack([cutout(picture, found[at], side, field) for at in places]))

    def ask(places: range, inputs: Floats) -> list[Floats]:
        job.step("cells", places.start, total)
        with clock.part("infer"):
            return [job.infer(one[None])[0][0] for one in inputs]

    runs = [range(total)[at : at + AT_ONCE] for at in range(0, total, AT_ONCE)]
    walk(runs, Steps(prepare, ask, lambda _, answers: said.extend(answers)), clock, job.provenance.device)
    job.step("cells", total, total)
    logits = np.stack(said) if said else np.zeros((0, len(job.task.output.labels) + 1), np.float32)
    if len(said) >= ENOUGH:
        require_varied(spread_over_places(logits.T), "cell")
    return logits
