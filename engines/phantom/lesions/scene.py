"""What lesion painters share: the canvas, where brain and water are, and growing a field to a wanted size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engines.phantom.anatomy.envelope import Envelope
from engines.phantom.canvas import Canvas, Points, Window
from engines.phantom.lesions.plan import LesionSpec, Side
from engines.phantom.noise import Rng
from engines.phantom.person import Person
from engines.phantom.tissue import Tissue
from inference.volume import Floats

PARENCHYMA = frozenset(
    {Tissue.GREY, Tissue.WHITE, Tissue.TRACT, Tissue.CAUDATE, Tissue.PALLIDUM, Tissue.THALAMUS, Tissue.STEM}
    | {Tissue.FOLIA, Tissue.LEUKOARAIOSIS, Tissue.GLIOSIS, Tissue.INFARCT_RIM, Tissue.OEDEMA}
)
WHITE = frozenset({Tissue.WHITE, Tissue.TRACT, Tissue.LEUKOARAIOSIS})
WATER = frozenset({Tissue.CSF})


@dataclass(slots=True, eq=False)
class Scene:
    """A head under the brush."""

    canvas: Canvas
    person: Person
    envelope: Envelope
    rng: Rng
    parenchyma: Floats
    white: Floats
    water: Floats
    _seen: int = 0

    def look(self) -> None:
        """Bring the fractions of brain and water up to date with what was painted."""
        for layer in self.canvas.layers[self._seen :]:
            part = layer.fraction()
            for total, wanted in ((self.parenchyma, PARENCHYMA), (self.white, WHITE), (self.water, WATER)):
                here = total[layer.window]
                here += part * (np.float32(layer.tissue in wanted) - here)
        self._seen = len(self.canvas.layers)

    def around(self, centre: tuple[float, float, float], reach_mm: float) -> Window:
        """Window of a ball in atlas mm (one side only)."""
        low = tuple(c - reach_mm for c in centre)
        high = tuple(c + reach_mm for c in centre)
        return self.canvas.box((low[0], low[1], low[2]), (high[0], high[1], high[2]))

    def grow(self, field: Floats, room: Floats, ml: float, softness: float = 1.0) -> Floats:
        """Cover 0..1 of `field > t` inside `room`, with t such that it holds `ml`; less if there is no room."""
        ramp = np.float32(softness / self.canvas.step_mm)
        voxel = self.canvas.step_mm**3 / 1000
        low, high = float(field.min()) - 3, float(field.max()) + 3
        inside = room > 0.004
        level, space = field[inside], room[inside]
        for _ in range(20):
            middle = 0.5 * (low + high)
            if float((np.clip((level - np.float32(middle)) * ramp + 0.5, 0, 1) * space).sum()) * voxel > ml:
                low = middle
            else:
                high = middle
        return np.asarray(np.clip((field - np.float32(high)) * ramp + 0.5, 0, 1) * room, dtype=np.float32)


def draw_side(rng: Rng, spec: LesionSpec) -> float:
    """+1 left, -1 right."""
    if spec.side is Side.ANY:
        return 1.0 if rng.random() < 0.5 else -1.0
    return 1.0 if spec.side is Side.LEFT else -1.0


def radial(p: Points, centre: tuple[float, float, float], stretch: tuple[float, float, float]) -> Floats:
    """Minus the distance in mm from `centre`, squeezed by `stretch` along x, y, z (signed x)."""
    parts = [(a - c) / s for a, c, s in zip((p.left, p.y, p.z), centre, stretch, strict=True)]
    return np.asarray(-np.sqrt(sum(a * a for a in parts)), dtype=np.float32)
