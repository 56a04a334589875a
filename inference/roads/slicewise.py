"""All axial slices of a volume through a network that reads them one by one."""

from __future__ import annotations

from collections.abc import Callable

from inference.roads.stage import Clock, Job
from inference.roads.walk import Steps, walk
from inference.steps import normalise
from inference.steps.slices import SliceGrid, planes_of
from inference.volume import Floats

AT_ONCE = 4
"""Slices prepared and finished together: they share most of a call's own cost, and lie in the cache together."""
Answer = tuple[Floats, ...]
"""The network's outputs for one slice."""


def slicewise(job: Job, clock: Clock, grid: SliceGrid, place: Callable[[range, list[Answer]], None]) -> None:
    """Pick, normalise and ask for every slice.

    Args:
        place: Brings the answers for a run of source slices onto their grid; called run after run.
    """
    total, spec = len(grid.slices), job.task.channels[0]

    def prepare(ks: range) -> Floats:
        return normalise.window(grid.pick_all(planes_of(job.source.voxels, ks), spec.low), spec.low, spec.high)

    def ask(ks: range, pictures: Floats) -> list[Answer]:
        return [_asked(job, clock, abs(k - grid.slices[0]), total, p) for k, p in zip(ks, pictures, strict=True)]

    runs = [grid.slices[at : at + AT_ONCE] for at in range(0, total, AT_ONCE)]
    walk(runs, Steps(prepare, ask, place), clock, job.provenance.device)
    job.step("slices", total, total)


def _asked(job: Job, clock: Clock, done: int, total: int, picture: Floats) -> Answer:
    job.step("slices", done, total)
    with clock.part("infer"):
        return job.infer(picture[None, None])
