"""What a pelvis is made of, and how bright each of it is on T2-weighted turbo spin echo.

Relaxation follows de Bazelaire et al. 2004 (Radiology 230:652, table 2) for muscle, marrow and prostate, and Gibbs et
al. 2001 (Magn Reson Med 46:1054) for the zones and tumours, rounded; the rest is judged from pictures.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

import numpy as np

from engines.phantom.noise import Rng
from engines.phantom.signal import Sequence, signal
from engines.phantom.tissue import Properties

FIELDS_TESLA = (1.5, 3.0)


class Stuff(Enum):
    """One material of the pelvis."""

    AIR = "air"
    SKIN = "skin"
    FAT = "fat"
    MUSCLE = "muscle"
    LEVATOR = "levator"
    CORTEX = "cortex"
    MARROW = "marrow"
    PUBIS = "pubis"
    JOINT = "joint"
    VESSEL = "vessel"
    VEIN = "vein"
    FASCIA = "fascia"
    URINE = "urine"
    BLADDER = "bladder wall"
    RECTUM = "rectal wall"
    MUCOSA = "mucosa"
    STOOL = "stool"
    GEL = "gel"
    VESICLE = "vesicle fluid"
    DUCT_WALL = "duct wall"
    PERIPHERAL = "peripheral zone"
    STROMA = "transition zone stroma"
    GLANDULAR = "glandular nodule"
    STROMAL = "stromal nodule"
    CENTRAL = "central zone"
    ANTERIOR = "anterior fibromuscular stroma"
    CAPSULE = "capsule"
    URETHRA = "urethra"
    TUMOUR = "tumour"
    BULB = "penile bulb"


Signals = Mapping[Stuff, float]

_PROPERTIES: dict[Stuff, tuple[float, tuple[float, float], float]] = {
    Stuff.AIR: (0.0, (1000, 1000), 1),
    Stuff.SKIN: (0.6, (900, 1100), 45),
    Stuff.FAT: (0.82, (290, 370), 135),
    Stuff.MUSCLE: (0.78, (1000, 1350), 41),
    Stuff.LEVATOR: (0.78, (1000, 1350), 45),
    Stuff.CORTEX: (0.06, (900, 1000), 6),
    Stuff.MARROW: (0.78, (330, 450), 130),
    Stuff.PUBIS: (0.7, (430, 540), 105),
    Stuff.JOINT: (0.9, (1500, 2000), 110),
    Stuff.VESSEL: (0.1, (1300, 1600), 50),
    Stuff.VEIN: (0.85, (1300, 1600), 150),
    Stuff.FASCIA: (0.55, (900, 1100), 36),
    Stuff.URINE: (1.0, (3500, 4000), 900),
    Stuff.BLADDER: (0.78, (1100, 1400), 50),
    Stuff.RECTUM: (0.8, (1000, 1300), 64),
    Stuff.MUCOSA: (0.85, (1100, 1400), 100),
    Stuff.STOOL: (0.6, (800, 1000), 60),
    Stuff.GEL: (0.95, (2500, 3000), 400),
    Stuff.VESICLE: (0.95, (1800, 2200), 260),
    Stuff.DUCT_WALL: (0.75, (1100, 1400), 50),
    Stuff.PERIPHERAL: (0.88, (1350, 1600), 175),
    Stuff.STROMA: (0.82, (1200, 1450), 74),
    Stuff.GLANDULAR: (0.88, (1350, 1650), 135),
    Stuff.STROMAL: (0.8, (1150, 1400), 58),
    Stuff.CENTRAL: (0.82, (1200, 1450), 72),
    Stuff.ANTERIOR: (0.78, (1100, 1400), 45),
    Stuff.CAPSULE: (0.7, (1000, 1300), 42),
    Stuff.URETHRA: (0.88, (1300, 1600), 125),
    Stuff.TUMOUR: (0.84, (1250, 1500), 80),
    Stuff.BULB: (0.9, (1400, 1700), 170),
}
_SPREAD = 0.11
_PERSONAL = frozenset({Stuff.PERIPHERAL, Stuff.STROMA, Stuff.CENTRAL, Stuff.VESICLE, Stuff.MARROW, Stuff.PUBIS})


def draw_signals(rng: Rng) -> Signals:
    """The signal of everything at one scanner and in one man, fat at about 1."""
    tesla = float(rng.choice(FIELDS_TESLA))
    sequence = Sequence(tr=float(rng.uniform(3200, 7500)), te=float(rng.uniform(85, 135)))
    found = {stuff: signal(_drawn(stuff, rng), sequence, tesla) for stuff in Stuff}
    # Long echo trains keep fat brighter than single echoes would.
    found[Stuff.FAT] *= float(rng.uniform(0.75, 1.3))
    found[Stuff.MARROW] *= float(rng.uniform(0.9, 1.3))
    level = found[Stuff.FAT]
    return {stuff: value / level for stuff, value in found.items()}


def _drawn(stuff: Stuff, rng: Rng) -> Properties:
    density, t1, t2 = _PROPERTIES[stuff]
    spread = _SPREAD * (1.4 if stuff in _PERSONAL else 1.0)
    factor = np.exp(np.clip(rng.normal(0, spread, 2), -2 * spread, 2 * spread))
    return Properties(0.0, density, (t1[0] * factor[0], t1[1] * factor[0]), float(t2 * factor[1]), 0.0)
