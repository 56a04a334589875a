"""A volume through a 3D network by sliding window: a mask on the source's grid (nnU-Net v2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.errors import GeometryMismatch, InputRefused
from inference.result import Result
from inference.roads.stage import Clock, Job, findings_of, mask_of, require_varied, spread_over_places
from inference.roads.walk import Steps, walk
from inference.steps import normalise
from inference.steps.bias_field import without_bias_field
from inference.steps.brain import brain_mask
from inference.steps.head import mr_foreground
from inference.steps.resample import isotropic_like, to_grid, upright
from inference.steps.skull import within_skull
from inference.steps.tiles import Stitch, cut, pad_to, tile_starts
from inference.task import ChannelSpec, Task
from inference.volume import Channel, Floats, Geometry, Mask, Volume

Bools = NDArray[np.bool_]


def outline(job: Job) -> Result:
    """Resample to the network's spacing, tile, stitch logits, and bring the probability back."""
    clock = Clock(job.load_seconds)
    with clock.part("preprocess"):
        work = _working_grid(job)
        seen = given(job.task, job.volumes, work)
    logits = _stitched(job, seen.channels, clock)
    require_varied(spread_over_places(logits), "voxel")
    with clock.part("postprocess"):
        mask, probability = _mask(job, logits, work, seen.kept)
        found = findings_of(job, mask, probability)
    job.step("finish", 1, 1)
    return Result(job.task.name, job.task.kind, found, job.provenance, clock.seconds(), mask=mask, notes=seen.notes)


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """What a network is given of a study, in use and in training alike.

    Attributes:
        channels: float32 [c, k, j, i] on the working grid.
        kept: bool [k, j, i]: where its answer counts; None for everywhere.
        notes: What the reader of the answer must know.
    """

    channels: Floats
    kept: Bools | None
    notes: tuple[str, ...]


def given(task: Task, volumes: tuple[Volume | None, ...], work: Geometry) -> Given:
    """The channels on the working grid, normalised, and blanked outside the skull where the task says so.

    Raises:
        GeometryMismatch, InputRefused: See `prepared`.
    """
    first, inside = volumes[0], task.output.inside
    brain = _brain(first, work) if first is not None and _needs_brain(task) else None
    channels, notes = prepared(volumes, task.channels, work, brain)
    if first is None or inside != "skull":
        return Given(channels, brain if inside == "brain" else None, notes)
    skull = _skull(first, work)
    return Given(_stripped(channels, skull), skull, notes)


def prepared(
    volumes: tuple[Volume | None, ...], specs: tuple[ChannelSpec, ...], work: Geometry, brain: Bools | None = None
) -> tuple[Floats, tuple[str, ...]]:
    """Channels [c, k, j, i] on the working grid, normalised over the foreground of the first; and notes.

    The foreground is what is bright, or for "relative" the brain.

    Args:
        volumes: None for a channel that is missing: it is zero everywhere. Never the first.
        brain: The brain on the working grid, where it is known already.

    Raises:
        GeometryMismatch: A channel covers less than half of the first one's foreground.
        InputRefused: A channel cannot be normalised.
    """
    resampled = [None if v is None else _resampled(v, s, work) for v, s in zip(volumes, specs, strict=True)]
    first = resampled[0]
    if first is None:
        raise InputRefused(f"The study has no {specs[0].name} series.", "Add one, or choose another task.")
    if any(spec.normalise == "relative" for spec in specs):
        foreground = brain_mask(first, work.spacing_mm) if brain is None else brain
    else:
        foreground = mr_foreground(first)
    notes: list[str] = []
    channels = np.zeros((len(specs), *work.shape), dtype=np.float32)
    for channel, values, spec, volume in zip(channels, resampled, specs, volumes, strict=True):
        if values is None or volume is None:
            continue
        _require_overlap(values, foreground, spec.name)
        if spec.channel is Channel.ADC:
            factor, note = normalise.adc_scale(values, foreground, volume.unit)
            notes.append(note)
            values = values * np.float32(factor)
        channel[...] = _normalised(values, foreground, spec)
    return channels, tuple(notes)


def _resampled(volume: Volume, spec: ChannelSpec, work: Geometry) -> Floats:
    even = without_bias_field(volume) if spec.bias_field else volume
    return to_grid(even.voxels, even.geometry, work, fill=0.0)


def _normalised(values: Floats, foreground: Bools, spec: ChannelSpec) -> Floats:
    by_name = {"adc": normalise.adc, "zscore": normalise.zscore, "relative": normalise.relative}
    if spec.normalise in by_name:
        return by_name[spec.normalise](values, foreground)
    return normalise.window(values, spec.low, spec.high)


def _needs_brain(task: Task) -> bool:
    return task.output.inside == "brain" or any(spec.normalise == "relative" for spec in task.channels)


def _brain(source: Volume, work: Geometry) -> Bools:
    return brain_mask(to_grid(source.voxels, source.geometry, work), work.spacing_mm)


def _skull(source: Volume, work: Geometry) -> Bools:
    return within_skull(to_grid(source.voxels, source.geometry, work), work.spacing_mm)


def _stripped(channels: Floats, inside: Bools) -> Floats:
    """The same with nothing outside, normalised over what is left; missing channels stay zero."""
    return np.stack([normalise.zscore(values, inside) if values.any() else values for values in channels])


def _working_grid(job: Job) -> Geometry:
    x, y, z = job.task.sampling.spacing_mm
    return isotropic_like(upright(job.source.geometry), (x, y, z))


def _require_overlap(values: Floats, foreground: Bools, name: str) -> None:
    covered = float(np.mean(values[foreground] != 0)) if foreground.any() else 0.0
    if covered < 0.5:
        raise GeometryMismatch(
            f"The {name} series covers only {covered:.0%} of the first one.", "Choose series of the same examination."
        )


def _stitched(job: Job, voxels: Floats, clock: Clock) -> Floats:
    k, j, i = job.task.sampling.size
    padded, inner = pad_to(voxels, (k, j, i))
    shape = padded.shape[1], padded.shape[2], padded.shape[3]
    starts = tile_starts(shape, (k, j, i), job.task.sampling.overlap)
    stitch = Stitch(len(job.task.output.labels) + 1, shape, (k, j, i))

    def prepare(number: int) -> Floats:
        ((_, tile),) = cut(padded, [starts[number]], (k, j, i))
        return np.ascontiguousarray(tile[None])

    def ask(number: int, tile: Floats) -> Floats:
        job.step("tiles", number, len(starts))
        with clock.part("infer"):
            return np.asarray(job.infer(tile)[0][0])

    def finish(number: int, answer: Floats) -> None:
        stitch.add(starts[number], answer)

    walk(range(len(starts)), Steps(prepare, ask, finish), clock, job.provenance.device)
    return stitch.logits()[(slice(None), *inner)]


def _mask(job: Job, logits: Floats, work: Geometry, kept: Bools | None) -> tuple[Mask, Floats]:
    """The mask, and the probability of anything marked, on the source's grid."""
    target, output = job.source.geometry, job.task.output
    odds = np.exp(logits - logits.max(axis=0))
    shares = odds / odds.sum(axis=0)
    if kept is not None:
        shares[1:] *= kept
    total, best = np.zeros(target.shape, dtype=np.float32), np.zeros(target.shape, dtype=np.float32)
    labels = np.zeros(target.shape, dtype=np.uint8)
    for label, share in enumerate(shares[1:], start=1):
        back = to_grid(share, work, target)
        total += back
        more = back > best
        labels[more], best[more] = label, back[more]
    labels[total <= output.threshold] = 0
    return mask_of(job, labels, dict(enumerate(output.labels, start=1))), total
