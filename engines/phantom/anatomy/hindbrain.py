"""Brainstem, cerebellum with its folia, fourth ventricle, falx, tentorium and the great vessels."""

from __future__ import annotations

import numpy as np

from engines.phantom.anatomy.cerebrum import tentorium_height
from engines.phantom.anatomy.envelope import Envelope
from engines.phantom.canvas import Canvas, Points, Window
from engines.phantom.noise import Rng, band_noise, slow
from engines.phantom.person import Person
from engines.phantom.shapes import common, ellipsoid, tube, union
from engines.phantom.tissue import Tissue
from inference.volume import Floats

LOW = (-62.0, 2.0, -93.0)
HIGH = (62.0, 112.0, 12.0)


def paint_hindbrain(canvas: Canvas, person: Person, envelope: Envelope, rng: Rng) -> None:
    """Paint cerebellum, brainstem and fourth ventricle."""
    window = canvas.window(LOW, HIGH)
    p = canvas.points(window)
    room = envelope.dura[window] - np.float32(1.4 + 0.8 * person.gap_mm)
    _cerebellum(canvas, window, p, room, person, rng)
    stem = common(_stem(p), room, 1.0)
    canvas.solid(Tissue.STEM, window, stem)
    canvas.paint(Tissue.GREY, window, 0.35 * canvas.cover(ellipsoid(p.x, p.y, p.z, (0, 16, -33), (9, 7, 8))))
    canvas.paint(Tissue.TRACT, window, 0.7 * canvas.cover(_crura(p)))
    canvas.solid(Tissue.CSF, window, _fourth(p, person))
    canvas.solid(Tissue.CSF, window, tube(p.x, p.y, p.z, [(0, 32, -20, 0.9), (0, 32, -4, 0.9)]))


def paint_membranes(canvas: Canvas, envelope: Envelope) -> None:
    """Paint falx and tentorium, thin and a little dense."""
    window = canvas.window((-60, -80, -40), (60, 112, 84))
    p = canvas.points(window)
    inside = envelope.dura[window]
    core = ellipsoid(p.x * 0, p.y, p.z, (0, 6, -6), (1e3, 58, 45))
    above = p.z - tentorium_height(p) * (p.y > 40) - np.where(p.y > 40, 0, -4)
    falx = np.minimum(np.minimum(0.75 - p.x, -core), np.minimum(inside, above))
    canvas.paint(Tissue.DURA, window, 0.6 * canvas.cover(falx))
    gap = 0.65 - 0.8 * np.abs(p.z - tentorium_height(p))
    leaf = np.minimum(np.minimum(gap, inside), np.hypot(p.x * 0.9, p.y - 24) - 20 + 0 * p.z)
    canvas.paint(Tissue.DURA, window, 0.65 * canvas.cover(np.minimum(leaf, p.y - 18)))


def paint_vessels(canvas: Canvas, envelope: Envelope) -> None:
    """Paint venous sinuses and the arteries of the base."""
    window = canvas.window((-60, -80, -60), (60, 112, 84))
    p = canvas.points(window)
    inside = envelope.dura[window]
    edge = 3.0 - np.hypot(p.x, inside - 1.2)
    canvas.solid(Tissue.BLOOD, window, np.where((p.z > 5) | (p.y > 70), edge, -1))
    rim = 3.2 - np.hypot(p.z - tentorium_height(p) + 1, inside - 1.5)
    canvas.solid(Tissue.BLOOD, window, np.where((p.y > 42) & (p.x < 58), rim, -1))
    straight = tube(p.x, p.y, p.z, [(0, 46, 3, 1.7), (0, 92, -14, 2.4)])
    canvas.solid(Tissue.BLOOD, window, straight)
    canvas.solid(Tissue.VESSEL, window, _arteries(p))


def _arteries(p: Points) -> Floats:
    basilar = tube(p.x, p.y, p.z, [(0, 8, -42, 1.7), (0, 6, -20, 1.7)])
    carotid = tube(p.x, p.y, p.z, [(10, -4, -34, 2.3), (11, -4, -18, 2.1)])
    middle = tube(p.x, p.y, p.z, [(11, -4, -17, 1.7), (24, -4, -16, 1.6), (35, -3, -10, 1.2)])
    front = tube(p.x, p.y, p.z, [(11, -4, -17, 1.2), (2, -16, -14, 1.2), (1.6, -36, -4, 1.0), (1.6, -42, 10, 1.0)])
    back = tube(p.x, p.y, p.z, [(0, 6, -20, 1.2), (14, 18, -17, 1.2), (18, 36, -9, 1.0)])
    return np.asarray(np.maximum.reduce([basilar, carotid, middle, front, back]), dtype=np.float32)


def _cerebellum(canvas: Canvas, window: Window, p: Points, room: Floats, person: Person, rng: Rng) -> None:
    lobe = ellipsoid(p.x, p.y, p.z, (25, 59, -36), (33, 36, 27))
    vermis = ellipsoid(p.x, p.y, p.z, (0, 62, -30), (12, 25, 26))
    vallecula = ellipsoid(p.x, p.y, p.z, (0, 84, -56), (7, 16, 16))
    hull = common(union(lobe, vermis, 4), -vallecula, 3)
    hull = common(common(hull, room, 2), 0.95 * (tentorium_height(p) - 2.2 - p.z), 1.5)
    wave = slow(band_noise(rng, 20.0), p.left, p.y, p.z)
    turn = np.hypot(p.y - 44, 1.15 * (p.z + 34)) + 1.5 * wave + 0.10 * p.x
    fold = np.abs((turn / 5.2 + 0.5) % 1 - 0.5) * 5.2
    open_mm = np.float32(0.10 + 0.75 * person.atrophy)
    leaf = np.minimum(hull, fold - open_mm + np.clip((hull - 7) / 3, 0, 3))
    canvas.solid(Tissue.FOLIA, window, leaf)
    branch = fold - 1.75 + np.clip((hull - 9) / 3, -3, 0)
    core = np.maximum(hull - 13 + 1.5 * wave, np.minimum(branch, hull - 3))
    peduncle = tube(p.x, p.y, p.z, [(15, 30, -34, 6), (24, 52, -38, 8)])
    canvas.solid(Tissue.WHITE, window, np.maximum(core, np.minimum(peduncle, hull + 4)))
    canvas.paint(Tissue.GREY, window, 0.4 * canvas.cover(ellipsoid(p.x, p.y, p.z, (15, 58, -37), (6, 9, 5))))


def _stem(p: Points) -> Floats:
    legs = tube(p.x, p.y, p.z, [(14, 14, -8, 6.5), (9, 17, -20, 7)])
    mid = tube(p.x, p.y, p.z, [(0, 24, -6, 9.5), (0, 25, -16, 11)])
    pons = ellipsoid(p.x, p.y, p.z, (0, 22, -32), (16.5, 13.5, 14))
    arms = tube(p.x, p.y, p.z, [(12, 26, -32, 7), (22, 40, -37, 6)])
    low = tube(p.x, p.y, p.z, [(0, 27, -42, 9), (0, 36, -56, 7.5), (0, 43, -68, 6.2), (0, 46, -96, 5.5)])
    return union(union(union(legs, mid, 3), pons, 3), union(low, arms, 2), 3)


def _crura(p: Points) -> Floats:
    return tube(p.x, p.y, p.z, [(14, 14, -8, 3), (9, 15, -20, 3.4), (6, 15, -32, 3), (4, 26, -48, 2.2)])


def _fourth(p: Points, person: Person) -> Floats:
    wide = 0.8 + 0.35 * person.ventricles
    tent = ellipsoid(p.x, p.y, p.z, (0, 41, -36), (7 * wide, 5 * wide, 10))
    return union(tent, tube(p.x, p.y, p.z, [(0, 36, -26, 1.6), (0, 44, -52, 2.2)]), 2)
