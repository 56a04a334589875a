"""A volume through an imported MONAI bundle, as MONAI itself would run it: a mask on the source's grid."""

from __future__ import annotations

import numpy as np

from inference.errors import InputRefused
from inference.monai.decide import decided
from inference.monai.plan import Plan, read_plan
from inference.monai.prepare import loaded, prepared
from inference.result import Result
from inference.roads.stage import Clock, Job, findings_of, mask_of, on_first_grid, require_varied, spread_over_places
from inference.roads.walk import Steps, walk
from inference.steps import windows
from inference.volume import Floats, Volume

Place = tuple[int, windows.Size]
"""A window's number and its first voxel."""


def monai(job: Job) -> Result:
    """Run the sidecar's plan on the job's volumes."""
    plan, clock = read_plan(job.task.plan_path), Clock(job.load_seconds)
    _require_upright(job.source)
    with clock.part("preprocess"):
        channels, notes = on_first_grid(job.given)
        picture, back = prepared(loaded(channels, job.source.geometry), plan.changes)
    field = _averaged(job, plan, picture.voxels, clock)
    require_varied(spread_over_places(field), "voxel")
    with clock.part("postprocess"):
        labels, probability = (np.ascontiguousarray(one.T) for one in decided(field, plan, back))
        mask = mask_of(job, np.asarray(labels, dtype=np.uint8), dict(enumerate(plan.labels, start=1)))
        likely = np.asarray(probability, dtype=np.float32)
        found = findings_of(job, mask, likely)
    job.step("finish", 1, 1)
    said = (*notes, f"MONAI bundle {plan.version}, {plan.network}.")
    return Result(job.task.name, job.task.kind, found, job.provenance, clock.seconds(), mask=mask, notes=said)


def _averaged(job: Job, plan: Plan, voxels: Floats, clock: Clock) -> Floats:
    """Answers [channel, *place] averaged over windows."""
    a, b, c = plan.roi_size
    wide, inner = windows.padded(voxels, (a, b, c), plan.cval)
    shape = wide.shape[1], wide.shape[2], wide.shape[3]
    places = list(enumerate(windows.starts(shape, (a, b, c), plan.overlap)))
    mean = windows.WindowMean(shape, windows.weights((a, b, c), plan.gaussian, plan.sigma_scale))

    def prepare(place: Place) -> Floats:
        return np.ascontiguousarray(windows.cut(wide, place[1], (a, b, c))[None])

    def ask(place: Place, tile: Floats) -> Floats:
        job.step("tiles", place[0], len(places))
        with clock.part("infer"):
            return job.infer(tile)[0]

    def finish(place: Place, answer: Floats) -> None:
        mean.add(place[1], answer[0])

    walk(places, Steps(prepare, ask, finish), clock, job.provenance.device)
    return mean.field()[(slice(None), *inner)]


def _require_upright(source: Volume) -> None:
    if not source.geometry.is_orthogonal:
        raise InputRefused("The series' axes do not stand at right angles.", "Choose a series without gantry tilt.")
