"""The traits of one made-up person: size, shape, age and how the head lies in the scanner."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engines.phantom.noise import Rng

Triple = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Person:
    """Traits, all drawn from one seed.

    Attributes:
        scale: Head size against the atlas along x, y, z.
        atrophy: 0 (young) .. 1 (old): widens sulci and ventricles.
        ventricles: Extra factor on ventricle calibre.
        cortex_mm: Thickness of the cortical ribbon.
        gap_mm: Space between brain and inner table.
        skull_mm: Mean thickness of the vault.
        scalp_mm: Mean thickness of skin, fat and galea.
        sinus: 0 (none) .. 1 (large) frontal sinus.
        leukoaraiosis: 0..1, white matter changes of age.
        calcium: (pineal, left plexus, right plexus) radii in mm, 0 = none.
        angles_deg: Pitch (x), roll (y), yaw (z) of the head in the scanner.
        shift_mm: Head centre in the scanner, LPS.
    """

    scale: Triple
    atrophy: float
    ventricles: float
    cortex_mm: float
    gap_mm: float
    skull_mm: float
    scalp_mm: float
    sinus: float
    leukoaraiosis: float
    calcium: Triple
    angles_deg: Triple
    shift_mm: Triple


def draw_person(rng: Rng) -> Person:
    """Draw the traits."""
    size = rng.normal(1.0, 0.035)
    atrophy = float(rng.beta(1.6, 1.7))
    shape = rng.normal(0, 0.025, 3)
    return Person(
        scale=_triple(np.clip(size * (1 + shape), 0.88, 1.12)),
        atrophy=atrophy,
        ventricles=float(np.clip(rng.normal(0.85 + 0.5 * atrophy, 0.14), 0.6, 1.7)),
        cortex_mm=float(rng.uniform(2.1, 2.7)),
        gap_mm=float(0.9 + 2.3 * atrophy * rng.uniform(0.6, 1.2)),
        skull_mm=float(np.clip(rng.normal(6.3, 1.2), 4.0, 9.5)),
        scalp_mm=float(np.clip(rng.normal(6.0, 1.3), 3.5, 10.0)),
        sinus=float(rng.uniform(0, 1)),
        leukoaraiosis=float(max(0.0, atrophy - 0.35) * rng.uniform(0, 1.3)),
        calcium=_triple(rng.uniform([0.5, 0.0, 0.0], [3.2, 3.6, 3.6]) * (rng.random(3) < [0.75, 0.6, 0.6])),
        angles_deg=_triple(rng.normal(0, 1, 3) * [6.0, 3.0, 4.0]),
        shift_mm=_triple(rng.normal(0, 1, 3) * [4.0, 6.0, 5.0]),
    )


def _triple(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Triple:
    return float(values[0]), float(values[1]), float(values[2])
