"""A tumour whose parts are told apart: what enhances, necrosis with or without blood, oedema."""

from __future__ import annotations

import numpy as np

from engines.phantom.canvas import Points, Window
from engines.phantom.lesions.bleeding import on_vault
from engines.phantom.lesions.growth import Growth
from engines.phantom.lesions.plan import LesionSpec
from engines.phantom.lesions.scene import Scene, draw_side, radial
from engines.phantom.noise import Rng, band_noise, slow
from engines.phantom.tissue import Tissue
from inference.volume import Floats

Centre = tuple[float, float, float]
NECROTIC = frozenset({Tissue.NECROSIS, Tissue.TUMOUR_BLOOD})
SWOLLEN = frozenset({Tissue.OEDEMA})
ENHANCING = frozenset({Tissue.TUMOUR, Tissue.TUMOUR_FAINT})
PARTS = (NECROTIC, SWOLLEN, ENHANCING)
"""Tissues of each part, in the order of the labels necrotic core, oedema, enhancing tumour."""

SKIN_OF_BRAIN_MM = 2.0


def glioma_centre(rng: Rng, spec: LesionSpec) -> Centre:
    """Where it lies; the first draws of its painter."""
    growth, u = spec.growth or Growth(), rng.uniform
    if growth.outside:
        return on_vault(rng, spec, -15, 60)
    side, roll = draw_side(rng, spec), rng.random()
    if roll < 0.25:
        return side * u(30, 50), u(-25, 25), u(-28, -4)
    if roll < 0.32 and spec.ml < 25:
        return side * u(6, 32), u(48, 76), u(-46, -26)
    if roll < 0.5:
        return side * u(8, 24), u(-45, 60), u(6, 44)
    return side * u(22, 54), u(-50, 75), u(0, 58)


def paint_glioma(scene: Scene, spec: LesionSpec) -> tuple[Window, Floats]:
    """Paint one; the cover is the tumour with its necrosis, without the oedema."""
    centre, growth = glioma_centre(scene.rng, spec), spec.growth or Growth()
    size = (spec.ml * 1000 * 3 / (4 * np.pi)) ** (1 / 3)
    window = scene.around(centre, 1.9 * size + 1.3 * growth.oedema_mm + 10)
    p = scene.canvas.points(window)
    field = _shape(scene, p, centre, size, growth.lobes)
    cover = scene.grow(field, _room(scene, window, p, centre, growth), spec.ml)
    edge = float(field[cover > 0.5].min()) if (cover > 0.5).any() else 0.0
    depth = field - np.float32(edge)
    _swell(scene, window, p, depth, growth)
    if not growth.enhances:
        scene.canvas.paint(Tissue.OEDEMA, window, cover)
        return window, cover
    _fill(scene, window, p, cover, depth, size, growth)
    return window, cover


def _shape(scene: Scene, p: Points, centre: Centre, size: float, lobes: float) -> Floats:
    u = scene.rng.uniform
    noise = slow(band_noise(scene.rng, float(np.clip(1.8 * size, 10, 40)), 0.8), p.left, p.y, p.z)
    fine = slow(band_noise(scene.rng, 9.0), p.left, p.y, p.z)
    ball = radial(p, centre, (u(0.8, 1.25), u(0.8, 1.35), u(0.8, 1.25)))
    return np.asarray(ball + np.float32(lobes * size) * noise + np.float32(min(0.08 * size, 1.0)) * fine)


def _room(scene: Scene, window: Window, p: Points, centre: Centre, growth: Growth) -> Floats:
    """Inside the dura, on one side of the falx, and hardly into the ventricles."""
    inside = scene.canvas.cover(scene.envelope.dura[window] - np.float32(0.6 if growth.outside else SKIN_OF_BRAIN_MM))
    side = scene.canvas.cover(p.left * np.float32(np.sign(centre[0])) - 1)
    deep = scene.canvas.cover(scene.envelope.dura[window] - 18)
    return np.asarray(inside * side * (1 - 0.8 * deep * scene.water[window]))


def _swell(scene: Scene, window: Window, p: Points, depth: Floats, growth: Growth) -> None:
    """Oedema follows the white matter, in fingers."""
    if growth.oedema_mm <= 0:
        return
    wave = slow(band_noise(scene.rng, 28.0, 0.7), p.left, p.y, p.z)
    reach = np.float32(growth.oedema_mm) * np.clip(1 + 0.55 * wave, 0, 2.2)
    grey = np.float32(growth.grey_share)
    taken = grey + (1 - grey) * np.clip(1.5 * scene.white[window], 0, 1)
    wet = np.clip((depth + reach) / 2.0, 0, 1) * taken
    scene.canvas.paint(Tissue.OEDEMA, window, wet * scene.parenchyma[window])


def _fill(scene: Scene, window: Window, p: Points, cover: Floats, depth: Floats, size: float, growth: Growth) -> None:
    paint = scene.canvas.paint
    paint(Tissue.TUMOUR_FAINT, window, cover)
    inner = np.clip(2 * cover - 1, 0, 1)  # a second coat on the border would make the tumour larger
    paint(Tissue.TUMOUR, window, inner * _patches(scene, p, 11.0, growth.bright))
    rim = np.float32(growth.rim * size) * np.clip(1 + 0.4 * slow(band_noise(scene.rng, 16.0), p.left, p.y, p.z), 0.2, 2)
    core = np.clip((depth - np.maximum(rim, 1.2)) / 1.2, 0, 1) if growth.rim < 1.5 else np.zeros_like(depth)
    core = np.maximum(core, _patches(scene, p, 13.0, growth.gaps)) * inner
    paint(Tissue.NECROSIS, window, core)
    if growth.blood > 0:
        paint(Tissue.TUMOUR_BLOOD, window, core * _patches(scene, p, 14.0, growth.blood))


def _patches(scene: Scene, p: Points, wave_mm: float, share: float) -> Floats:
    """Patches that fill about `share` of the space, with soft borders."""
    noise = slow(band_noise(scene.rng, wave_mm, 0.8), p.left, p.y, p.z)
    level = np.quantile(noise[::3, ::3, ::3], 1 - float(np.clip(share, 0.0, 1.0)))
    if share <= 0:
        return np.zeros_like(noise)
    return np.asarray(np.clip((noise - np.float32(level)) / 0.25 + 0.5, 0, 1) if share < 1 else np.ones_like(noise))
