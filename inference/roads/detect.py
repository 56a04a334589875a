"""Slices through a detector: boxes on the source's slices, merged through slices into findings."""

from __future__ import annotations

from inference.result import Box, Result
from inference.roads.slicewise import Answer, slicewise
from inference.roads.stage import Clock, Job, require_varied, spread_over_places
from inference.steps import decode
from inference.steps.findings import merge_boxes
from inference.steps.region import midline_of
from inference.steps.slices import SliceGrid, slice_grid
from inference.task import Task
from inference.volume import Floats


def detect(job: Job) -> Result:
    """Every axial slice through the network; boxes in the source's own indices."""
    clock = Clock(job.load_seconds)
    size, spacing = job.task.sampling.size, job.task.sampling.spacing_mm
    with clock.part("preprocess"):
        grid = slice_grid(job.source, (size[0], size[1]), (spacing[0], spacing[1]))
    boxes: list[Box] = []
    spreads: list[float] = []

    def place(ks: range, answers: list[Answer]) -> None:
        for k, maps in zip(ks, answers, strict=True):
            spreads.extend(spread_over_places(m[0, 4:]) for m in maps)
            boxes.extend(boxes_on_slice(job.task, grid, k, maps))

    slicewise(job, clock, grid, place)
    require_varied(max(spreads), "cell")
    with clock.part("postprocess"):
        findings = merge_boxes(boxes, job.source.geometry, midline_of(job.task.region, job.source))
    return Result(job.task.name, job.task.kind, findings, job.provenance, clock.seconds(), boxes=tuple(boxes))


def boxes_on_slice(task: Task, grid: SliceGrid, k: int, maps: tuple[Floats, ...]) -> list[Box]:
    """The network's raw maps as boxes in the indices of source slice k."""
    output = task.output
    found = decode.keep_best(decode.decode(maps, output.strides, output.score), output.score, output.iou)
    return decode.placed(found, grid, k, output.labels)
