"""Skull base and face: orbits, air cells, petrous bones, the nose, jaw and neck."""

from __future__ import annotations

import numpy as np

from engines.phantom.anatomy.envelope import Envelope, petrous
from engines.phantom.canvas import Canvas, Points, Window
from engines.phantom.noise import Rng, band_noise, slow
from engines.phantom.person import Person
from engines.phantom.shapes import common, ellipsoid, tube, union
from engines.phantom.tissue import Tissue
from inference.volume import Floats

LOW = (-92.0, -116.0, -96.0)
HIGH = (92.0, 100.0, 14.0)


def paint_face(canvas: Canvas, person: Person, envelope: Envelope, rng: Rng) -> None:
    """Paint everything below and in front of the brain; it stays outside the dura."""
    window = canvas.window(LOW, HIGH)
    p = canvas.points(window)
    outside = -envelope.dura[window]
    inside_skin = envelope.skin[window] - 2.5
    wave = slow(band_noise(rng, 14.0, 0.9), p.left, p.y, p.z)
    room = np.minimum(outside, inside_skin)
    _soft(canvas, window, p, room, slow(band_noise(rng, 34.0, 0.8), p.left, p.y, p.z))
    _bones(canvas, window, p, room, wave)
    _orbits(canvas, window, p, np.minimum(outside, envelope.skin[window]))
    _air(canvas, window, p, room, wave, person)


def _soft(canvas: Canvas, window: Window, p: Points, room: Floats, wave: Floats) -> None:
    """Muscle parted by layers of fat, below the orbits."""
    deep = np.minimum(room - 6 + 2.5 * wave, 9 * np.abs(wave) - 1.0)
    canvas.solid(Tissue.MUSCLE, window, np.where(p.z < -34, deep, np.float32(-5)))


def _bones(canvas: Canvas, window: Window, p: Points, room: Floats, wave: Floats) -> None:
    base = ellipsoid(p.x, p.y, p.z, (0, -8, -40), (28, 24, 12))
    wing = tube(p.x, p.y, p.z, [(10, -14, -28, 4), (36, -28, -28, 5), (52, -36, -18, 4)])
    clivus = tube(p.x, p.y, p.z, [(0, 4, -34, 6), (0, 20, -60, 5)])
    jaw = tube(p.x, p.y, p.z, [(50, 6, -48, 5), (50, 0, -82, 5), (40, -50, -100, 6)])
    zygoma = tube(p.x, p.y, p.z, [(66, -8, -42, 3), (66, -32, -44, 3), (52, -60, -46, 5), (46, -62, -34, 4)])
    upper = ellipsoid(p.x, p.y, p.z, (0, -58, -62), (42, 26, 18))
    spine = np.minimum(ellipsoid(p.x, p.y, p.z, (0, 36, -82), (40, 28, 8)), np.hypot(p.x, p.y - 45) - 13)
    occiput = tube(p.x, p.y, p.z, [(22, 36, -62, 6), (18, 26, -60, 6)])
    solids = np.maximum.reduce([base, wing, clivus, jaw, zygoma, upper, spine, occiput])
    bone = np.minimum(solids + 0.8 * wave, room)
    canvas.solid(Tissue.BONE, window, bone)
    canvas.solid(Tissue.DIPLOE, window, np.minimum(bone - 1.8, room - 1.5))
    mastoid = ellipsoid(p.x, p.y, p.z, (60, 34, -44), (11, 15, 20))
    canvas.solid(Tissue.BONE, window, np.minimum(mastoid + wave, room))
    canvas.solid(Tissue.PETROUS, window, np.minimum(petrous(p) + 0.8 * wave, room))
    labyrinth = tube(p.x, p.y, p.z, [(46, 22, -38, 2.2), (36, 19, -37, 1.6)])
    canvas.solid(Tissue.CSF, window, np.minimum(labyrinth + wave, room))


def _orbits(canvas: Canvas, window: Window, p: Points, room: Floats) -> None:
    cone = union(
        tube(p.x, p.y, p.z, [(12, -22, -27, 6), (26, -46, -31, 16), (31, -66, -33, 20)]),
        ellipsoid(p.x, p.y, p.z, (32, -72, -33), (20, 14, 18)),
        3,
    )
    canvas.solid(Tissue.BONE, window, common(cone + 2.2, np.minimum(room - 4, -0.8 - (p.y + 74) * -0.5), 1))
    canvas.solid(Tissue.FAT, window, np.minimum(cone, room - 2))
    nerve = tube(p.x, p.y, p.z, [(9, -16, -26, 2.0), (20, -38, -30, 2.0), (31, -58, -33, 2.0)])
    canvas.solid(Tissue.WHITE, window, np.minimum(nerve, room))
    for side in ((8.0, 3.0), (-8.0, 6.0)):
        muscle = tube(
            p.x,
            p.y,
            p.z,
            [(13, -24, -28, 1.5), (26 + 1.2 * side[0], -50, -32, 2.3), (31 + 1.3 * side[0], -64, -33, 1.2)],
        )
        canvas.solid(Tissue.MUSCLE, window, np.minimum(muscle, room))
    eye = ellipsoid(p.x, p.y, p.z, (32, -70, -33), (12, 12, 12))
    canvas.solid(Tissue.MUSCLE, window, np.minimum(eye, room + 2))
    canvas.solid(Tissue.VITREOUS, window, np.minimum(eye - 1.2, room + 2))
    canvas.solid(Tissue.LENS, window, ellipsoid(p.x, p.y, p.z, (32, -79, -33), (4.6, 2.1, 4.6)))


def _air(canvas: Canvas, window: Window, p: Points, room: Floats, wave: Floats, person: Person) -> None:
    nose = np.minimum(ellipsoid(p.x, p.y, p.z, (0, -52, -52), (13, 38, 24)), np.abs(p.x) - 1.2)
    conchae = np.abs(p.x - 7 + 2 * wave) - 1.6
    ethmoid = ellipsoid(p.x, p.y, p.z, (8, -46, -32), (7, 22, 11))
    cells = np.abs(wave) * 3.2 - 0.75
    antrum = ellipsoid(p.x, p.y, p.z, (28, -52, -58), (14, 15, 15)) + 0.8 * wave
    sphenoid = np.minimum(ellipsoid(p.x, p.y, p.z, (8, -12, -36), (9, 13, 8)), p.x - 1)
    throat = ellipsoid(p.x, p.y, p.z, (0, -4, -68), (12, 9, 22))
    frontal = ellipsoid(p.x, p.y, p.z, (12, -79, -10), (16 * person.sinus, 6 + 3 * person.sinus, 16 * person.sinus + 1))
    frontal = np.minimum(frontal, np.minimum(room - 1.5, p.x - 0.8))
    mastoid = np.minimum(ellipsoid(p.x, p.y, p.z, (60, 32, -44), (8, 12, 16)), cells - 0.1)
    canal = tube(p.x, p.y, p.z, [(84, 20, -40, 3.2), (58, 20, -38, 3.0), (50, 18, -36, 3.0)])
    bony = np.minimum(np.minimum(ethmoid, cells), room - 1.2)
    lined = np.maximum.reduce([np.minimum(nose, conchae), antrum, sphenoid, throat])
    canvas.solid(Tissue.MUCOSA, window, np.minimum(np.maximum(lined + 1.2, bony + 0.8), room - 1.2))
    canvas.solid(Tissue.AIR, window, np.minimum(np.maximum(lined, bony), room - 1.5))
    canvas.solid(Tissue.AIR, window, np.maximum(np.minimum(mastoid, room - 1), frontal))
    canvas.solid(Tissue.AIR, window, np.where(p.x < 86, canal, -1))
