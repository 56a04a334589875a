"""One digital trunk in one scanner."""

from __future__ import annotations

import numpy as np

from engines.phantom.outlined import OutlinedPatient
from engines.phantom.trunk.bones import Bones
from engines.phantom.trunk.bowel import paint_gut
from engines.phantom.trunk.cage import paint_cage, paint_shoulders
from engines.phantom.trunk.canvas import Canvas
from engines.phantom.trunk.hips import paint_hips
from engines.phantom.trunk.kidneys import paint_kidneys
from engines.phantom.trunk.liver import paint_liver
from engines.phantom.trunk.organs import paint_pelvic_organs, paint_upper_organs
from engines.phantom.trunk.person import draw_person
from engines.phantom.trunk.scan import draw_scan, seen
from engines.phantom.trunk.soft import paint_breasts, paint_hollows, paint_limbs, paint_muscles, paint_table
from engines.phantom.trunk.spine import paint_spine
from engines.phantom.trunk.thorax import paint_chest, paint_great_vessels
from engines.phantom.trunk.torso import paint_torso
from inference.volume import Channel, Mask, Volume

ORGANS = {1: "liver", 2: "bladder", 3: "lungs", 4: "kidneys", 5: "bone"}


def trunk_patient(seed: int) -> OutlinedPatient:
    """An adult's trunk or part of it on CT, in HU, with the truth about liver, bladder, lungs, kidneys and bone.

    The grid runs to the patient's left, back and head. Another seed: another body, posture, phase, scanner and field.
    """
    rng = np.random.default_rng([seed, 21])
    person = draw_person(rng)
    scan = draw_scan(rng, person)
    canvas = Canvas(scan.geometry, person.scale, rng)
    frame = paint_torso(canvas, person, rng)
    bones = Bones(canvas, person, rng)
    paint_breasts(canvas, person, rng)
    paint_muscles(canvas, person, rng)
    paint_hollows(canvas, person, rng)
    paint_chest(canvas, frame, person, rng)
    paint_gut(canvas, frame, person, rng)
    paint_great_vessels(canvas, person, rng)
    paint_upper_organs(canvas, frame, person, rng)
    paint_liver(canvas, frame, person, rng)
    paint_kidneys(canvas, person, rng)
    paint_pelvic_organs(canvas, frame, person, rng)
    paint_cage(canvas, person, bones, rng)
    paint_spine(canvas, person, bones, rng)
    paint_shoulders(canvas, person, bones)
    paint_hips(canvas, person, bones, rng)
    paint_limbs(canvas, person, rng)
    paint_table(canvas, person, rng)
    hu = seen(canvas.hu, scan, rng)
    volume = Volume(hu, scan.geometry, Channel.CT, "HU", "CT")
    return OutlinedPatient((volume,), Mask(canvas.labels, scan.geometry, ORGANS))
