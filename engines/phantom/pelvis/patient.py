"""A made-up man with a prostate examined by axial T2-weighted MR, and the outlines of its zones."""

from __future__ import annotations

import numpy as np

from engines.phantom.noise import Rng
from engines.phantom.outlined import OutlinedPatient
from engines.phantom.pelvis import around, frame, organs
from engines.phantom.pelvis.man import Filling, Man, draw_man
from engines.phantom.pelvis.scan import Protocol, averaged, draw_protocol, scanned
from engines.phantom.pelvis.stage import Stage
from engines.phantom.pelvis.stuff import Signals, Stuff, draw_signals
from engines.phantom.pelvis.zones import Truth, paint_prostate
from inference.steps.resample import to_grid
from inference.volume import Channel, Floats, Labels, Mask, Points, Volume

PERIPHERAL, TRANSITION = 1, 2
ZONES = {PERIPHERAL: "peripheral zone", TRANSITION: "transition zone"}


def pelvis_patient(seed: int) -> OutlinedPatient:
    """Draw one man and scan him.

    Label 2, the transition zone, is the whole inner gland: the central zone, the anterior fibromuscular stroma and the
    tissue round the urethra count with it.

    Returns:
        One T2 volume in arbitrary units and the mask of its two zones.
    """
    rng = np.random.default_rng([seed, 61])
    man = draw_man(rng)
    protocol, signals = draw_protocol(man, rng), draw_signals(rng)
    stage = Stage(protocol.fine, signals[Stuff.FAT], rng)
    _surroundings(stage, man, signals, rng)
    truth = paint_prostate(stage, man, signals, rng)
    picture = scanned(stage.image, protocol, _coil(man), rng)
    volume = Volume(picture, protocol.stored, Channel.T2, "", "T2")
    return OutlinedPatient((volume,), Mask(_labels(stage, truth, protocol), protocol.stored, dict(ZONES)))


def _surroundings(stage: Stage, man: Man, signals: Signals, rng: Rng) -> None:
    frame.paint_fat(stage, signals, rng)
    frame.paint_muscles(stage, man, signals, rng)
    frame.paint_obturator(stage, man, signals)
    frame.paint_bones(stage, man, signals, rng)
    frame.paint_wall(stage, man, signals)
    around.paint_strands(stage, man, signals, rng)
    around.paint_veins(stage, man, signals, rng)
    organs.paint_floor(stage, man, signals, rng)
    around.paint_vesicles(stage, man, signals, rng)
    organs.paint_bladder(stage, man, signals, rng)
    organs.paint_rectum(stage, man, signals, rng)
    organs.paint_outlet(stage, man, signals)


def _coil(man: Man) -> Points | None:
    return np.array([0.0, man.gland.half_mm[1] + man.rectum_mm, 0.0]) if man.filling is Filling.COIL else None


def _labels(stage: Stage, truth: Truth, protocol: Protocol) -> Labels:
    whole, inner = (_stored(stage, truth, part, protocol) for part in (truth.whole, truth.inner))
    labels = np.where(whole > 0.5, PERIPHERAL, 0)
    return np.where((whole > 0.5) & (inner > 0.5 * whole), TRANSITION, labels).astype(np.uint8)


def _stored(stage: Stage, truth: Truth, part: Floats, protocol: Protocol) -> Floats:
    full = np.zeros(stage.image.shape, dtype=np.float32)
    full[truth.window] = part
    return to_grid(averaged(full), protocol.slices, protocol.stored)
