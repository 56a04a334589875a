"""Infarcts, new and old, and bright spots on DWI that are none."""

from __future__ import annotations

import numpy as np

from engines.phantom.canvas import Points, Window
from engines.phantom.lesions.plan import LesionKind, LesionSpec
from engines.phantom.lesions.scene import Scene, draw_side
from engines.phantom.noise import band_noise, slow
from engines.phantom.tissue import Tissue
from inference.volume import Floats

Centre = tuple[float, float, float]


def paint_ischaemia(scene: Scene, spec: LesionSpec) -> tuple[Window, Floats]:
    """Paint one and return its cover."""
    centre = _place(scene, spec)
    size = (spec.ml * 1000 * 3 / (4 * np.pi)) ** (1 / 3)
    window = scene.around(centre, min(2.6 * size + 8, 75))
    p = scene.canvas.points(window)
    field = _shape(scene, p, centre, size)
    room = scene.parenchyma[window]
    if spec.ml > 3:
        room = room * (p.left * np.sign(centre[0]) > 1.5)
    cover = scene.grow(field, room, spec.ml)
    _colour(scene, spec.kind, window, cover, field, size)
    return window, cover


def _place(scene: Scene, spec: LesionSpec) -> Centre:
    side = draw_side(scene.rng, spec)
    roll = scene.rng.random()
    u = scene.rng.uniform
    if spec.ml < 2.5 and roll < 0.35:
        return side * u(12, 30), u(-18, 30), u(-4, 32)
    if spec.ml < 8 and roll < 0.47:
        return side * u(2, 34), u(40, 84), u(-52, -22)
    if spec.ml < 1.5 and roll < 0.53:
        return side * u(1, 9), u(15, 30), u(-40, -10)
    if spec.ml > 15:
        return side * u(34, 46), u(-25, 45), u(2, 34)
    return _cortical(scene, side)


def _cortical(scene: Scene, side: float) -> Centre:
    """A point of the outer shell of one hemisphere, anywhere above the base."""
    direction = scene.rng.normal(size=3) + np.array([0, 0, 0.35])
    direction /= np.linalg.norm(direction)
    depth = scene.rng.uniform(0.66, 0.97)
    x, y, z = direction * [62, 82, 60] * depth
    return float(side * max(abs(x), 4)), float(y + 17), float(max(z + 10, -30))


def _shape(scene: Scene, p: Points, centre: Centre, size: float) -> Floats:
    out = np.array([centre[0], centre[1] - 17, centre[2] - 8])
    out = out / max(float(np.linalg.norm(out)), 1.0)
    offset = [p.left - np.float32(centre[0]), p.y - np.float32(centre[1]), p.z - np.float32(centre[2])]
    along = offset[0] * out[0] + offset[1] * out[1] + offset[2] * out[2]
    across = np.sqrt(np.maximum(sum(o * o for o in offset) - along * along, 0))
    wedge = 1.0 + 0.35 * np.tanh(along / size) * scene.rng.uniform(0, 1.3)
    stretch = scene.rng.uniform(0.8, 1.7)
    ball = -np.hypot(along / stretch, across / np.maximum(wedge, 0.4))
    rough = scene.rng.uniform(0.15, 0.5)
    noise = slow(band_noise(scene.rng, float(np.clip(2.4 * size, 6, 40)), 0.8), p.left, p.y, p.z)
    return np.asarray(ball + np.float32(rough * size) * noise, dtype=np.float32)


def _colour(scene: Scene, kind: LesionKind, window: Window, cover: Floats, field: Floats, size: float) -> None:
    paint = scene.canvas.paint
    if kind is LesionKind.INFARCT_OLD:
        paint(Tissue.GLIOSIS, window, 0.9 * cover)
        paint(Tissue.INFARCT_OLD, window, np.clip(cover * 1.6 - 0.6, 0, 1) * scene.rng.uniform(0.5, 1.0))
        return
    if kind is LesionKind.SHINE_THROUGH:
        paint(Tissue.GLIOSIS, window, cover * scene.rng.uniform(0.6, 1.0))
        return
    strength = scene.rng.uniform(0.72, 1.0)
    paint(Tissue.INFARCT_RIM, window, cover * (0.5 + 0.5 * strength))
    edge = float(field[cover > 0.5].min()) if (cover > 0.5).any() else 0.0
    inner = np.clip((field - np.float32(edge)) / np.float32(0.30 * size + 0.4), 0, 1)
    core = Tissue.INFARCT_SUBACUTE if scene.rng.random() < 0.3 else Tissue.INFARCT_ACUTE
    mottle = 1 + 0.12 * unevenness(scene, window)
    paint(core, window, cover * np.clip(inner * strength * mottle, 0, 1))


def unevenness(scene: Scene, window: Window) -> Floats:
    """Slow unevenness inside a lesion."""
    p = scene.canvas.points(window)
    return slow(band_noise(scene.rng, 14.0), p.left, p.y, p.z)
