"""What a scanner makes of a tissue: spin echo, inversion recovery and diffusion weighting.

Bernstein, King, Zhou: Handbook of MRI Pulse Sequences (2004), 14.1 to 14.3 and 9.1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from engines.phantom.noise import Rng
from engines.phantom.tissue import PROPERTIES, Properties, Tissue
from inference.volume import Channel

B_VALUE = 1000.0
FAT_LEFT = 0.07
FATTY = frozenset({Tissue.FAT, Tissue.DIPLOE})


@dataclass(frozen=True, slots=True)
class Sequence:
    """Timing in ms; `ti` is None without inversion. `b` in s/mm2."""

    tr: float
    te: float
    ti: float | None = None
    b: float = 0.0
    fat_suppressed: bool = False
    contrast: bool = False


@dataclass(frozen=True, slots=True)
class Scanner:
    """One MR scanner and its protocol.

    Attributes:
        tesla: 1.5 or 3.0.
        sequences: Timing of T1, T1C, T2, FLAIR and DWI.
        noise: Standard deviation of each receive channel over the white matter signal.
        bias: Strength of the receive field, about the relative standard deviation in the head.
        spread: Random factor of every tissue's PD, T1, T2 and ADC (log standard deviation).
    """

    tesla: float
    sequences: dict[Channel, Sequence]
    noise: float
    bias: float
    spread: float = 0.0


def standard_scanner() -> Scanner:
    """A 3 T clinical protocol."""
    return Scanner(
        3.0,
        {
            Channel.T1: Sequence(560, 10),
            Channel.T1C: Sequence(560, 10, contrast=True),
            Channel.T2: Sequence(5000, 98),
            Channel.FLAIR: Sequence(9000, 110, ti=2480),
            Channel.DWI: Sequence(6500, 80, b=B_VALUE, fat_suppressed=True),
        },
        noise=0.035,
        bias=0.10,
    )


def draw_scanner(rng: Rng) -> Scanner:
    """Another vendor, field and protocol, as a seed decides."""
    base = standard_scanner()
    tesla = 1.5 if rng.random() < 0.45 else 3.0
    sequences = {
        channel: replace(s, tr=s.tr * rng.uniform(0.75, 1.45), te=s.te * rng.uniform(0.85, 1.15))
        for channel, s in base.sequences.items()
    }
    inversion = _nulling_time(sequences[Channel.FLAIR].tr, tesla) * rng.uniform(0.96, 1.04)
    sequences[Channel.FLAIR] = replace(sequences[Channel.FLAIR], ti=inversion)
    return Scanner(tesla, sequences, float(rng.uniform(0.015, 0.085)), float(rng.uniform(0.04, 0.22)), 0.05)


def _nulling_time(tr: float, tesla: float) -> float:
    t1 = PROPERTIES[Tissue.CSF].t1_ms[tesla > 2]
    return float(t1 * (np.log(2) - np.log1p(np.exp(-tr / t1))))


def signal(tissue: Properties, sequence: Sequence, tesla: float) -> float:
    """Magnitude for unit receive gain.

    |PD (1 - exp(-TR/T1)) exp(-TE/T2) exp(-b ADC)|, with inversion |1 - 2 exp(-TI/T1) + exp(-TR/T1)|.
    """
    t1 = tissue.t1_ms[tesla > 2] * (tissue.enhances if sequence.contrast else 1.0)
    recovered = 1 - np.exp(-sequence.tr / t1)
    if sequence.ti is not None:
        recovered = 1 - 2 * np.exp(-sequence.ti / t1) + np.exp(-sequence.tr / t1)
    decayed = np.exp(-sequence.te / tissue.t2_ms) * np.exp(-sequence.b * 1e-3 * tissue.adc)
    return float(abs(tissue.pd * recovered * decayed))


def signals(sequence: Sequence, scanner: Scanner, rng: Rng | None = None) -> dict[Tissue, float]:
    """The signal of every tissue; `rng` lets tissues differ from person to person by `scanner.spread`."""
    found = {}
    for tissue, properties in PROPERTIES.items():
        person = properties if rng is None else _vary(properties, scanner.spread, rng)
        value = signal(person, sequence, scanner.tesla)
        found[tissue] = value * FAT_LEFT if sequence.fat_suppressed and tissue in FATTY else value
    return found


def _vary(p: Properties, spread: float, rng: Rng) -> Properties:
    pd, t1, t2, adc = np.exp(rng.normal(0, spread, 4) * [0.5, 1.0, 1.0, 1.0])
    return replace(
        p,
        pd=min(p.pd * pd, 1.0),
        t1_ms=(p.t1_ms[0] * t1, p.t1_ms[1] * t1),
        t2_ms=p.t2_ms * t2,
        adc=min(p.adc * adc, 3.2),
    )
