"""What every road shares: the job, its clock, and calling the engine."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from inference.backends.base import Engine, checked_answer, checked_feed
from inference.errors import BadOutput, GeometryMismatch, JobCancelled
from inference.result import CancelledFn, Finding, Pieces, Progress, ProgressFn, Provenance, Seconds
from inference.steps.findings import drop_small, lesions
from inference.steps.region import midline_of
from inference.steps.resample import to_grid
from inference.steps.structures import structures
from inference.task import Task
from inference.volume import Floats, Labels, Mask, Volume

LEAST_SPREAD = 1e-5


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """One frozen request: the task, its volumes in the order of its channels, and who answers.

    Attributes:
        volumes: None stands for an optional channel that is missing, never for the first.
    """

    task: Task
    volumes: tuple[Volume | None, ...]
    engine: Engine
    provenance: Provenance
    progress: ProgressFn
    cancelled: CancelledFn
    load_seconds: float

    @property
    def given(self) -> tuple[Volume, ...]:
        """The volumes that are there."""
        return tuple(volume for volume in self.volumes if volume is not None)

    @property
    def source(self) -> Volume:
        return self.given[0]

    def step(self, stage: str, done: int, total: int) -> None:
        """Report progress; raise JobCancelled when the user has stopped the job."""
        if self.cancelled():
            raise JobCancelled
        self.progress(Progress(stage, done, total))

    def infer(self, picture: Floats) -> tuple[Floats, ...]:
        """Outputs in the manifest's order, checked to be numbers."""
        feed = checked_feed({self.task.model.input: picture}, self.engine.inputs)
        answer = checked_answer(self.engine.infer(feed))
        return tuple(answer[name] for name in self.task.model.outputs)


@dataclass(slots=True)
class Clock:
    """Wall time by part: `with clock.part("infer"): ...`."""

    load: float
    spent: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        begin = time.perf_counter()
        try:
            yield
        finally:
            self.spent[name] = self.spent.get(name, 0.0) + time.perf_counter() - begin

    def seconds(self) -> Seconds:
        parts = (self.spent.get(name, 0.0) for name in ("preprocess", "infer", "postprocess"))
        return Seconds(self.load, *parts)


def on_first_grid(volumes: tuple[Volume, ...]) -> tuple[Floats, tuple[str, ...]]:
    """float32 [c, k, j, i] on the first volume's grid, and which channels had to be brought there.

    Raises:
        GeometryMismatch: A channel does not reach the first one's grid at all.
    """
    grid = volumes[0].geometry
    moved = [v for v in volumes if not v.geometry.same_grid(grid)]
    channels = np.stack([to_grid(v.voxels, v.geometry, grid) for v in volumes])
    for volume, values in zip(volumes, channels, strict=True):
        if volume in moved and not values.any():
            raise GeometryMismatch(
                f"The {volume.channel.value} series does not overlap the first one.",
                "Choose series of the same examination.",
            )
    return channels, tuple(f"{v.channel.value} was resampled onto the grid of the first series." for v in moved)


def mask_of(job: Job, labels: Labels, names: Mapping[int, str]) -> Mask:
    """Labels on the source's grid as the task's mask: nothing where nothing was measured, no piece too small."""
    if job.source.valid is not None:
        labels[~job.source.valid] = 0
    geometry = job.source.geometry
    output = job.task.output
    return Mask(drop_small(labels, geometry.voxel_ml, output.min_ml, output.pieces), geometry, names)


def findings_of(job: Job, mask: Mask, probability: Floats) -> tuple[Finding, ...]:
    """A mask's lesions or structures, as the task says.

    Args:
        probability: float32 [k, j, i] on the mask's grid.
    """
    output, middle = job.task.output, midline_of(job.task.region, job.source)
    if output.pieces is Pieces.STRUCTURES:
        return structures(mask, probability, output.paired, middle)
    return lesions(mask.labels, probability, mask.geometry, mask.names, middle)


def spread_over_places(maps: Floats) -> float:
    """Largest difference between two places of one map, as a share of the largest value. [map, ...place]."""
    flat = maps.reshape(len(maps), -1)
    low, high = flat.min(axis=1), flat.max(axis=1)
    largest = max(float(high.max()), -float(low.min()))
    return float((high - low).max()) / largest if largest > 0 else 0.0


def require_varied(spread: float, what: str) -> None:
    """Raise BadOutput when a whole answer is one constant at every place: the black-mask fault."""
    if not spread > LEAST_SPREAD:
        raise BadOutput(
            f"The model answered one constant for every {what}.", "Run it again in fp32 on another backend."
        )
