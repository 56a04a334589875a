"""A volume through an nnU-Net, exactly as nnU-Net does it: a mask on the source's grid."""

from __future__ import annotations

import numpy as np

from inference.errors import GeometryMismatch, InputRefused
from inference.nnunet.orient import orientation
from inference.nnunet.plan import Plan, read_plan
from inference.nnunet.predict import Answer, Network, Watch, predict
from inference.result import Progress, Result, Seconds
from inference.roads.stage import Job
from inference.steps import findings
from inference.steps.head import midline_x_mm, require_head
from inference.steps.resample import to_grid
from inference.volume import Floats, Mask, Volume


def nnunet(job: Job) -> Result:
    """Run the sidecar's plan on the job's volumes."""
    plan = read_plan(job.task.plan_path)
    channels, notes = _channels(job.volumes)
    way = orientation(job.source.geometry, plan.image_reader_writer)
    turned = np.asarray(way.there(channels), dtype=np.float32)
    watch = Watch(lambda done, total: job.progress(Progress("tiles", done, total)), job.cancelled)
    network = Network(lambda picture: job.infer(picture)[0], job.engine.cancel)
    answer = predict(turned, way.spacing(job.source.geometry), plan, network, watch)
    mask = _mask(job, plan, np.asarray(way.back(answer.labels), dtype=np.uint8))
    probability = np.asarray(way.back(answer.probability), dtype=np.float32)
    found = findings.lesions(mask.labels, probability, mask.geometry, mask.names, _midline(job.source))
    job.step("finish", 1, 1)
    return Result(
        job.task.name,
        job.task.kind,
        found,
        job.provenance,
        _seconds(job, answer),
        mask=mask,
        notes=(*notes, *_how(plan)),
    )


def _channels(volumes: tuple[Volume, ...]) -> tuple[Floats, tuple[str, ...]]:
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


def _mask(job: Job, plan: Plan, labels: np.ndarray) -> Mask:
    if job.source.valid is not None:
        labels[~job.source.valid] = 0
    geometry = job.source.geometry
    return Mask(findings.drop_small(labels, geometry.voxel_ml, job.task.output.min_ml), geometry, plan.names)


def _midline(volume: Volume) -> float | None:
    """Where the head's middle is; None where the image shows no head."""
    try:
        require_head(volume)
        return midline_x_mm(volume)
    except InputRefused:
        return None


def _how(plan: Plan) -> tuple[str, ...]:
    folds = f"{len(plan.folds)} folds" if len(plan.folds) > 1 else f"fold {plan.folds[0]}"
    mirrored = "averaged over mirrored inputs" if plan.mirror and plan.allowed_mirroring_axes else "not mirrored"
    return (f"nnU-Net {plan.configuration}, {folds}, {mirrored}.",)


def _seconds(job: Job, answer: Answer) -> Seconds:
    return Seconds(job.load_seconds, answer.prepare_s, answer.network_s, answer.finish_s)
