"""Skin, fat, skull, dura and the water inside it: everything that wraps the brain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engines.phantom.canvas import Canvas, Points
from engines.phantom.noise import Rng, band_noise, slow
from engines.phantom.person import Person
from engines.phantom.shapes import common, ellipsoid, tube, union
from engines.phantom.tissue import Tissue
from inference.volume import Floats

SKIN_MM = 2.6


@dataclass(frozen=True, slots=True, eq=False)
class Envelope:
    """Signed distances on the whole canvas, positive inside: dura, outer table, skin."""

    dura: Floats
    bone: Floats
    skin: Floats


def paint_envelope(canvas: Canvas, person: Person, rng: Rng) -> Envelope:
    """Paint the head's outline, skull and the CSF that fills the dura; return their distances."""
    window = (slice(None), slice(None), slice(None))
    points = canvas.points(window)
    dura = cavity(points)
    thick = _vault_thickness(points, person, rng)
    bone = dura + thick
    skin = _skin(points, dura, thick, person, rng)
    canvas.solid(Tissue.SKIN, window, skin)
    fat_wave = band_noise(rng, 30.0)
    canvas.solid(Tissue.FAT, window, skin - SKIN_MM)
    galea = bone + 1.3 + 0.35 * person.scalp_mm * (0.5 + 0.3 * slow(fat_wave, points.x, points.y, points.z))
    canvas.solid(Tissue.MUSCLE, window, common(galea.astype(np.float32), skin - SKIN_MM, 0.5))
    canvas.solid(Tissue.MUSCLE, window, common(_temporalis(points), skin - 3.2, 1.0))
    canvas.solid(Tissue.BONE, window, common(bone, skin - 2.5, 1.0))
    diploe = np.minimum(bone - 1.6, thick - 1.5 - np.maximum(bone, 0)) + 0.35 * slow(
        fat_wave, 2 * points.left, 2 * points.y, 2 * points.z
    )
    canvas.solid(Tissue.DIPLOE, window, diploe)
    canvas.solid(Tissue.DURA, window, dura + 0.5)
    canvas.solid(Tissue.CSF, window, dura - 0.4)
    return Envelope(dura, bone, skin)


def cavity(p: Points) -> Floats:
    """The inside of the dura: vault, temporal fossae, posterior fossa and the canal below."""
    y: Floats = p.y - np.float32(17) + np.float32(5.5e-5) * p.x * p.x
    up = np.where(p.z > 8, np.float32(69), np.float32(37 + 3))
    vault = _vault(p, y, up)
    temporal = ellipsoid(p.x, p.y, p.z, (43, 12, -22), (25, 45, 25))
    hind = ellipsoid(p.x, p.y, p.z, (0, 60, -33), (57, 42, 31))
    canal = tube(p.x, p.y, p.z, [(0, 22, -22, 16), (0, 34, -48, 15), (0, 44, -66, 14), (0, 46, -100, 10)])
    return common(union(union(vault, temporal, 5), union(hind, canal, 5), 4), -petrous(p), 2)


def petrous(p: Points) -> Floats:
    """The pyramid of the temporal bone, from the mastoid inwards and forwards."""
    return tube(p.x, p.y, p.z, [(62, 30, -40, 11), (40, 20, -38, 8.5), (17, 8, -35, 5.5)])


def _vault(p: Points, y: Floats, up: Floats) -> Floats:
    a, b, c = p.x / 70, y / 91, (p.z - 8) / up
    level = np.sqrt(np.sqrt(a**4 + 1e-6) ** 1.05 + b * b + c * c)
    slope = np.sqrt((a / 70) ** 2 + (b / 91) ** 2 + (c / up) ** 2)
    return np.asarray(level * (1 - level) / np.maximum(slope, 1e-5), dtype=np.float32)


def _vault_thickness(p: Points, person: Person, rng: Rng) -> Floats:
    wave = slow(band_noise(rng, 55.0), p.left, p.y, p.z)
    thin_temporal = np.exp(-(((p.z + 12) / 22) ** 2) - ((p.y - 5) / 40) ** 2)
    thick_front = np.exp(-(((p.y + 74) / 18) ** 2)) + np.exp(-(((p.y - 105) / 18) ** 2))
    mean = person.skull_mm
    vault = np.maximum(mean * (1 + 0.08 * wave - 0.3 * thin_temporal + 0.18 * thick_front), 2.0)
    low = np.clip((-20 - p.z) / 25, 0, 1)
    return np.asarray(vault + (np.minimum(vault, 4.5) - vault) * low, dtype=np.float32)


def _skin(p: Points, dura: Floats, thick: Floats, person: Person, rng: Rng) -> Floats:
    wave = slow(band_noise(rng, 70.0), p.left, p.y, p.z)
    vault = dura + thick + np.float32(person.scalp_mm) * (1 + 0.15 * wave)
    face = ellipsoid(p.x, p.y, p.z, (0, -38, -52), (64, 62, 62))
    nose = tube(p.x, p.y, p.z, [(0, -86, -30, 9), (0, -104, -52, 11), (0, -92, -62, 13)])
    neck = tube(p.x, p.y, p.z, [(0, 34, -60, 58), (0, 30, -130, 56)])
    jaw = ellipsoid(p.x, p.y, p.z, (0, -30, -85), (58, 58, 40))
    ear = ellipsoid(p.x, p.y, p.z, (80 + person.scalp_mm, 22, -34), (3.2, 16, 27))
    head = union(union(union(vault, face, 12), union(neck, jaw, 10), 12), nose, 5)
    return union(head, ear + 0.8 * wave, 3)


def _temporalis(p: Points) -> Floats:
    return ellipsoid(p.x, p.y, p.z, (70, -22, -22), (11, 34, 42))
