"""Slices through a generator: a synthetic volume on the source's grid (Pix2Pix pipeline, paper p0 section III)."""

from __future__ import annotations

from typing import TypeVar

import numpy as np

from inference.result import Result
from inference.roads.stage import Clock, Job, require_varied, spread_over_places
from inference.steps import normalise
from inference.steps.slices import SliceGrid, slice_grid
from inference.task import Task
from inference.volume import Channel, Floats, Volume

T = TypeVar("T")


def synthesise(job: Job) -> Result:
    """Every axial slice through the network and back onto the source's slice."""
    clock = Clock(job.load_seconds)
    spec, output = job.task.channels[0], job.task.output
    with clock.part("preprocess"):
        grid = slice_grid(job.source, _pair(job.task.sampling.size), _pair(job.task.sampling.spacing_mm))
        made = np.full(job.source.geometry.shape, output.low, dtype=np.float32)
    spread = 0.0
    for done, k in enumerate(grid.slices):
        job.step("slices", done, len(grid.slices))
        with clock.part("preprocess"):
            picture = normalise.window(grid.pick(job.source.voxels, k, spec.low), spec.low, spec.high)
        with clock.part("infer"):
            (answer,) = job.infer(picture[None, None])
        with clock.part("postprocess"):
            spread = max(spread, spread_over_places(answer[0]))
            made[k] = picture_on_slice(job.task, grid, answer[0, 0])
    require_varied(spread, "pixel")
    job.step("slices", len(grid.slices), len(grid.slices))
    channel = Channel(output.channel)
    volume = Volume(
        voxels=made,
        geometry=job.source.geometry,
        channel=channel,
        name=f"Synthetic {channel.value} from {spec.name}",
        synthetic=True,
        valid=job.source.valid,
    )
    return Result(job.task.name, job.task.kind, (), job.provenance, clock.seconds(), volume=volume)


def picture_on_slice(task: Task, grid: SliceGrid, answer: Floats) -> Floats:
    """The network's picture [rows, columns] in -1..1 as values [j, i] on a source slice."""
    low, high = task.output.low, task.output.high
    scaled = (np.clip(answer, -1.0, 1.0) + 1.0) / 2.0 * (high - low) + low
    return grid.put_back(scaled.astype(np.float32), low)


def _pair(values: tuple[T, ...]) -> tuple[T, T]:
    return values[0], values[1]
