"""Builds a head: draws the person, paints the anatomy, then the lesions, and lays the head in the scanner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engines.phantom.anatomy.cerebrum import paint_cerebrum
from engines.phantom.anatomy.deep import paint_deep
from engines.phantom.anatomy.envelope import Envelope, paint_envelope
from engines.phantom.anatomy.face import paint_face
from engines.phantom.anatomy.hindbrain import paint_hindbrain, paint_membranes, paint_vessels
from engines.phantom.canvas import Canvas, Layer, Warp, Window
from engines.phantom.lesions.bleeding import paint_bleed
from engines.phantom.lesions.glioma import paint_glioma
from engines.phantom.lesions.ischaemia import paint_ischaemia
from engines.phantom.lesions.mass import push_brain
from engines.phantom.lesions.plan import HAEMORRHAGES, LABELS, Lesion, LesionKind, LesionPlan, LesionSpec
from engines.phantom.lesions.scene import Scene
from engines.phantom.lesions.tumour import paint_tumour
from engines.phantom.noise import Rng, band_noise, slow
from engines.phantom.person import Person, draw_person
from inference.volume import Floats, Points

Painter = Callable[[Scene, LesionSpec], tuple[Window, Floats]]
WARP_MM = 1.9
MIDLINE_MM = 5.0


@dataclass(frozen=True, slots=True, eq=False)
class Built:
    """What `build` hands over."""

    person: Person
    shape: tuple[int, int, int]
    layers: tuple[Layer, ...]
    lesions: tuple[Lesion, ...]
    lps_from_index: Points


def build(seed: int, plan: LesionPlan, step_mm: float) -> Built:
    """Paint everything."""
    rng = np.random.default_rng([seed, 1])
    person = draw_person(rng)
    canvas = Canvas(step_mm, person.scale, _warp(rng))
    envelope = _wrap(canvas, person, rng)
    for number, spec in enumerate(plan.specs):
        push_brain(canvas, spec, np.random.default_rng([seed, 2, number]))
    _brain(canvas, person, envelope, rng)
    pose = _pose(canvas, person)
    lesions = _lesions(canvas, person, envelope, seed, plan, pose)
    return Built(person, canvas.shape, tuple(canvas.layers), lesions, pose)


def _warp(rng: Rng) -> Warp:
    bends = [band_noise(rng, 135.0) for _ in range(3)]

    def bend(x: Floats, y: Floats, z: Floats) -> tuple[Floats, Floats, Floats]:
        a, b, c = (np.float32(WARP_MM) * slow(field, x, y, z, 6) for field in bends)
        return a, b, c

    return bend


def _wrap(canvas: Canvas, person: Person, rng: Rng) -> Envelope:
    envelope = paint_envelope(canvas, person, rng)
    paint_face(canvas, person, envelope, rng)
    return envelope


def _brain(canvas: Canvas, person: Person, envelope: Envelope, rng: Rng) -> None:
    paint_cerebrum(canvas, person, envelope, rng)
    paint_hindbrain(canvas, person, envelope, rng)
    paint_deep(canvas, person, rng)
    paint_membranes(canvas, envelope)
    paint_vessels(canvas, envelope)


def _lesions(
    canvas: Canvas, person: Person, envelope: Envelope, seed: int, plan: LesionPlan, pose: Points
) -> tuple[Lesion, ...]:
    made: list[Lesion] = []
    empty = [np.zeros(canvas.shape, dtype=np.float32) for _ in range(3)]
    scene = Scene(canvas, person, envelope, np.random.default_rng(seed), empty[0], empty[1], empty[2])
    for number, spec in enumerate(plan.specs):
        scene.look()
        scene.rng = np.random.default_rng([seed, 2, number])
        window, cover = _painter(spec)(scene, spec)
        lesion = _measure(canvas, spec.kind, window, cover, pose)
        if lesion is not None:
            made.append(lesion)
    return tuple(made)


def _painter(spec: LesionSpec) -> Painter:
    if spec.kind in HAEMORRHAGES:
        return paint_bleed
    if spec.growth is not None:
        return paint_glioma
    return paint_tumour if spec.kind is LesionKind.TUMOUR else paint_ischaemia


def _measure(canvas: Canvas, kind: LesionKind, window: Window, cover: Floats, pose: Points) -> Lesion | None:
    full = np.rint(np.clip(cover, 0, 1) * 255).astype(np.uint8)
    spans = [np.flatnonzero(full.any(axis=tuple(a for a in range(3) if a != axis))) for axis in range(3)]
    if min(len(s) for s in spans) == 0:
        return None
    inner = tuple(slice(int(s[0]), int(s[-1]) + 1) for s in spans)
    start = [(w.start or 0) + int(s[0]) for w, s in zip(window, spans, strict=True)]
    small = np.ascontiguousarray(full[inner])
    outer = tuple(slice(b, b + n) for b, n in zip(start, small.shape, strict=True))
    weights = small[small > 0].astype(np.float64)
    index = np.argwhere(small > 0) + start
    ml = float(weights.sum() / 255 * canvas.step_mm**3 / 1000)
    centre = (weights[:, None] * index).sum(axis=0) / weights.sum()
    middle = (pose @ np.append(centre[::-1], 1.0))[:3]
    solid = index[weights >= 128] if (weights >= 128).any() else index
    corners = solid[:, ::-1] @ pose[:3, :3].T + pose[:3, 3]
    low, high = corners.min(axis=0) - canvas.step_mm / 2, corners.max(axis=0) + canvas.step_mm / 2
    return Lesion(
        LABELS[kind],
        kind,
        ml,
        _side(canvas, centre),
        _point(middle),
        (_point(low), _point(high)),
        (outer[0], outer[1], outer[2]),
        small,
    )


def _side(canvas: Canvas, centre_kji: Points) -> str:
    x = canvas.low_mm[0] + canvas.step_mm * centre_kji[2]
    if abs(x) <= MIDLINE_MM:
        return "M"
    return "L" if x > 0 else "R"


def _pose(canvas: Canvas, person: Person) -> Points:
    """Index of the head's grid -> LPS: scale, then pitch, roll and yaw about the brain's middle, then shift."""
    a, b, c = np.radians(person.angles_deg)
    pitch = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    roll = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    yaw = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    turn = yaw @ roll @ pitch
    pivot = np.array([0.0, 17.0, 10.0])
    pose = np.eye(4)
    pose[:3, :3] = turn * canvas.step_mm
    pose[:3, 3] = turn @ (canvas.low_mm - pivot) + pivot + person.shift_mm
    return pose


def _point(values: Points) -> tuple[float, float, float]:
    return float(values[0]), float(values[1]), float(values[2])
