"""A glioma: a rim that enhances, necrosis inside, fingers of oedema in the white matter round it."""

from __future__ import annotations

import numpy as np

from engines.phantom.canvas import Window
from engines.phantom.lesions.plan import LesionSpec
from engines.phantom.lesions.scene import Scene, draw_side, radial
from engines.phantom.noise import Rng, band_noise, slow
from engines.phantom.tissue import Tissue
from inference.volume import Floats


def tumour_centre(rng: Rng, spec: LesionSpec) -> tuple[float, float, float]:
    """Where it lies; the first draws of its painter."""
    return draw_side(rng, spec) * rng.uniform(20, 42), rng.uniform(-42, 66), rng.uniform(2, 42)


def paint_tumour(scene: Scene, spec: LesionSpec) -> tuple[Window, Floats]:
    """Paint one; the cover is the tumour with its necrosis, without the oedema."""
    centre, u = tumour_centre(scene.rng, spec), scene.rng.uniform
    size = (spec.ml * 1000 * 3 / (4 * np.pi)) ** (1 / 3)
    window = scene.around(centre, 2.0 * size + 26)
    p = scene.canvas.points(window)
    noise = slow(band_noise(scene.rng, float(np.clip(1.8 * size, 10, 40)), 0.8), p.left, p.y, p.z)
    field = radial(p, centre, (1.0, u(0.9, 1.3), u(0.85, 1.2))) + np.float32(0.25 * size) * noise
    room = scene.canvas.cover(scene.envelope.dura[window] - 2.5) * scene.canvas.cover(p.left * np.sign(centre[0]) - 1)
    cover = scene.grow(field, room, spec.ml)
    edge = float(field[cover > 0.5].min()) if (cover > 0.5).any() else 0.0
    wet = np.clip((field - edge + u(8, 18)) / 3.5, 0, 1) * (0.08 + 0.92 * scene.white[window])
    scene.canvas.paint(Tissue.OEDEMA, window, wet * scene.parenchyma[window])
    scene.canvas.paint(Tissue.TUMOUR, window, cover)
    rim = np.float32(u(0.2, 0.42) * size) * (1 + 0.35 * slow(band_noise(scene.rng, 16.0), p.left, p.y, p.z))
    scene.canvas.paint(Tissue.NECROSIS, window, cover * np.clip((field - edge - rim) / 1.5, 0, 1))
    return window, cover
