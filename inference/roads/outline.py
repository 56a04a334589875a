"""A volume through a 3D network by sliding window: a mask on the source's grid (nnU-Net v2)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inference.errors import GeometryMismatch
from inference.result import Result
from inference.roads.stage import Clock, Job, require_varied, spread_over_places
from inference.roads.walk import Steps, walk
from inference.steps import findings, normalise
from inference.steps.bias_field import without_bias_field
from inference.steps.brain import brain_mask
from inference.steps.head import midline_x_mm, mr_foreground
from inference.steps.resample import isotropic_like, to_grid
from inference.steps.tiles import Stitch, cut, pad_to, tile_starts
from inference.task import ChannelSpec, Task
from inference.volume import Channel, Floats, Geometry, Mask, Volume

Bools = NDArray[np.bool_]


def outline(job: Job) -> Result:
    """Resample to the network's spacing, tile, stitch logits, and bring the probability back."""
    clock = Clock(job.load_seconds)
    with clock.part("preprocess"):
        work = _working_grid(job)
        brain = _brain(job.source, work) if _needs_brain(job.task) else None
        voxels, notes = prepared(job.volumes, job.task.channels, work, brain)
    logits = _stitched(job, voxels, clock)
    require_varied(spread_over_places(logits), "voxel")
    with clock.part("postprocess"):
        mask, probability = _mask(job, logits, work, brain if job.task.output.inside == "brain" else None)
        found = findings.lesions(mask.labels, probability, mask.geometry, mask.names, midline_x_mm(job.source))
    job.step("finish", 1, 1)
    return Result(job.task.name, job.task.kind, found, job.provenance, clock.seconds(), mask=mask, notes=notes)


def prepared(
    volumes: tuple[Volume, ...], specs: tuple[ChannelSpec, ...], work: Geometry, brain: Bools | None = None
) -> tuple[Floats, tuple[str, ...]]:
    """Channels [c, k, j, i] on the working grid, normalised over the foreground of the first; and notes.

    The foreground is the head, or for "relative" the brain.

    Args:
        brain: The brain on the working grid, where it is known already.

    Raises:
        GeometryMismatch: A channel covers less than half of the first one's foreground.
        InputRefused: A channel cannot be normalised.
    """
    even = [without_bias_field(v) if s.bias_field else v for v, s in zip(volumes, specs, strict=True)]
    resampled = [to_grid(v.voxels, v.geometry, work, fill=0.0) for v in even]
    if any(spec.normalise == "relative" for spec in specs):
        foreground = brain_mask(resampled[0], work.spacing_mm) if brain is None else brain
    else:
        foreground = mr_foreground(resampled[0])
    notes: list[str] = []
    channels = []
    for values, spec, volume in zip(resampled, specs, volumes, strict=True):
        _require_overlap(values, foreground, spec.name)
        if spec.channel is Channel.ADC:
            factor, note = normalise.adc_scale(values, foreground, volume.unit)
            notes.append(note)
            values = values * np.float32(factor)
        channels.append(_normalised(values, foreground, spec))
    return np.stack(channels), tuple(notes)


def _normalised(values: Floats, foreground: Bools, spec: ChannelSpec) -> Floats:
    by_name = {"adc": normalise.adc, "zscore": normalise.zscore, "relative": normalise.relative}
    if spec.normalise in by_name:
        return by_name[spec.normalise](values, foreground)
    return normalise.window(values, spec.low, spec.high)


def _needs_brain(task: Task) -> bool:
    return task.output.inside == "brain" or any(spec.normalise == "relative" for spec in task.channels)


def _brain(source: Volume, work: Geometry) -> Bools:
    return brain_mask(to_grid(source.voxels, source.geometry, work), work.spacing_mm)


def _working_grid(job: Job) -> Geometry:
    x, y, z = job.task.sampling.spacing_mm
    return isotropic_like(job.source.geometry, (x, y, z))


def _require_overlap(values: Floats, foreground: Bools, name: str) -> None:
    covered = float(np.mean(values[foreground] != 0)) if foreground.any() else 0.0
    if covered < 0.5:
        raise GeometryMismatch(
            f"The {name} series covers only {covered:.0%} of the head.", "Choose series of the same examination."
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


def _mask(job: Job, logits: Floats, work: Geometry, brain: Bools | None) -> tuple[Mask, Floats]:
    """The mask, and the probability of any lesion, on the source's grid."""
    target, output = job.source.geometry, job.task.output
    odds = np.exp(logits - logits.max(axis=0))
    shares = odds / odds.sum(axis=0)
    if brain is not None:
        shares[1:] *= brain
    back = np.stack([to_grid(share, work, target) for share in shares[1:]])
    total = back.sum(axis=0)
    labels = np.zeros(target.shape, dtype=np.uint8)
    found = total > output.threshold
    labels[found] = 1 + back[:, found].argmax(axis=0)
    if job.source.valid is not None:
        labels[~job.source.valid] = 0
    labels = findings.drop_small(labels, target.voxel_ml, output.min_ml)
    names = dict(enumerate(output.labels, start=1))
    return Mask(labels, target, names), np.asarray(total, dtype=np.float32)
