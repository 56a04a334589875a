"""The traits of one made-up man that his pelvis is painted from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from engines.phantom.noise import Rng

LEAST_ML, MOST_ML = 15.0, 120.0
CUBE_SHARE = 0.95
"""Volume of the gland over half-axis a times b times c times 4: what its shape leaves of an ellipsoid's 1.047."""


class Filling(Enum):
    """What the rectum holds."""

    GAS = "gas"
    STOOL = "stool"
    GEL = "gel"
    COLLAPSED = "nothing"
    COIL = "a receive coil"


@dataclass(frozen=True, slots=True)
class Gland:
    """A prostate.

    Attributes:
        half_mm: Half width, depth and height.
        inner: Width, depth and height of the inner gland as shares of the whole.
        nodules: How many, in the transition zone.
        glandular: Share of them that are bright.
        contrast: 0 (peripheral zone no brighter than the rest) .. 1 (as in the young).
        lean: How far the apex lies before the base, mm per mm.
        tumours: How many.
        median_mm: How far a median lobe stands into the bladder; 0: none.
        ring_mm: Radius of the muscle round the urethra below the lobes.
        resected: A funnel of resection opens from the bladder.
    """

    half_mm: tuple[float, float, float]
    inner: tuple[float, float, float]
    nodules: int
    glandular: float
    contrast: float
    lean: float
    tumours: int
    median_mm: float
    ring_mm: float
    resected: bool


@dataclass(frozen=True, slots=True)
class Man:
    """Everything around it.

    Attributes:
        gland: His prostate.
        scale: Size of the bony pelvis against the atlas.
        muscle: Bulk of the muscles against the atlas.
        fat_mm: Thickness of fat below the skin in front.
        bladder_ml: Urine.
        bladder_wall_mm: Its thickness.
        rectum_mm: Radius.
        filling: What the rectum holds.
        vesicle_mm: Calibre of the seminal vesicles.
        veins: 0..1, how rich the venous plexus is.
        gap_mm: Fat between prostate and pelvic floor.
    """

    gland: Gland
    scale: float
    muscle: float
    fat_mm: float
    bladder_ml: float
    bladder_wall_mm: float
    rectum_mm: float
    filling: Filling
    vesicle_mm: float
    veins: float
    gap_mm: float


def draw_man(rng: Rng) -> Man:
    """Draw the traits."""
    filling = list(Filling)[int(rng.choice(5, p=[0.25, 0.28, 0.09, 0.34, 0.04]))]
    calibre = {Filling.COLLAPSED: rng.uniform(8, 15), Filling.COIL: rng.uniform(17, 22)}
    radius = calibre.get(filling, rng.uniform(10, 20))
    gland = _draw_gland(rng)
    return Man(
        gland=gland,
        scale=float(np.clip(rng.normal(1.0, 0.05), 0.88, 1.12)),
        muscle=float(np.clip(rng.normal(1.0, 0.13), 0.7, 1.3)),
        fat_mm=float(rng.uniform(8, 35)),
        bladder_ml=float(np.exp(rng.uniform(np.log(40), np.log(550)))),
        bladder_wall_mm=float(np.clip(rng.gamma(6.0, 0.75), 2.5, 9.0)),
        rectum_mm=float(radius),
        filling=filling,
        vesicle_mm=float(rng.uniform(3.0, 9.0)),
        veins=float(rng.beta(1.6, 1.6)),
        gap_mm=float(rng.uniform(0.5, 6.0)),
    )


def _draw_gland(rng: Rng) -> Gland:
    volume = float(np.clip(np.exp(rng.normal(np.log(44), 0.5)), LEAST_ML + 1, MOST_ML - 4))
    growth = float(np.clip((volume - 18) / 60 + rng.normal(0, 0.16), 0, 1))
    ratios = np.array([1.24, 0.86 + 0.1 * growth, 1.02]) * np.exp(rng.normal(0, [0.05, 0.06, 0.07]))
    unit = (volume * 1000 / (4 * CUBE_SHARE * float(np.prod(ratios)))) ** (1 / 3)
    inner = np.array([0.5, 0.58, 0.66]) + growth * np.array([0.36, 0.24, 0.2])
    inner = np.clip(inner + rng.normal(0, [0.05, 0.05, 0.05]), 0.36, [0.88, 0.86, 0.88])
    a, b, c = (float(v) for v in unit * ratios)
    x, y, z = (float(v) for v in inner)
    return Gland(
        half_mm=(a, b, c),
        inner=(x, y, z),
        nodules=int(rng.poisson(2 + 26 * growth)),
        glandular=float(rng.beta(1.8, 2.2)),
        contrast=float(rng.beta(4.0, 1.1)),
        lean=float(rng.normal(0.05, 0.09)),
        tumours=int(rng.choice(4, p=[0.58, 0.27, 0.1, 0.05])),
        median_mm=float(rng.uniform(2, 11)) if growth > 0.4 and rng.random() < 0.2 else 0.0,
        ring_mm=float(rng.uniform(3.5, 8.5)),
        resected=bool(rng.random() < 0.05),
    )
