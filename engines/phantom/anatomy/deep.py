"""Deep grey nuclei, tracts and the ventricles between them."""

from __future__ import annotations

import numpy as np

from engines.phantom.canvas import Canvas, Points
from engines.phantom.noise import Rng, band_noise, slow
from engines.phantom.person import Person
from engines.phantom.shapes import common, ellipsoid, tube, union
from engines.phantom.tissue import Tissue
from inference.volume import Floats

LOW = (-50.0, -45.0, -34.0)
HIGH = (50.0, 85.0, 45.0)


def paint_deep(canvas: Canvas, person: Person, rng: Rng) -> None:
    """Paint what lies under the cortex, from the outside in."""
    window = canvas.window(LOW, HIGH)
    p = canvas.points(window)
    wave = slow(band_noise(rng, 22.0), p.left, p.y, p.z)
    canvas.paint(Tissue.TRACT, window, 0.75 * canvas.cover(_tracts(p) + 0.5 * wave))
    canvas.solid(Tissue.WHITE, window, _callosum(p))
    canvas.paint(Tissue.TRACT, window, 0.6 * canvas.cover(_splenium(p)))
    ventricles = lateral_ventricles(p, person) + 0.35 * wave
    _leukoaraiosis(canvas, window, p, ventricles, person, rng)
    canvas.solid(Tissue.GREY, window, _claustrum(p))
    canvas.solid(Tissue.CAUDATE, window, _caudate(p, person) + 0.4 * wave)
    canvas.solid(Tissue.CAUDATE, window, _putamen(p) + 0.5 * wave)
    canvas.solid(Tissue.PALLIDUM, window, _pallidum(p) + 0.4 * wave)
    canvas.solid(Tissue.THALAMUS, window, _thalamus(p) + 0.5 * wave)
    canvas.solid(Tissue.GREY, window, _hippocampus(p) + 0.4 * wave)
    canvas.solid(Tissue.CSF, window, ventricles)
    canvas.solid(Tissue.CSF, window, _third(p, person))
    canvas.solid(Tissue.WHITE, window, _septum(p))
    _paint_plexus(canvas, window, p, person)


def lateral_ventricles(p: Points, person: Person) -> Floats:
    """Frontal horn, body, atrium, occipital and temporal horn of both sides."""
    f = person.ventricles
    front = tube(p.x * 1.25 - 1, p.y, p.z, [(9, -30, 2, 3.4 * f), (8, -18, 8, 4.6 * f), (7.5, -2, 17, 4.4 * f)])
    body = tube(p.x, p.y, p.z, [(8, -4, 17, 4.2 * f), (11, 14, 20, 4.2 * f), (17, 32, 15, 5.2 * f)])
    atrium = tube(
        p.x, p.y, p.z, [(17, 32, 15, 5.2 * f), (24, 42, 7, 6.0 * f), (25, 54, 5, 3.6 * f), (23, 70, 5, 1.2 * f)]
    )
    horn = tube(
        p.x, p.y, p.z, [(25, 42, 6, 4.4 * f), (33, 32, -7, 2.6 * f), (33, 14, -16, 2.0 * f), (29, 6, -19, 1.3 * f)]
    )
    inner = p.x - 1.0
    return common(union(union(front, body, 2.5), union(atrium, horn, 2), 2.5), inner, 0.8)


def _third(p: Points, person: Person) -> Floats:
    wide = np.float32(1.0 + 1.9 * person.atrophy * person.ventricles)
    slit = wide - p.x
    return common(slit, ellipsoid(p.x * 0, p.y, p.z, (0, 12, -2), (1e3, 15, 13)), 0.8)


def _septum(p: Points) -> Floats:
    leaf = ellipsoid(p.x * 0, p.y, p.z, (0, -6, 12), (1e3, 26, 9))
    return np.asarray(np.minimum(0.9 - p.x, leaf), dtype=np.float32)


def _callosum(p: Points) -> Floats:
    outer = ellipsoid(p.x * 0.6, p.y, p.z, (0, 8, 3), (40, 44, 27))
    inner = ellipsoid(p.x * 0.6, p.y, p.z, (0, 7, -1), (40, 36, 22))
    return np.minimum(np.minimum(outer, -inner), np.minimum(p.z + 6, 22 - p.x))


def _splenium(p: Points) -> Floats:
    bow = tube(p.x, p.y, p.z, [(0, 40, 9, 6), (14, 44, 10, 4.5), (24, 54, 10, 4)])
    genu = tube(p.x, p.y, p.z, [(0, -31, 4, 4), (12, -36, 6, 3.5)])
    return np.maximum(bow, genu)


def _tracts(p: Points) -> Floats:
    motor = tube(
        p.x, p.y, p.z, [(24, 16, 40, 6), (25, 14, 20, 5), (22, 14, 5, 4), (16, 18, -10, 4.5), (10, 21, -24, 5)]
    )
    optic = tube(p.x, p.y, p.z, [(26, 26, 0, 2.5), (33, 40, 3, 3), (28, 66, 5, 3.5), (14, 84, 6, 3)])
    return np.maximum(motor, optic)


def _caudate(p: Points, person: Person) -> Floats:
    f = person.ventricles
    head = tube(p.x, p.y, p.z, [(12 + 3 * f, -20, 3, 5.8), (11 + 3.5 * f, -8, 10, 5.0), (12 + 4 * f, 6, 17, 3.2)])
    tail = tube(p.x, p.y, p.z, [(12 + 4 * f, 6, 17, 3.2), (17 + 4 * f, 22, 18, 2.4), (26 + 3 * f, 34, 10, 1.8)])
    return np.maximum(head, tail)


def _putamen(p: Points) -> Floats:
    return ellipsoid(p.x - 0.16 * p.y, p.y, p.z, (26.5, -3, 2), (5.6, 17, 11))


def _pallidum(p: Points) -> Floats:
    return ellipsoid(p.x - 0.28 * p.y, p.y, p.z, (18.8, 2, 0), (4.2, 9.5, 6.5))


def _claustrum(p: Points) -> Floats:
    shell = 0.7 - np.abs(p.x - 33.5 - 0.1 * p.y)
    return np.minimum(shell, ellipsoid(p.x * 0, p.y, p.z, (0, -2, 2), (1e3, 15, 11)))


def _thalamus(p: Points) -> Floats:
    return ellipsoid(p.x - 0.30 * (p.y - 16), p.y, p.z, (10.2, 17, 7.5), (8.2, 14, 8.5))


def _hippocampus(p: Points) -> Floats:
    return tube(p.x, p.y, p.z, [(24, 10, -20, 5.5), (28, 22, -15, 4.5), (27, 36, -4, 3.2)])


def _leukoaraiosis(
    canvas: Canvas, window: tuple[slice, slice, slice], p: Points, ventricles: Floats, person: Person, rng: Rng
) -> None:
    if person.leukoaraiosis <= 0.02:
        return
    spread = 1.5 + 9 * person.leukoaraiosis
    noise = slow(band_noise(rng, 16.0, 0.9), p.left, p.y, p.z)
    caps = np.where(p.z > -4, ventricles + spread * (0.7 + 0.5 * noise), -1)
    spots = np.where((p.z > 8) & (ventricles < -3), 3 * (noise - 2.6 + 0.9 * person.leukoaraiosis), -1)
    inside = np.minimum(np.maximum(caps, spots), 34 - p.x + 3 * noise)
    canvas.paint(Tissue.LEUKOARAIOSIS, window, 0.7 * canvas.cover(0.5 * inside))


def _paint_plexus(canvas: Canvas, window: tuple[slice, slice, slice], p: Points, person: Person) -> None:
    f = min(person.ventricles, 1.3)
    glomus = tube(p.x, p.y, p.z, [(19, 34, 13, 1.2 * f), (23, 42, 7, 2.6 * f), (28, 38, 0, 1.2 * f)])
    canvas.paint(Tissue.PLEXUS, window, 0.8 * canvas.cover(glomus))
    pineal, left, right = person.calcium
    canvas.solid(Tissue.PLEXUS, window, ellipsoid(p.left, p.y, p.z, (0, 31, 2), (3.2, 4.5, 3.0)))
    for x, radius in ((0.0, pineal), (23.5, left), (-23.5, right)):
        y, z = (31.0, 2.0) if x == 0 else (42.0, 7.0)
        if radius > 0.3:
            spot = ellipsoid(p.left, p.y, p.z, (x, y, z), (0.8 * radius, radius, radius))
            canvas.solid(Tissue.CALCIUM, window, spot)
