"""What is wrong with the head: kinds, sizes and sides asked for, and what was made of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from engines.phantom.canvas import Window
from engines.phantom.lesions.growth import Growth
from engines.phantom.noise import Rng

Point = tuple[float, float, float]


class LesionKind(Enum):
    """Kinds of lesion."""

    INFARCT = "infarct"
    INFARCT_OLD = "old infarct"
    SHINE_THROUGH = "T2 shine-through"
    EDH = "EDH"
    IPH = "IPH"
    IVH = "IVH"
    SAH = "SAH"
    SDH = "SDH"
    TUMOUR = "tumour"


HAEMORRHAGES = (LesionKind.EDH, LesionKind.IPH, LesionKind.IVH, LesionKind.SAH, LesionKind.SDH)
LABELS = {kind: number for number, kind in enumerate(LesionKind, start=1)}


class Side(Enum):
    """Where in the patient; LEFT is x > 0 in LPS."""

    LEFT = "L"
    RIGHT = "R"
    ANY = ""


@dataclass(frozen=True, slots=True)
class LesionSpec:
    """One lesion asked for.

    Attributes:
        kind: What it is.
        ml: Wanted size; what the anatomy has no room for stays smaller.
        side: Wanted side.
        growth: Of a tumour whose parts are told apart.
    """

    kind: LesionKind
    ml: float
    side: Side = Side.ANY
    growth: Growth | None = None


@dataclass(frozen=True, slots=True)
class LesionPlan:
    """All lesions of one head, in painting order."""

    specs: tuple[LesionSpec, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Lesion:
    """One lesion as made.

    Attributes:
        label: Its value in a truth mask (one label per kind).
        kind: What it is.
        ml: Integral of its cover over the head's grid.
        side: "L", "R", or "M" within 5 mm of the midline.
        centroid_lps_mm: Centre of gravity in the patient.
        box_lps_mm: Smallest and largest corner, axis-aligned in LPS.
        window: Where on the head's grid.
        cover: uint8, 255 = all lesion.
    """

    label: int
    kind: LesionKind
    ml: float
    side: str
    centroid_lps_mm: Point
    box_lps_mm: tuple[Point, Point]
    window: Window
    cover: NDArray[np.uint8]


def draw_infarcts(rng: Rng) -> LesionPlan:
    """A stroke patient: most lesions small, sometimes many, with old scars and shine-through beside them."""
    specs: list[LesionSpec] = []
    for _ in range(int(rng.choice([0, 1, 2], p=[0.45, 0.35, 0.2]))):
        specs.append(LesionSpec(LesionKind.INFARCT_OLD, _log(rng, 0.3, 40)))
    for _ in range(int(rng.choice([0, 1, 3, 6], p=[0.3, 0.3, 0.25, 0.15]))):
        specs.append(LesionSpec(LesionKind.SHINE_THROUGH, _log(rng, 0.05, 4)))
    fresh = int(rng.choice([0, 1, 2, 4, 8, 14], p=[0.05, 0.42, 0.2, 0.15, 0.1, 0.08]))
    side = Side.LEFT if rng.random() < 0.5 else Side.RIGHT
    for number in range(fresh):
        large = 200 if number == 0 else 6
        wanted = side if rng.random() < 0.7 else Side.ANY
        specs.append(LesionSpec(LesionKind.INFARCT, _log(rng, 0.03, large), wanted))
    return LesionPlan(tuple(specs))


def draw_bleeds(rng: Rng) -> LesionPlan:
    """A bleeding patient: one to three kinds together."""
    sizes = {
        LesionKind.EDH: (6, 90),
        LesionKind.SDH: (14, 110),
        LesionKind.IPH: (0.8, 80),
        LesionKind.IVH: (1.0, 35),
        LesionKind.SAH: (4, 35),
    }
    count = int(rng.choice([1, 2, 3], p=[0.55, 0.3, 0.15]))
    kinds = rng.choice(len(HAEMORRHAGES), size=count, replace=False)
    return LesionPlan(tuple(LesionSpec(HAEMORRHAGES[k], _log(rng, *sizes[HAEMORRHAGES[k]])) for k in sorted(kinds)))


def draw_mixed(rng: Rng) -> LesionPlan:
    """Anything a reader may meet, or nothing."""
    roll = rng.random()
    if roll < 0.3:
        return LesionPlan()
    if roll < 0.6:
        return draw_infarcts(rng)
    if roll < 0.8:
        return draw_bleeds(rng)
    return LesionPlan((LesionSpec(LesionKind.TUMOUR, _log(rng, 2, 60)),))


def _log(rng: Rng, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))
