"""Scanners, protocols and tissues as they differ from one tumour patient to the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import gaussian_filter

from engines.phantom import scanner as physics
from engines.phantom.canvas import fraction_of
from engines.phantom.head import Head
from engines.phantom.mri import Sampler
from engines.phantom.noise import Rng, enlarge, grid_noise, mottle
from engines.phantom.signal import FAT_LEFT, FATTY, Sequence, signal
from engines.phantom.tissue import PROPERTIES, Properties, Tissue
from inference.volume import Channel, Floats, Volume

Table = Mapping[Tissue, Properties]
WHITE_LEVEL = 300.0
VASCULAR = (Tissue.BLOOD, Tissue.VESSEL, Tissue.PLEXUS, Tissue.DURA, Tissue.MUCOSA)
GREY = (Tissue.GREY, Tissue.CAUDATE, Tissue.THALAMUS, Tissue.PALLIDUM, Tissue.FOLIA)
SCALP = (Tissue.SKIN, Tissue.FAT, Tissue.MUSCLE, Tissue.DIPLOE)


@dataclass(frozen=True, slots=True)
class Look:
    """How one image is acquired.

    Attributes:
        sequence: Timing.
        noise: Standard deviation over the white matter's signal.
        bias: Strength of the receive field.
        blur: Gaussian in the slice, voxels.
        across: Gaussian across slices, voxels.
        fat: Share of the fat's signal that is left.
    """

    sequence: Sequence
    noise: float
    bias: float
    blur: float
    across: float
    fat: float


@dataclass(frozen=True, slots=True)
class Session:
    """One examination.

    Attributes:
        tesla: The field.
        tissues: This person's.
        looks: One for each channel.
        uneven: How much the signal varies inside a tumour.
        inflow: Factor on blood's signal after contrast.
    """

    tesla: float
    tissues: Table
    looks: Mapping[Channel, Look]
    uneven: float
    inflow: float


@dataclass(frozen=True, slots=True, eq=False)
class Extra:
    """What is not among the head's layers, on its grid, 0..1: where tumour is, and small veins in the sulci."""

    tumour: Floats
    veins: Floats


def draw_session(rng: Rng) -> Session:
    """Draw one."""
    tesla = 1.5 if rng.random() < 0.45 else 3.0
    inverted = rng.random() < 0.5
    sequences = {
        Channel.T1C: replace(_t1(rng, inverted), contrast=True),
        Channel.FLAIR: _flair(rng, tesla),
        Channel.T1: _t1(rng, inverted if rng.random() < 0.8 else not inverted),
        Channel.T2: Sequence(rng.uniform(3000, 7000), rng.uniform(78, 125)),
    }
    tissues = _tissues(rng)
    noise, bias = float(np.exp(rng.uniform(np.log(0.008), np.log(0.055)))), rng.uniform(0.03, 0.25)
    looks = {c: _look(rng, s, noise, bias) for c, s in sequences.items()}
    return Session(tesla, tissues, looks, rng.uniform(0.05, 0.3), rng.uniform(1.4, 4.0))


def _look(rng: Rng, sequence: Sequence, noise: float, bias: float) -> Look:
    fat = FAT_LEFT * rng.uniform(0.5, 3) if rng.random() < 0.25 else rng.uniform(0.5, 1.8)
    across = rng.uniform(0.3, 0.9) if rng.random() < 0.25 else 0.0
    return Look(sequence, noise * rng.uniform(0.6, 1.6), bias * rng.uniform(0.6, 1.4), rng.uniform(0, 0.6), across, fat)


def _t1(rng: Rng, inverted: bool) -> Sequence:
    """Spin echo, or a gradient echo after inversion."""
    if inverted:
        return Sequence(rng.uniform(1600, 2400), rng.uniform(2.5, 4.5), ti=rng.uniform(800, 1100))
    return Sequence(rng.uniform(380, 800), rng.uniform(8, 16))


def _flair(rng: Rng, tesla: float) -> Sequence:
    tr, water = rng.uniform(6500, 11000), PROPERTIES[Tissue.CSF].t1_ms[tesla > 2]
    null = water * (np.log(2) - np.log1p(np.exp(-tr / water)))
    return Sequence(tr, rng.uniform(85, 145), ti=float(null * rng.uniform(0.9, 1.06)))


def _tissues(rng: Rng) -> Table:
    table = {tissue: _varied(p, rng, 0.07) for tissue, p in PROPERTIES.items()}
    uptake, evened = rng.uniform(0.75, 1.35), rng.uniform(0.68, 0.98)
    for tissue in VASCULAR:
        p = table[tissue]
        table[tissue] = replace(p, enhances=float(np.clip(p.enhances * uptake * rng.uniform(0.8, 1.3), 0.12, 1)))
    for tissue in GREY:
        table[tissue] = replace(table[tissue], enhances=evened)
    for tissue in SCALP:
        table[tissue] = replace(table[tissue], pd=table[tissue].pd * rng.uniform(0.6, 1.2))
    return {**table, **_tumour_tissues(rng, uptake)}


def _tumour_tissues(rng: Rng, uptake: float) -> Table:
    def made(like: Tissue, t1: tuple[float, float], t2: tuple[float, float], enhances: float = 1.0) -> Properties:
        low = rng.uniform(*t1)
        pd = float(np.clip(PROPERTIES[like].pd + rng.uniform(-0.05, 0.05), 0, 1))
        return replace(PROPERTIES[like], pd=pd, t1_ms=(low, 1.25 * low), t2_ms=rng.uniform(*t2), enhances=enhances)

    strong = float(np.clip(rng.uniform(0.2, 0.55) * uptake, 0.15, 0.62))
    return {
        Tissue.OEDEMA: made(Tissue.OEDEMA, (800, 1150), (120, 220)),
        Tissue.TUMOUR: made(Tissue.TUMOUR, (900, 1450), (80, 140), strong),
        Tissue.TUMOUR_FAINT: made(Tissue.TUMOUR, (900, 1450), (85, 150), min(strong * rng.uniform(1.15, 1.45), 0.75)),
        Tissue.NECROSIS: made(Tissue.NECROSIS, (1300, 3200), (120, 700)),
        Tissue.TUMOUR_BLOOD: made(Tissue.TUMOUR_BLOOD, (350, 900), (35, 160)),
        Tissue.GLIOSIS: made(Tissue.GLIOSIS, (900, 1400), (105, 170)),
        Tissue.LEUKOARAIOSIS: made(Tissue.LEUKOARAIOSIS, (750, 1200), (95, 140)),
    }


def _varied(p: Properties, rng: Rng, spread: float) -> Properties:
    pd, t1, t2 = np.exp(rng.normal(0, spread, 3) * [0.5, 1.0, 1.0])
    return replace(p, pd=min(p.pd * pd, 1.0), t1_ms=(p.t1_ms[0] * t1, p.t1_ms[1] * t1), t2_ms=p.t2_ms * t2)


def draw_veins(head: Head, rng: Rng) -> Floats:
    """Veins in the sulci and over the convexity, as the share of each point of the head's grid that they fill."""
    water = fraction_of(head.shape, list(head.layers), frozenset({Tissue.CSF}))
    narrow = water * (gaussian_filter(water, 4.0 / head.step_mm) < 0.6)
    k, j, i = (-(-n // 2) + 1 for n in head.shape)
    tubes = [enlarge(grid_noise(rng, (k, j, i), (1.6, 1.6, 1.6)), head.shape, 2) for _ in range(2)]
    near = np.exp(-(tubes[0] ** 2 + tubes[1] ** 2) / np.float32(2 * rng.uniform(0.25, 0.7) ** 2))
    return np.asarray(np.clip(rng.uniform(0.7, 2.5) * near, 0, 1) * narrow, dtype=np.float32)


def acquire(take: Sampler, channel: Channel, session: Session, extra: Extra, rng: Rng) -> Volume:
    """One image."""
    look = session.looks[channel]
    values = {t: _bright(t, p, look, session, rng) for t, p in session.tissues.items()}
    grid = take.paint(values)
    grid += extra.veins * (np.float32(values[Tissue.BLOOD]) - grid)
    grid *= 1 + np.float32(0.025) * mottle(rng, take.head.shape)
    if extra.tumour.any():
        wave = np.float32(session.uneven) * extra.tumour * mottle(rng, take.head.shape, 2)
        grid *= np.maximum(1 + wave, np.float32(0.1))
    clean = take.pull(grid) * physics.bias_field(rng, take.geometry, look.bias)
    level = values[Tissue.WHITE]
    blurred = gaussian_filter(clean, (look.across, look.blur, look.blur))
    grain = rng.uniform(0.0, 0.6)
    noise = [look.noise * level * grid_noise(rng, take.geometry.shape, (0, grain, grain)) for _ in range(2)]
    noisy = np.hypot(blurred + noise[0], noise[1])
    return Volume((noisy * (WHITE_LEVEL / level)).astype(np.float32), take.geometry, channel, "", channel.value)


def _bright(tissue: Tissue, p: Properties, look: Look, session: Session, rng: Rng) -> float:
    value = signal(p, look.sequence, session.tesla) * float(np.exp(rng.normal(0, 0.04)))
    if tissue in (Tissue.BLOOD, Tissue.VESSEL) and look.sequence.contrast:
        value *= session.inflow
    return value * look.fat if tissue in FATTY else value
