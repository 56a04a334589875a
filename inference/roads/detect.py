"""Slices through a detector: boxes on the source's slices, merged through slices into findings."""

from __future__ import annotations

import numpy as np

from inference.result import Box, Result
from inference.roads.stage import Clock, Job, require_varied, spread_over_places
from inference.steps import decode, normalise
from inference.steps.findings import merge_boxes
from inference.steps.head import midline_x_mm
from inference.steps.slices import SliceGrid, slice_grid
from inference.task import Task
from inference.volume import Floats


def detect(job: Job) -> Result:
    """Every axial slice through the network; boxes in the source's own indices."""
    clock = Clock(job.load_seconds)
    spec, size, spacing = job.task.channels[0], job.task.sampling.size, job.task.sampling.spacing_mm
    with clock.part("preprocess"):
        grid = slice_grid(job.source, (size[0], size[1]), (spacing[0], spacing[1]))
    boxes: list[Box] = []
    spread = 0.0
    for done, k in enumerate(grid.slices):
        job.step("slices", done, len(grid.slices))
        with clock.part("preprocess"):
            picture = normalise.window(grid.pick(job.source.voxels, k, spec.low), spec.low, spec.high)
        with clock.part("infer"):
            maps = job.infer(picture[None, None])
        with clock.part("postprocess"):
            spread = max(spread, *(spread_over_places(m[0, 4:]) for m in maps))
            boxes += boxes_on_slice(job.task, grid, k, maps)
    require_varied(spread, "cell")
    job.step("slices", len(grid.slices), len(grid.slices))
    with clock.part("postprocess"):
        findings = merge_boxes(boxes, job.source.geometry, midline_x_mm(job.source))
    return Result(job.task.name, job.task.kind, findings, job.provenance, clock.seconds(), boxes=tuple(boxes))


def boxes_on_slice(task: Task, grid: SliceGrid, k: int, maps: tuple[Floats, ...]) -> list[Box]:
    """The network's raw maps as boxes in the indices of source slice k."""
    output = task.output
    found = decode.keep_best(decode.decode(maps, output.strides), output.score, output.iou)
    # A pixel's centre lies half a pixel behind its edge; source indices count centres.
    corners_a = grid.source_ji(found.boxes[:, 1] - 0.5, found.boxes[:, 0] - 0.5)
    corners_b = grid.source_ji(found.boxes[:, 3] - 0.5, found.boxes[:, 2] - 0.5)
    low, high = np.minimum(corners_a, corners_b), np.maximum(corners_a, corners_b)
    return [
        Box(output.labels[int(c)], float(s), k, float(lo[1]), float(lo[0]), float(hi[1]), float(hi[0]))
        for c, s, lo, hi in zip(found.classes, found.scores, low, high, strict=True)
    ]
