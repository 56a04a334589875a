"""A volume through an nnU-Net, exactly as nnU-Net does it: a mask on the source's grid."""

from __future__ import annotations

import numpy as np

from inference.nnunet.orient import orientation
from inference.nnunet.plan import Plan, read_plan
from inference.nnunet.predict import Answer, Network, Watch, predict
from inference.result import Progress, Result, Seconds
from inference.roads.stage import Job, findings_of, mask_of, on_first_grid


def nnunet(job: Job) -> Result:
    """Run the sidecar's plan on the job's volumes."""
    plan = read_plan(job.task.plan_path)
    channels, notes = on_first_grid(job.given)
    way = orientation(job.source.geometry, plan.image_reader_writer)
    turned = np.asarray(way.there(channels), dtype=np.float32)
    watch = Watch(lambda done, total: job.progress(Progress("tiles", done, total)), job.cancelled)
    network = Network(lambda picture: job.infer(picture)[0], job.engine.cancel)
    answer = predict(turned, way.spacing(job.source.geometry), plan, network, watch)
    mask = mask_of(job, np.asarray(way.back(answer.labels), dtype=np.uint8), plan.names)
    probability = np.asarray(way.back(answer.probability), dtype=np.float32)
    found = findings_of(job, mask, probability)
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


def _how(plan: Plan) -> tuple[str, ...]:
    folds = f"{len(plan.folds)} folds" if len(plan.folds) > 1 else f"fold {plan.folds[0]}"
    mirrored = "averaged over mirrored inputs" if plan.mirror and plan.allowed_mirroring_axes else "not mirrored"
    return (f"nnU-Net {plan.configuration}, {folds}, {mirrored}.",)


def _seconds(job: Job, answer: Answer) -> Seconds:
    return Seconds(job.load_seconds, answer.prepare_s, answer.network_s, answer.finish_s)
