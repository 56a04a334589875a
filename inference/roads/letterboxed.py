"""Whole slices through a detector made elsewhere: boxes on the source's slices, merged into findings."""

from __future__ import annotations

import numpy as np

from inference.result import Box, Result
from inference.roads.stage import Clock, Job, require_varied, spread_over_places
from inference.roads.walk import Steps, walk
from inference.steps import decode, heads
from inference.steps.findings import merge_boxes
from inference.steps.letterbox import Letterbox, greys, letterbox
from inference.steps.region import midline_of
from inference.steps.slices import require_axial
from inference.task import Task
from inference.volume import Floats, Volume


def letterboxed(job: Job) -> Result:
    """Every axial slice, whole, through the network; boxes in the source's own indices."""
    clock = Clock(job.load_seconds)
    require_axial(job.source.geometry)
    grid = laid(job.task, job.source)
    total, boxes, spreads = len(grid.slices), list[Box](), list[float]()

    def prepare(k: int) -> Floats:
        return picture_of(job.task, grid, job.source.voxels[k])

    def ask(k: int, picture: Floats) -> tuple[Floats, ...]:
        job.step("slices", abs(k - grid.slices[0]), total)
        with clock.part("infer"):
            return job.infer(picture)

    def finish(k: int, answer: tuple[Floats, ...]) -> None:
        spreads.extend(spread_over_places(m) for m in heads.scores_of(job.task.output.head, answer))
        boxes.extend(boxes_of(job.task, grid, k, answer))

    walk(grid.slices, Steps(prepare, ask, finish), clock, job.provenance.device)
    if spreads:
        require_varied(max(spreads), "cell")
    job.step("slices", total, total)
    with clock.part("postprocess"):
        findings = merge_boxes(boxes, job.source.geometry, midline_of(job.task.region, job.source))
    return Result(job.task.name, job.task.kind, findings, job.provenance, clock.seconds(), boxes=tuple(boxes))


def laid(task: Task, source: Volume) -> Letterbox:
    """The task's picture on a volume's slices."""
    rows, columns = task.sampling.size
    return letterbox(source.geometry, (rows, columns), task.sampling.place)


def picture_of(task: Task, grid: Letterbox, plane: Floats) -> Floats:
    """The network's input [1, planes, rows, columns] of a slice [j, i] in the source's unit."""
    spec, sampling = task.channels[0], task.sampling
    grey = grid.pick(greys(plane, spec.low, spec.high)) * np.float32(sampling.top / 255.0)
    return np.repeat(grey[None, None], sampling.planes, axis=1)


def boxes_of(task: Task, grid: Letterbox, k: int, answer: tuple[Floats, ...]) -> list[Box]:
    """The network's answer as boxes in the indices of source slice k."""
    output, (rows, columns) = task.output, task.sampling.size
    found = heads.detections(output.head, answer, (rows, columns), output.strides)
    kept = heads.require_named(decode.keep_best(found, output.score, output.iou, output.most), output.labels)
    return decode.placed(decode.clipped(kept, grid.shown), grid, k, output.labels)
