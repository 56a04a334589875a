"""Blood outside, under and between the membranes, in the brain, in the ventricles and in the sulci."""

from __future__ import annotations

import numpy as np

from engines.phantom.anatomy.deep import lateral_ventricles
from engines.phantom.canvas import Window
from engines.phantom.lesions.plan import LesionKind, LesionSpec
from engines.phantom.lesions.scene import Scene, draw_side, radial
from engines.phantom.noise import Rng, band_noise, slow
from engines.phantom.tissue import Tissue
from inference.volume import Floats

Centre = tuple[float, float, float]


def paint_bleed(scene: Scene, spec: LesionSpec) -> tuple[Window, Floats]:
    """Paint one and return its cover."""
    painter = {
        LesionKind.EDH: _epidural,
        LesionKind.SDH: _subdural,
        LesionKind.IPH: _parenchymal,
        LesionKind.IVH: _ventricular,
        LesionKind.SAH: _subarachnoid,
    }[spec.kind]
    return painter(scene, spec)


def on_vault(rng: Rng, spec: LesionSpec, low: float, high: float) -> Centre:
    """A point near the inner table, `low`..`high` in z."""
    side = draw_side(rng, spec)
    angle = rng.uniform(-0.9, 0.9)
    z = rng.uniform(low, high)
    flat = np.sqrt(max(1 - ((z - 8) / 69) ** 2, 0.05))
    return float(side * 68 * flat * np.cos(angle)), float(17 + 88 * flat * np.sin(angle)), float(z)


def _epidural(scene: Scene, spec: LesionSpec) -> tuple[Window, Floats]:
    centre = bleed_centre(scene.rng, spec)
    reach = (spec.ml / 30) ** (1 / 3) * scene.rng.uniform(26, 34)
    window = scene.around(centre, reach * 1.7 + 8)
    p = scene.canvas.points(window)
    depth = scene.envelope.dura[window]
    lens = 0.45 * reach * (1 + radial(p, centre, (reach,) * 3) ** 2 * -1) - depth
    cover = scene.grow(lens, scene.canvas.cover(depth + 0.2), spec.ml)
    _clot(scene, window, cover)
    return window, cover


def _subdural(scene: Scene, spec: LesionSpec) -> tuple[Window, Floats]:
    centre = bleed_centre(scene.rng, spec)
    side = np.sign(centre[0])
    window = scene.canvas.box((-75, -75, -35), (75, 112, 82))
    p = scene.canvas.points(window)
    depth = scene.envelope.dura[window] - 0.6
    spread = scene.rng.uniform(50, 80)
    far = np.sqrt((p.y - centre[1]) ** 2 + 1.4 * (p.z - centre[2]) ** 2) / np.float32(spread)
    wave = slow(band_noise(scene.rng, 60.0), p.left, p.y, p.z)
    crescent = 16 * (1 - far**4) + 1.2 * wave - depth
    crescent = np.where(depth < 24, crescent, -20)
    room = scene.canvas.cover(depth) * scene.canvas.cover(p.left * side - 2.5) * (p.z > -24)
    cover = scene.grow(crescent.astype(np.float32), room, spec.ml)
    _clot(scene, window, cover, old=scene.rng.random() < 0.2)
    return window, cover


def _parenchymal(scene: Scene, spec: LesionSpec) -> tuple[Window, Floats]:
    centre = bleed_centre(scene.rng, spec)
    size = (spec.ml * 1000 * 3 / (4 * np.pi)) ** (1 / 3)
    window = scene.around(centre, 2.0 * size + 16)
    p = scene.canvas.points(window)
    stretch = scene.rng.uniform(0.75, 1.4, 3)
    noise = slow(band_noise(scene.rng, float(np.clip(2.2 * size, 8, 45)), 0.7), p.left, p.y, p.z)
    field = (
        radial(p, centre, (stretch[0], stretch[1], stretch[2]))
        + np.float32(0.2 * size) * noise
        + 1.2 * slow(band_noise(scene.rng, 11.0), p.left, p.y, p.z)
    )
    room = scene.canvas.cover(scene.envelope.dura[window] - 3) * scene.canvas.cover(p.left * np.sign(centre[0]) - 0.5)
    cover = scene.grow(field, room, spec.ml)
    edge = float(field[cover > 0.4].min()) if (cover > 0.4).any() else 0.0
    wet = np.clip((field - edge) / np.float32(scene.rng.uniform(3, 8)) + 1, 0, 1)
    halo = scene.parenchyma[window] * wet * np.float32(scene.rng.uniform(0.5, 1.0))
    scene.canvas.paint(Tissue.OEDEMA, window, halo)
    _clot(scene, window, cover)
    return window, cover


def bleed_centre(rng: Rng, spec: LesionSpec) -> Centre:
    """Where a bleed with mass effect lies; the first draws of its painter."""
    if spec.kind is LesionKind.EDH:
        return on_vault(rng, spec, -8, 45)
    if spec.kind is LesionKind.SDH:
        return on_vault(rng, spec, 15, 42)
    side, u, roll = draw_side(rng, spec), rng.uniform, rng.random()
    if roll < 0.5:
        return side * u(16, 30), u(-12, 24), u(-2, 22)
    if roll < 0.6 and spec.ml < 25:
        return side * u(8, 28), u(50, 74), u(-44, -28)
    return side * u(28, 48), u(-45, 75), u(0, 42)


def _ventricular(scene: Scene, spec: LesionSpec) -> tuple[Window, Floats]:
    window = scene.canvas.box((-50, -45, -34), (50, 85, 45))
    p = scene.canvas.points(window)
    side = draw_side(scene.rng, spec)
    room = scene.canvas.cover(lateral_ventricles(p, scene.person)) * scene.water[window]
    share = scene.rng.uniform(0, 60) * (p.left * side < 0)
    noise = slow(band_noise(scene.rng, 24.0), p.left, p.y, p.z)
    level = p.y - 0.35 * p.z + 4 * noise - share if scene.rng.random() < 0.6 else -np.abs(p.y - 8) + 14 * noise - share
    cover = scene.grow(np.asarray(level, dtype=np.float32), room, spec.ml, 0.4)
    _clot(scene, window, cover, strength=scene.rng.uniform(0.75, 1.0))
    return window, cover


def _subarachnoid(scene: Scene, spec: LesionSpec) -> tuple[Window, Floats]:
    window = scene.canvas.box((-75, -75, -48), (75, 112, 80))
    p = scene.canvas.points(window)
    side = draw_side(scene.rng, spec)
    room = np.minimum(1.8 * scene.water[window], 1) * scene.canvas.cover(scene.envelope.dura[window] - 0.5)
    room = room * scene.canvas.cover(-lateral_ventricles(p, scene.person) - 2)
    if scene.rng.random() < 0.5:
        field = radial(p, (side * 4, -2, -18), (1.25, 1, 1))
    else:
        field = radial(p, on_vault(scene.rng, spec, 0, 50), (1, 1, 1))
    field = field + 7 * slow(band_noise(scene.rng, 34.0), p.left, p.y, p.z)
    cover = scene.grow(field, room, spec.ml, 0.2)
    scene.canvas.paint(Tissue.BLOODY_CSF, window, cover * np.float32(scene.rng.uniform(0.85, 1.0)))
    return window, cover


def _clot(scene: Scene, window: Window, cover: Floats, old: bool = False, strength: float = 1.0) -> None:
    p = scene.canvas.points(window)
    mottle = slow(band_noise(scene.rng, 9.0, 0.9), p.left, p.y, p.z)
    scene.canvas.paint(Tissue.CLOT_OLD, window, cover)
    fresh = np.float32(scene.rng.uniform(0.1, 0.5) if old else strength)
    scene.canvas.paint(Tissue.CLOT, window, cover * np.clip(fresh * (0.93 + 0.07 * mottle), 0, 1))
