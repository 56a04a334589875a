"""Who lies in the scanner, and what the scanner does: everything about a trunk that a seed decides once."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from engines.phantom.noise import Rng


class Phase(Enum):
    """When the scan was made after contrast medium went into a vein."""

    NATIVE = "native"
    ARTERIAL = "arterial"
    VENOUS = "venous"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class Tissues:
    """HU of one person in one phase, before noise."""

    muscle: float
    fat: float
    liver: float
    spleen: float
    cortex: float
    medulla: float
    pelvis: float
    aorta: float
    veins: float
    heart: float
    pancreas: float
    bowel: float
    bladder: float
    bile: float
    lung: float
    cortical: float
    marrow: float
    cartilage: float


@dataclass(frozen=True, slots=True)
class Person:
    """A body against the atlas.

    Attributes:
        scale: Size along x, y, z.
        fat_mm: Fat under the skin in front, at the sides, behind.
        visceral: 0 lean .. 1 much fat between the organs.
        waist: Factor on the girth of the abdomen.
        breath_mm: How far the diaphragm stands below its place in quiet breathing.
        female: Wider pelvis, breasts, no prostate.
        arms_up: Beside the head, not in the picture; otherwise beside the trunk.
        phase: See `Phase`.
    """

    scale: tuple[float, float, float]
    fat_mm: tuple[float, float, float]
    visceral: float
    waist: float
    breath_mm: float
    female: bool
    arms_up: bool
    phase: Phase
    tissues: Tissues


def draw_person(rng: Rng) -> Person:
    """Another adult."""
    u = rng.uniform
    size, stout = u(0.9, 1.08), u(0, 1) ** 1.4
    fat = 4 + 34 * stout
    phase = Phase(rng.choice([p.value for p in Phase], p=[0.42, 0.13, 0.33, 0.12]))
    return Person(
        (size * u(0.93, 1.05) * (1 + 0.10 * stout), size * u(0.9, 1.05) * (1 + 0.12 * stout), size * u(0.9, 1.05)),
        (fat * u(0.5, 1.2), fat * u(0.5, 1.1), fat * u(0.5, 1.2) + 2),
        float(0.7 * stout + u(0, 0.3)),
        u(0.9, 1.04) + 0.12 * stout,
        u(-15, 32),
        bool(rng.random() < 0.45),
        bool(rng.random() < 0.75),
        phase,
        _tissues(rng, phase),
    )


def _tissues(rng: Rng, phase: Phase) -> Tissues:
    u = rng.uniform
    native = {
        "muscle": u(36, 60), "fat": u(-118, -92), "liver": u(40, 66) if rng.random() < 0.8 else u(0, 42),
        "spleen": u(38, 55), "cortex": u(26, 40), "medulla": u(24, 38), "pelvis": u(0, 14), "aorta": u(30, 48),
        "veins": u(30, 48), "heart": u(34, 48), "pancreas": u(25, 45), "bowel": u(28, 45), "bladder": u(-4, 16),
        "bile": u(-2, 20), "lung": u(-890, -740), "cortical": u(300, 1000), "marrow": u(20, 250),
        "cartilage": u(70, 130),
    }  # fmt: skip
    return Tissues(**{name: value + _uptake(rng, phase, name) for name, value in native.items()})


def _uptake(rng: Rng, phase: Phase, name: str) -> float:
    """HU that contrast medium adds."""
    rows = {
        Phase.NATIVE: {},
        Phase.ARTERIAL: {
            "muscle": (2, 10), "liver": (5, 25), "spleen": (50, 110), "cortex": (100, 180), "medulla": (15, 60),
            "aorta": (180, 380), "veins": (0, 70), "heart": (110, 280), "pancreas": (40, 85), "bowel": (15, 60),
        },
        Phase.VENOUS: {
            "muscle": (8, 25), "liver": (35, 80), "spleen": (55, 95), "cortex": (110, 190), "medulla": (80, 185),
            "pelvis": (0, 25), "aorta": (80, 160), "veins": (70, 150), "heart": (70, 140), "pancreas": (35, 75),
            "bowel": (25, 70), "bladder": (0, 8),
        },
        Phase.LATE: {
            "muscle": (8, 20), "liver": (25, 50), "spleen": (35, 60), "cortex": (80, 150), "medulla": (90, 170),
            "pelvis": (200, 1500), "aorta": (50, 95), "veins": (50, 95), "heart": (45, 85), "pancreas": (20, 50),
            "bowel": (15, 45), "bladder": (0, 450),
        },
    }  # fmt: skip
    low, high = rows[phase].get(name, (0.0, 0.0))
    return float(rng.uniform(low, high))
