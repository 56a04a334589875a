"""Runs one task on the volumes of a study with one engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from inference.backends.base import Engine
from inference.errors import GeometryMismatch, InputRefused, JobCancelled
from inference.result import CancelledFn, Kind, Progress, ProgressFn, Provenance, Result
from inference.roads.detect import detect
from inference.roads.letterboxed import letterboxed
from inference.roads.monai import monai
from inference.roads.nnunet import nnunet
from inference.roads.outline import outline
from inference.roads.stage import Job
from inference.roads.synthesise import synthesise
from inference.steps.head import require_head
from inference.steps.slices import require_axial
from inference.task import Task
from inference.volume import Channel, Volume

ROADS: Mapping[Kind, Callable[[Job], Result]] = {
    Kind.VOLUME: synthesise,
    Kind.BOXES: detect,
    Kind.MASK: outline,
}
IMPORTED_ROADS: Mapping[str, Callable[[Job], Result]] = {"nnunet": nnunet, "monai": monai, "letterbox": letterboxed}
"""By the manifest's kind of sampling."""


def run(
    volumes: Mapping[Channel, Volume],
    task: Task,
    engine: Engine,
    provenance: Provenance,
    *,
    progress: ProgressFn = lambda _: None,
    cancelled: CancelledFn = lambda: False,
    load_seconds: float = 0.0,
) -> Result:
    """Crop, normalise, resample, infer, and bring the answer back onto the source volume's grid.

    The source is the volume of the task's first channel; the others may lie on other grids of the same frame
    of reference.

    Raises:
        InputRefused: A channel is missing, synthetic, or not usable.
        GeometryMismatch: Volumes lie in different frames of reference or do not overlap.
        BadOutput: The network answered NaN, infinity or one constant.
        JobCancelled: `cancelled()` became true.
    """
    chosen = tuple(_require(volumes, spec.channel) for spec in task.channels)
    _require_one_frame(chosen)
    if not task.is_imported:
        require_axial(chosen[0].geometry)
        require_head(chosen[0])
    if cancelled():
        raise JobCancelled
    progress(Progress("prepare", 0, 1))
    road = IMPORTED_ROADS[task.sampling.kind] if task.is_imported else ROADS[task.kind]
    return road(Job(task, chosen, engine, provenance, progress, cancelled, load_seconds))


def _require(volumes: Mapping[Channel, Volume], channel: Channel) -> Volume:
    volume = volumes.get(channel)
    if volume is None:
        raise InputRefused(f"The study has no {channel.value} series.", "Add one, or choose another task.")
    if volume.synthetic:
        raise InputRefused(f"The {channel.value} series is synthetic.", "Give the networks acquired images only.")
    return volume


def _require_one_frame(volumes: tuple[Volume, ...]) -> None:
    frames = {v.geometry.frame_of_reference for v in volumes} - {""}
    if len(frames) > 1:
        raise GeometryMismatch(
            "The series were not acquired in one frame of reference.", "Register them first, or choose another pair."
        )
