"""Smears drawn here: discs of known place and colour on a bright background."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

GLASS = (205, 208, 204)
RED, PURPLE = (205, 150, 145), (120, 80, 190)
RADII = {"Platelets": 18, "RBC": 52, "WBC": 95}


@dataclass(frozen=True)
class Disc:
    """Centre in pixel edges (x right, y down)."""

    kind: str
    x: float
    y: float

    @property
    def box(self) -> NDArray[np.float64]:
        r = RADII[self.kind]
        return np.array([self.x - r, self.y - r, self.x + r, self.y + r], dtype=np.float64)


SCENE = (
    Disc("RBC", 90, 80),
    Disc("RBC", 250, 70),
    Disc("WBC", 450, 130),
    Disc("RBC", 100, 330),
    Disc("Platelets", 260, 250),
    Disc("RBC", 420, 370),
)


def draw(
    discs: Sequence[Disc], size: tuple[int, int] = (480, 640), seed: int = 0, noise: float = 2.0
) -> NDArray[np.uint8]:
    """uint8 [j, i, 3]: discs one over the other, slightly blurred, with a camera's noise."""
    pixels = np.broadcast_to(np.array(GLASS, dtype=np.float64), (*size, 3)).copy()
    y, x = np.mgrid[: size[0], : size[1]] + 0.5
    for disc in discs:
        inside = (x - disc.x) ** 2 + (y - disc.y) ** 2 <= RADII[disc.kind] ** 2
        pixels[inside] = RED if disc.kind == "RBC" else PURPLE
    soft = ndimage.gaussian_filter(pixels, (1.0, 1.0, 0.0))
    return np.clip(soft + np.random.default_rng(seed).normal(0, noise, soft.shape), 0, 255).astype(np.uint8)
