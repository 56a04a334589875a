"""How a bone is painted: a dense shell round marrow."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engines.phantom.noise import Rng
from engines.phantom.shapes import Knot
from engines.phantom.trunk.canvas import Canvas, Places
from engines.phantom.trunk.person import Person
from engines.phantom.trunk.solids import Part, profile, tube
from engines.phantom.trunk.torso import SPINE_Y
from inference.volume import Floats

BONE = 5
LEVELS = (-16, 18, 52, 86, 119, 150, 179, 206, 232, 257, 281, 304, 326, 347, 367, 386, 404, 420, 435, 450)
"""Height of the middle of every vertebra, L5 up to C5."""
LOWEST_RIB, HIGHEST_RIB = 5, 16
"""Places of T12 and T1 in `LEVELS`."""


class Bones:
    """Paints shells and marrow of one person."""

    def __init__(self, canvas: Canvas, person: Person, rng: Rng) -> None:
        self.canvas = canvas
        self._hu, self._rng = person.tissues, rng
        self._shell_mm = float(rng.uniform(0.7, 2.3))

    def solid(self, part: Part | None, shell: float = 1.0, dense: float = 1.0) -> None:
        """One bone, from its signed distance.

        Args:
            shell, dense: Factors on the shell's thickness and on all HU.
        """
        if part is None:
            return
        at, inside = part
        self.canvas.paint(at, inside, self._hu.cortical * dense, BONE)
        marrow = self._hu.marrow * dense * (1 + 0.25 * self._grain(at))
        self.canvas.paint(at, inside - np.float32(self._shell_mm * shell), marrow, None)

    def chain(self, knots: Sequence[Knot], shell: float = 1.0, dense: float = 1.0) -> None:
        """A bone along a curve: all of its shell first, so that its marrow is one room."""
        parts = list(tube(self.canvas, knots))
        for at, inside in parts:
            self.canvas.paint(at, inside, self._hu.cortical * dense, BONE)
        for at, inside in parts:
            self.canvas.paint(at, inside - np.float32(self._shell_mm * shell), self._hu.marrow * dense, None)

    def _grain(self, at: Places) -> Floats:
        noise: Floats = self._rng.standard_normal(at.x.shape, dtype=np.float32)
        return noise


def spine_y(z: float) -> float:
    """Where a vertebral body's middle lies."""
    return float(profile(np.array([z], dtype=np.float32), SPINE_Y)[0][0])


def on(side: float, knots: Sequence[Knot]) -> list[Knot]:
    """Knots given on the left, on that side (-1 or 1), or further out by a factor."""
    return [(side * x, y, z, r) for x, y, z, r in knots]
