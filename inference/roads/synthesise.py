"""Slices through a generator: a synthetic volume on the source's grid (Pix2Pix pipeline, paper p0 section III)."""

from __future__ import annotations

from typing import TypeVar

import numpy as np

from inference.result import Result
from inference.roads.slicewise import Answer, slicewise
from inference.roads.stage import Clock, Job, require_varied, spread_over_places
from inference.steps.slices import SliceGrid, planes_of, slice_grid
from inference.task import Task
from inference.volume import Channel, Floats, Volume

T = TypeVar("T")


def synthesise(job: Job) -> Result:
    """Every axial slice through the network and back onto the source's slice."""
    clock = Clock(job.load_seconds)
    spec, output = job.task.channels[0], job.task.output
    with clock.part("preprocess"):
        grid = slice_grid(job.source, _pair(job.task.sampling.size), _pair(job.task.sampling.spacing_mm))
        made = np.empty(job.source.geometry.shape, dtype=np.float32)
    spreads: list[float] = []

    def place(ks: range, answers: list[Answer]) -> None:
        spreads.extend(spread_over_places(answer[0]) for (answer,) in answers)
        pictures_on_slices(job.task, grid, np.concatenate([answer[0] for (answer,) in answers]), planes_of(made, ks))

    slicewise(job, clock, grid, place)
    require_varied(max(spreads), "pixel")
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
    plane = np.empty((1, *grid.source_shape[1:]), dtype=np.float32)
    pictures_on_slices(task, grid, answer[None], plane)
    return np.asarray(plane[0])


def pictures_on_slices(task: Task, grid: SliceGrid, answers: Floats, planes: Floats) -> None:
    """The network's pictures [n, rows, columns] in -1..1 as values into source slices [n, j, i]."""
    low, high = task.output.low, task.output.high
    values = np.clip(answers, -1.0, 1.0)
    values += 1.0
    values *= (high - low) / 2.0
    values += low
    grid.put_back_all(values, low, planes)


def _pair(values: tuple[T, ...]) -> tuple[T, T]:
    return values[0], values[1]
