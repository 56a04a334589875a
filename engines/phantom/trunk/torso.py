"""The outer trunk: skin, fat, muscle, the abdomen's fat-filled room, arms and what the patient lies on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engines.phantom.noise import Rng, grid_noise
from engines.phantom.trunk.canvas import Canvas, Places
from engines.phantom.trunk.person import Person
from engines.phantom.trunk.solids import oval, profile
from engines.phantom.trunk.waves import waves
from inference.volume import Floats

WALL = (
    (-230, 158, -78, 88), (-190, 164, -76, 92), (-130, 166, -84, 96), (-80, 152, -92, 98), (-30, 141, -94, 93),
    (20, 129, -94, 86), (80, 130, -94, 86), (140, 138, -96, 92), (200, 146, -100, 100), (260, 152, -102, 104),
    (310, 158, -94, 104), (350, 168, -74, 98), (390, 172, -50, 90), (415, 120, -44, 82), (440, 66, -46, 72),
    (470, 58, -48, 66),
)  # fmt: skip
"""z, half width, front and back of the muscles' outer face."""
ROOM = (
    (-160, 30, -30, 40), (-120, 56, -74, 58), (-80, 66, -84, 66), (-40, 92, -84, 42), (0, 112, -84, 40),
    (60, 117, -84, 46), (120, 122, -82, 58), (180, 126, -86, 66),
)  # fmt: skip
"""The same of the abdomen's and the pelvis' room."""
CAGE = (
    (80, 120, -68, 62), (130, 127, -80, 72), (180, 134, -86, 78), (230, 134, -88, 81), (280, 126, -80, 80),
    (320, 110, -64, 76), (350, 92, -46, 70), (380, 66, -20, 62), (400, 42, 4, 54), (420, 20, 20, 46),
)  # fmt: skip
"""The same of the rib cage's inner face."""
FAT_SHARE = ((-230, 1.2), (-120, 1.3), (-40, 1.1), (60, 1.0), (200, 0.6), (330, 0.5), (420, 0.5))
RIGHT_DOME, LEFT_DOME = 222.0, 208.0
SPINE_Y = ((-40, 40), (0, 27), (50, 23), (100, 28), (150, 38), (200, 46), (260, 52), (320, 50), (380, 38), (450, 15))
"""Where the vertebral bodies' middle lies in front of the back."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """Signed distances that many parts are held against: above the diaphragm, and below it within wall and ribs."""

    at: Places
    wall: Floats
    room: Floats
    cage: Floats
    above: Floats
    lining: Floats

    def within(self, at: Places) -> Frame:
        """The same in a window."""
        parts = (self.wall, self.room, self.cage, self.above, self.lining)
        return Frame(at, *(part[at.window] for part in parts))


def paint_torso(canvas: Canvas, person: Person, rng: Rng) -> Frame:
    """Skin, fat, muscle and the abdomen's room; what the organs are fitted into."""
    at, z, hu = canvas.everywhere(), canvas.z_line, person.tissues
    half, front, back = profile(z, WALL)
    waist = 1 + (np.float32(person.waist) - 1) * np.exp(-(((z - 60) / 110) ** 2))
    half, front = half * waist, front * waist
    (share,) = profile(z, FAT_SHARE)
    soft = (
        grid_noise(rng, (canvas.hu.shape[0], 1, 1), (8, 0, 0)) * np.float32(0.06) + 1 if canvas.hu.shape[0] > 1 else 1
    )
    fat = [np.float32(t) * share * soft for t in person.fat_mm]
    square = float(rng.uniform(0.0, 0.65))
    outline = oval(at, half + fat[1], front - fat[0], back + fat[2], square)
    outline = _cleft(at, outline)
    canvas.paint(at, outline, float(rng.uniform(-10, 40)))
    canvas.paint(at, outline - 2.0, hu.fat)
    wall = _cleft(at, oval(at, half, front, back, square), 4.0)
    canvas.paint(at, wall, _meat(canvas, person, rng))
    half, front, back = profile(z, ROOM)
    room = np.minimum(oval(at, half * waist, front * waist, back, 0.5), wall - 9)
    cage_half, cage_front, cage_back = profile(z, CAGE)
    cage = np.minimum(oval(at, cage_half, cage_front, cage_back, 0.35), wall - 8)
    inner = np.minimum(np.where(at.z > 130, np.maximum(room, cage - 3), room), 200 - at.z)
    canvas.paint(at, np.minimum(inner, at.z + 158), hu.fat - 4)
    above = at.z - diaphragm(at, person)
    lining = np.minimum(np.where(at.z > 105, np.maximum(cage, room), room), above * np.float32(-0.8))
    return Frame(at, wall, room, cage, above, lining)


def diaphragm(at: Places, person: Person) -> Floats:
    """Height of the diaphragm above every place, in atlas mm: two domes that fall off to the ribs."""
    right = np.clip((30 - at.x) / 60, 0, 1)
    peak = np.float32(LEFT_DOME) + np.float32(RIGHT_DOME - LEFT_DOME) * right - np.float32(person.breath_mm)
    across = np.maximum(at.side - 44, 0) / 76
    y = at.y + 8
    along = y * np.where(y > 0, np.float32(1 / 80), np.float32(1 / 104))
    middle = 14 * np.exp(-((at.x / 22) ** 2))
    return np.asarray(peak - 80 * (across * across + along * along) - middle, dtype=np.float32)


def _cleft(at: Places, inside: Floats, apart: float = 0.0) -> Floats:
    """Below the trunk the legs part."""
    depth = np.clip((-178 - at.z) * 0.5, -60, 14 + apart)
    gap = at.side - depth
    return np.where(at.z < -150, np.minimum(inside, gap), inside)


def _meat(canvas: Canvas, person: Person, rng: Rng) -> Floats:
    """Muscle with sheets of fat between its bundles."""
    coarse = waves(rng, canvas.geometry, (22.0, 7.0, 9.0))
    bundles = waves(rng, canvas.geometry, (50.0, 16.0, 16.0))
    thin, thick = (np.float32(a + b * person.visceral) for a, b in ((0.04, 0.10), (0.08, 0.14)))
    sheets = np.clip(1 - np.abs(coarse) / thin, 0, 1) * np.float32(0.6)
    sheets = np.maximum(sheets, np.clip(1.3 - np.abs(bundles) / thick, 0, 1) * np.float32(0.9))
    muscle, fat = person.tissues.muscle, person.tissues.fat
    return np.asarray(muscle + 4 * coarse + (fat - muscle) * sheets, dtype=np.float32)
