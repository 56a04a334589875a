"""DWI and ADC of a piece of a head, scanned as no two scanners do: contrast, coils, air, thick slices and noise drawn.

The physics stays: both pictures come from a b = 0 and a b-weighted signal of the same mixed voxels (SynthSeg's idea,
Billot et al. 2023, with the tissues' own T2 and ADC as the middle of what is drawn).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from engines.phantom.signal import Sequence, signal
from engines.phantom.tissue import PROPERTIES, Tissue
from engines.phantom.training import STROKE_TISSUES
from engines.training.painted_lesions import Painted, painted
from engines.training.random_fields import blurred, log_uniform, smooth_field, uniform
from inference.steps.normalise import RELATIVE

FIRST = [next(iter(sorted(group, key=lambda t: t.value))) for group in STROKE_TISSUES]
OUTSIDE = frozenset({Tissue.AIR, Tissue.PETROUS, Tissue.MUSCLE, Tissue.VITREOUS})
FRESH = frozenset({Tissue.INFARCT_RIM, Tissue.INFARCT_ACUTE, Tissue.INFARCT_SUBACUTE})
RESTRICTED = frozenset({Tissue.TRACT, Tissue.THALAMUS, Tissue.STEM, Tissue.FOLIA})
"""Dense healthy tissue that may look brighter and slower than the rest, all of it together."""

WET = frozenset({Tissue.CSF, Tissue.PLEXUS, Tissue.INFARCT_OLD})


def _positions(wanted: frozenset[Tissue]) -> list[int]:
    return [n for n, group in enumerate(STROKE_TISSUES) if group & wanted]


AIRY = _positions(frozenset({Tissue.AIR}))
CSF, GREY, WHITE = (_positions(frozenset({t}))[0] for t in (Tissue.CSF, Tissue.GREY, Tissue.WHITE))
LESIONS = _positions(FRESH | {Tissue.INFARCT_OLD, Tissue.GLIOSIS})
BRAIN = [n for n in range(len(STROKE_TISSUES)) if n not in _positions(OUTSIDE)]
PARENCHYMA = [n for n in BRAIN if n not in _positions(WET)]


@dataclass(frozen=True, slots=True, eq=False)
class Contrast:
    """Signals of the tissues, [tissue]: without diffusion weighting, and their ADC in 1e-3 mm2/s."""

    still: Tensor
    adc: Tensor

    def level(self) -> float:
        """Weighted signal of the commonest voxel of a head: healthy brain with a little water in it."""
        weighted = self.still * torch.exp(-self.adc)
        return 0.95 * float(0.45 * weighted[GREY] + 0.55 * weighted[WHITE])

    def normal_adc(self) -> float:
        """ADC of the commonest voxel."""
        return float(0.4 * self.adc[GREY] + 0.6 * self.adc[WHITE])


def scanned(tissues: Tensor, cover: Tensor, brain: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Channels [2, k, j, i] as the network is given them, and the cover [k, j, i] of fresh infarct.

    Args:
        tissues: [tissue, k, j, i], 0..1, in the order of STROKE_TISSUES.
        cover: [k, j, i], 0..1: the head's own fresh infarcts.
        brain: bool [k, j, i]: what inference takes for brain.
    """
    tissues = _narrow_sulci(tissues, rng)
    contrast = _contrast(rng)
    room = tissues[PARENCHYMA].sum(0)
    free = 1.0 - (tissues[LESIONS].sum(0) * 3).clamp(0, 1)
    new = painted(room, free, rng)
    still, weighted = _signals(tissues, contrast, new, rng)
    gain, excess = _rims(tissues, brain, rng)
    gain = gain * torch.exp(uniform(rng, 0.0, 0.25) * smooth_field(rng, brain.shape, int(rng.integers(1, 4))))
    level = contrast.level() * float(gain[brain].median() if brain.any() else 1.0)
    dwi, adc = _acquired(still * gain, weighted * gain * excess, level, rng)
    if rng.random() < 0.4:
        skull_stripped = tissues[BRAIN].sum(0) > uniform(rng, 0.35, 0.8)
        dwi, adc = dwi * skull_stripped, adc * skull_stripped
    channels = torch.stack([dwi / (level * _about(rng, 0.08)), _relative_adc(adc, contrast, rng)]) - 1.0
    return torch.where(brain, channels.clamp(*RELATIVE), 0.0), torch.maximum(cover, new.cover * room)


def _narrow_sulci(tissues: Tensor, rng: np.random.Generator) -> Tensor:
    """Young brains show less water than the digital heads: some of it becomes cortex."""
    if rng.random() < 0.5:
        given = tissues[CSF] * (1 - tissues[CSF] ** 3) * uniform(rng, 0.2, 1.0)
        tissues = tissues.clone()
        tissues[CSF] -= given
        tissues[GREY] += given
    return tissues


def _contrast(rng: np.random.Generator) -> Contrast:
    tesla = 1.5 if rng.random() < 0.5 else 3.0
    timing = Sequence(uniform(rng, 3500, 9000), uniform(rng, 60, 105))
    spread = uniform(rng, 0.02, 0.12)
    still, adc = [], []
    for tissue in FIRST:
        healthy = PROPERTIES[tissue]
        still.append(signal(healthy, timing, tesla) * _about(rng, 1.3 * spread))
        adc.append(min(healthy.adc * _about(rng, spread), 3.4))
    numbers = torch.tensor(still), torch.tensor(adc)
    numbers[0][AIRY] = 0.0
    brighter = log_uniform(rng, 0.95, 1.5)
    for n in _positions(FRESH):
        numbers[0][n] *= brighter
    for n in _positions(RESTRICTED):
        numbers[0][n] *= float(np.exp(rng.normal(0.05, 0.1)))
        numbers[1][n] *= float(np.exp(rng.normal(-0.08, 0.09)))
    return Contrast(*numbers)


def _about(rng: np.random.Generator, spread: float) -> float:
    return float(np.exp(rng.normal(0.0, spread)))


def _signals(tissues: Tensor, contrast: Contrast, new: Painted, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """b = 0 and weighted signal [k, j, i] of mixed voxels, with the painted lesions in the tissue's share of them."""
    still = tissues * contrast.still[:, None, None, None]
    weighted = still * torch.exp(-contrast.adc)[:, None, None, None]
    part = torch.zeros(len(tissues), dtype=torch.bool)
    part[PARENCHYMA] = True
    drift = 1 + uniform(rng, 0.0, 0.1) * smooth_field(rng, new.adc.shape, int(rng.integers(2, 6)))
    slower = torch.exp(contrast.normal_adc() * (1 - new.adc * drift))
    texture = 1 + uniform(rng, 0.0, 0.05) * smooth_field(rng, new.t2.shape, 16)
    pair = []
    for both, factor in ((still, new.t2), (weighted, new.t2 * slower)):
        pair.append((both[part].sum(0) * factor + both[~part].sum(0)) * texture)
    return pair[0], pair[1]


def _rims(tissues: Tensor, brain: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Where echo-planar images pile signal up, beside air and at the brain's edge: gain of both, of the weighted one.

    The weighted image is bent otherwise than the one without, which feigns a lower ADC there.
    """
    shape = brain.shape
    gain, excess = torch.ones(shape), torch.ones(shape)
    air = F.avg_pool3d(tissues[AIRY].sum(0)[None, None], 7, 1, 3)[0, 0]
    for where, chance, most in ((air / 0.12, 0.7, 1.2), (_edge(brain), 0.5, 0.8)):
        if rng.random() < chance:
            patches = (uniform(rng, -0.6, 0.8) + smooth_field(rng, shape, int(rng.integers(5, 10)))).clamp(min=0)
            here = where.clamp(0, 1) * patches
            gain = gain * (1 + here * uniform(rng, 0.1, most))
            excess = excess * (1 + here * uniform(rng, 0.0, 0.45))
    return gain * (1 - ((air - 0.22) / 0.2).clamp(0, 0.8)), excess


def _edge(brain: Tensor) -> Tensor:
    """1 within four voxels of the brain's border, 0 elsewhere."""
    return brain.float() - (1 - F.max_pool3d(1 - brain.float()[None, None], 9, 1, 4)[0, 0])


def _acquired(still: Tensor, weighted: Tensor, level: float, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """DWI and ADC as a scanner stores them, back on the tile's grid: slices, shift, noise, the logarithm."""
    pair = torch.stack([still, weighted])
    if rng.random() < 0.5:
        pair = blurred(pair, uniform(rng, 0.1, 1.0))
    if rng.random() < 0.4:
        pair[0] = _shifted(pair[0], uniform(rng, 0.05, 0.5), rng)
    size = pair.shape[1]
    thick = int(rng.integers(2, 4)) if rng.random() < 0.5 else 1
    start = int(rng.integers(thick))
    if thick > 1:
        around = (0, 0, 0, 0, start, (-size - start) % thick)
        pair = F.avg_pool3d(F.pad(pair[None], around, mode="replicate"), (thick, 1, 1))[0]
    sigma = uniform(rng, 0.01, 0.10) * level
    noise = torch.from_numpy(rng.standard_normal((2, *pair.shape), dtype=np.float32)) * sigma
    if rng.random() < 0.6:
        noise = 2.0 * torch.stack([blurred(part, 0.8) for part in noise])
    pair = torch.hypot(pair + noise[0], noise[1])
    adc = torch.log(pair[0].clamp(min=1e-6) / pair[1].clamp(min=1e-6)).clamp(0.0, 4.5)
    both = torch.stack([pair[1], adc])
    if thick > 1:
        long = both.shape[1] * thick
        both = F.interpolate(both[None], size=(long, *both.shape[2:]), mode="trilinear", align_corners=False)[0]
        both = both[:, start : start + size]
    return both[0], both[1]


def _shifted(picture: Tensor, voxels: float, rng: np.random.Generator) -> Tensor:
    """Moved by part of a voxel along one axis, as eddy currents do between two echo-planar images."""
    way = 1 if rng.random() < 0.5 else -1
    return (1 - voxels) * picture + voxels * torch.roll(picture, way, int(rng.integers(1, 3)))


def _relative_adc(adc: Tensor, contrast: Contrast, rng: np.random.Generator) -> Tensor:
    """Over healthy tissue's; the two images may differ in gain or echo time, which adds a constant to all of it."""
    more = uniform(rng, -0.15, 0.45) if rng.random() < 0.3 else 0.0
    return (adc + more) / ((1.04 * contrast.normal_adc() + more) * _about(rng, 0.06))
