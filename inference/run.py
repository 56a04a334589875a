"""Runs one task on the volumes of a study with one engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from inference.backends.base import Engine
from inference.errors import GeometryMismatch, InputRefused, JobCancelled
from inference.result import CancelledFn, Kind, Progress, ProgressFn, Provenance, Result
from inference.roads.crops import crops
from inference.roads.detect import detect
from inference.roads.letterboxed import letterboxed
from inference.roads.monai import monai
from inference.roads.nnunet import nnunet
from inference.roads.outline import outline
from inference.roads.stage import Job
from inference.roads.synthesise import synthesise
from inference.steps.region import require_region
from inference.steps.slices import require_axial
from inference.task import ChannelSpec, Task
from inference.volume import Channel, Volume

ROADS: Mapping[Kind, Callable[[Job], Result]] = {
    Kind.VOLUME: synthesise,
    Kind.BOXES: detect,
    Kind.MASK: outline,
}
OWN_ROADS: Mapping[str, Callable[[Job], Result]] = {
    "nnunet": nnunet,
    "monai": monai,
    "letterbox": letterboxed,
    "crops": crops,
}
"""By the manifest's kind of sampling, where that alone decides."""


def run(
    volumes: Mapping[Channel, Volume],
    task: Task,
    engine: Engine,
    provenance: Provenance,
    *,
    progress: ProgressFn = lambda _: None,
    cancelled: CancelledFn = lambda: False,
    load_seconds: float = 0.0,
    absent: Mapping[Channel, str] = MappingProxyType({}),
) -> Result:
    """Crop, normalise, resample, infer, and bring the answer back onto the source volume's grid.

    The source is the volume of the task's first channel; the others may lie on other grids of the same frame
    of reference.

    Args:
        absent: Why an optional channel is not among the volumes, without a full stop; for the note in the result.

    Raises:
        InputRefused: A channel is missing, synthetic, or not usable.
        GeometryMismatch: Volumes lie in different frames of reference or do not overlap.
        BadOutput: The network answered NaN, infinity or one constant.
        JobCancelled: `cancelled()` became true.
    """
    chosen = tuple(_chosen(volumes, spec) for spec in task.channels)
    _require_one_frame([volume for volume in chosen if volume is not None])
    source = _require(volumes, task.channels[0].channel)
    if not task.is_imported:
        require_axial(source.geometry)
    require_region(task.region, source)
    if cancelled():
        raise JobCancelled
    progress(Progress("prepare", 0, 1))
    road = OWN_ROADS.get(task.sampling.kind) or ROADS[task.kind]
    result = road(Job(task, chosen, engine, provenance, progress, cancelled, load_seconds))
    missing = [spec.channel for spec, volume in zip(task.channels, chosen, strict=True) if volume is None]
    notes = (*(_without(channel, absent) for channel in missing), *result.notes)
    return replace(result, notes=notes, pieces=task.output.pieces)


def _without(channel: Channel, absent: Mapping[Channel, str]) -> str:
    return f"{absent.get(channel, f'{channel.value} was not in the study')}; the network ran without it."


def _chosen(volumes: Mapping[Channel, Volume], spec: ChannelSpec) -> Volume | None:
    return None if spec.optional and spec.channel not in volumes else _require(volumes, spec.channel)


def _require(volumes: Mapping[Channel, Volume], channel: Channel) -> Volume:
    volume = volumes.get(channel)
    if volume is None:
        raise InputRefused(f"The study has no {channel.value} series.", "Add one, or choose another task.")
    if volume.synthetic:
        raise InputRefused(f"The {channel.value} series is synthetic.", "Give the networks acquired images only.")
    return volume


def _require_one_frame(volumes: Iterable[Volume]) -> None:
    frames = {v.geometry.frame_of_reference for v in volumes} - {""}
    if len(frames) > 1:
        raise GeometryMismatch(
            "The series were not acquired in one frame of reference.", "Register them first, or choose another pair."
        )
