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
from inference.task import ChannelSpec
from inference.volume import Floats, Geometry, Mask, Volume


def outline(job: Job) -> Result:
    """Resample to the network's spacing, tile, stitch logits, and bring the probability back."""
    clock = Clock(job.load_seconds)
    with clock.part("preprocess"):
        work = _working_grid(job)
        voxels, notes = prepared(job.volumes, job.task.channels, work)
    logits = _stitched(job, voxels, clock)
    require_varied(spread_over_places(logits), "voxel")
    with clock.part("postprocess"):
        mask, probability = _mask(job, logits, work)
        found = findings.lesions(mask.labels, probability, mask.geometry, mask.names, midline_x_mm(job.source))
    job.step("finish", 1, 1)
    return Result(job.task.name, job.task.kind, found, job.provenance, clock.seconds(), mask=mask, notes=notes)


def prepared(
    volumes: tuple[Volume, ...], specs: tuple[ChannelSpec, ...], work: Geometry
) -> tuple[Floats, tuple[str, ...]]:
    """Channels [c, k, j, i] on the working grid, normalised over the foreground of the first; and notes.

    Raises:
        GeometryMismatch: A channel covers less than half of the first one's foreground.
    """
    even = [without_bias_field(v) if s.bias_field else v for v, s in zip(volumes, specs, strict=True)]
    resampled = [to_grid(v.voxels, v.geometry, work, fill=0.0) for v in even]
    foreground = mr_foreground(resampled[0])
    notes: list[str] = []
    channels = []
    for values, spec, volume in zip(resampled, specs, volumes, strict=True):
        _require_overlap(values, foreground, spec.name)
        if spec.normalise == "adc":
            factor, note = normalise.adc_scale(values, foreground, volume.unit)
            notes.append(note)
            channels.append(normalise.adc(values * np.float32(factor), foreground))
        elif spec.normalise == "zscore":
            channels.append(normalise.zscore(values, foreground))
        else:
            channels.append(normalise.window(values, spec.low, spec.high))
    return np.stack(channels), tuple(notes)


def _working_grid(job: Job) -> Geometry:
    x, y, z = job.task.sampling.spacing_mm
    return isotropic_like(job.source.geometry, (x, y, z))


def _require_overlap(values: Floats, foreground: NDArray[np.bool_], name: str) -> None:
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


def _mask(job: Job, logits: Floats, work: Geometry) -> tuple[Mask, Floats]:
    """The mask, and the probability of any lesion, on the source's grid."""
    target, output = job.source.geometry, job.task.output
    odds = np.exp(logits - logits.max(axis=0))
    shares = odds / odds.sum(axis=0)
    if output.inside == "brain":
        dwi = to_grid(job.source.voxels, target, work)
        shares[1:] *= brain_mask(dwi, work.spacing_mm)
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
