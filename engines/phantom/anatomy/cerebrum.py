"""The folded cortex: a grey ribbon round white matter, opened by sulci, the Sylvian and interhemispheric fissures."""

from __future__ import annotations

import numpy as np

from engines.phantom.anatomy.envelope import Envelope
from engines.phantom.canvas import Canvas, Points
from engines.phantom.noise import Field, Rng, band_noise, sheet_field, slow
from engines.phantom.person import Person
from engines.phantom.shapes import common, ellipsoid, sheet, union
from engines.phantom.tissue import Tissue
from inference.volume import Floats

LOW = (-75.0, -80.0, -52.0)
HIGH = (75.0, 112.0, 84.0)
FAR = np.float32(60.0)


def paint_cerebrum(canvas: Canvas, person: Person, envelope: Envelope, rng: Rng) -> None:
    """Paint grey ribbon and white core of both hemispheres over the CSF."""
    window = canvas.window(LOW, HIGH)
    p = canvas.points(window)
    hull = common(envelope.dura[window] - np.float32(person.gap_mm + 0.6), _above_tentorium(p), 2.0)
    hull = common(hull, -_midbrain_room(p), 2.0)
    between, sylvian = _fissures(p, person, rng)
    folded = _sulci(canvas, p, hull, between, person, rng)
    pial = np.minimum(np.minimum(hull, between), np.minimum(sylvian, folded))
    ribbon = np.float32(person.cortex_mm) * (1 + 0.12 * slow(band_noise(rng, 18.0), p.left, p.y, p.z))
    canvas.solid(Tissue.GREY, window, pial)
    canvas.solid(Tissue.WHITE, window, np.maximum(pial - ribbon, 0.9 * _core(p) - 1.5))


def _above_tentorium(p: Points) -> Floats:
    roof = tentorium_height(p)
    front = np.clip((24 - p.y) / 8, 0, 1) * 40
    return np.asarray((p.z - roof) * 0.9 + front, dtype=np.float32)


def tentorium_height(p: Points) -> Floats:
    """z of the tentorium: an arched roof, highest in the midline in front, that meets the transverse sinuses."""
    apex = -3 - 15 * np.clip((p.y - 45) / 50, 0, 1.2)
    return np.asarray(
        apex - (27 - 12 * np.clip((p.y - 50) / 45, 0, 1)) * (np.minimum(p.x, 58) / 50) ** 1.4, dtype=np.float32
    )


def _midbrain_room(p: Points) -> Floats:
    stem = ellipsoid(p.x, p.y, p.z, (0, 22, -22), (19, 19, 19))
    sella = ellipsoid(p.x, p.y, p.z, (0, -2, -22), (15, 14, 12))
    back = ellipsoid(p.x, p.y, p.z, (0, 39, -8), (13, 8, 7))
    return union(union(stem, sella, 5), back, 4)


def _fissures(p: Points, person: Person, rng: Rng) -> tuple[Floats, Floats]:
    wide = np.float32(0.4 + 0.9 * person.atrophy)
    wander = slow(band_noise(rng, 60.0), p.left, p.y, p.z)
    middle = np.abs(p.left + 1.2 * wander) - wide
    core = ellipsoid(np.zeros_like(p.x), p.y, p.z, (0, 8, 2), (1e3, 45, 27))
    between = sheet(middle, core)
    bend = 1.6 * slow(band_noise(rng, 26.0), p.left, p.y, p.z)
    insula_wide = np.float32(0.8 + 2.2 * person.atrophy)
    opercula = np.abs(p.x - 37 - 0.10 * (p.y + 5) - bend) - insula_wide
    rise = p.z - (-6 + 0.42 * (p.y + 5)) - bend
    insula = sheet(opercula, np.abs(p.y + 3) - 22, np.abs(rise - 5) - 13)
    lateral = sheet(np.abs(rise) - 0.8 * insula_wide, 37 - p.x, np.abs(p.y - 2) - 30)
    return between, np.minimum(insula, lateral)


def _sulci(canvas: Canvas, p: Points, hull: Floats, between: Floats, person: Person, rng: Rng) -> Floats:
    depth = np.minimum(hull, between)
    foot = _feet(canvas, p, depth)
    wide = 0.15 + 0.9 * person.atrophy
    reach: Floats = (20 - 9 * np.clip((hull - between) / 4, 0, 1)) * (
        1 + 0.25 * slow(band_noise(rng, 45.0), p.left, p.y, p.z)
    )
    deep = _folds(sheet_field(rng, 24.0), foot, depth, wide, reach)
    shallow = _folds(sheet_field(rng, 18.0), foot, depth, 0.6 * wide, 0.42 * reach)
    return np.asarray(np.minimum(deep, shallow), dtype=np.float32)


def _feet(canvas: Canvas, p: Points, depth: Floats) -> tuple[Floats, Floats, Floats]:
    """Where each point's shortest way to the surface ends: folds stand upright on the surface."""
    slopes = np.gradient(depth, canvas.step_mm)
    size = np.maximum(np.sqrt(sum(s * s for s in slopes)), 0.35)
    way = np.clip(depth, -8, 26) / size
    apart = np.copysign(np.float32(60), p.left)
    return p.left + apart - way * slopes[2], p.y - way * slopes[1], p.z - way * slopes[0]


def _folds(field: Field, foot: tuple[Floats, Floats, Floats], depth: Floats, wide: float, reach: Floats) -> Floats:
    gap = np.abs(field.at(*foot))
    taper = np.float32(wide) * (0.55 + 0.9 * np.clip(1 - depth / reach, 0, 1))
    return np.asarray(sheet(gap - taper, depth - reach) + np.minimum(gap - taper, 0), dtype=np.float32)


def _core(p: Points) -> Floats:
    """Corpus callosum and the white matter beside the ventricles, never covered by cortex."""
    return ellipsoid(p.x, p.y, p.z, (0, 8, 6), (24, 38, 20))
