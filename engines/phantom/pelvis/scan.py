"""The scanner of a digital pelvis: where its slices lie, and what coils, noise and matrix do to them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from engines.phantom.noise import Rng
from engines.phantom.pelvis.man import Man
from engines.phantom.scanner import bias_field, rician
from inference.steps.resample import isotropic_like, to_grid
from inference.volume import Floats, Geometry, Points

PARTS = 2
"""Painted layers per slice, averaged: the partial volume of thick slices."""


@dataclass(frozen=True, slots=True, eq=False)
class Protocol:
    """One axial T2 series.

    Attributes:
        fine: The grid that is painted, `PARTS` layers a slice, atlas LPS mm.
        slices: The same in plane, one layer a slice.
        stored: What the scanner writes down: pixels interpolated to its matrix.
        noise: Standard deviation of each receive channel, fat = 1.
        bias: Strength of the receive field.
        surface: How much brighter it is near the skin in front and behind.
        blur: Of the echo train, in pixels.
        ghost: Share of a ghost of motion along the rows.
        level: Brightness of fat in the stored numbers.
    """

    fine: Geometry
    slices: Geometry
    stored: Geometry
    noise: float
    bias: float
    surface: float
    blur: float
    ghost: float
    level: float


def draw_protocol(man: Man, rng: Rng) -> Protocol:
    """Slices that show the whole gland, tilted and shifted as technicians do it."""
    _, _, c = man.gland.half_mm
    field = float(rng.choice([rng.uniform(162, 205), rng.uniform(180, 250)]))
    step = float(np.clip(rng.uniform(0.62, 0.85), field / 300, 0.9))
    gap = float(rng.choice([3.0, 3.0, 3.3, 3.6, 4.0]))
    below, above = float(rng.uniform(5, 26)), float(rng.uniform(6, 32)) + 0.5 * man.gland.median_mm
    count = int(np.clip(np.ceil((2 * c + below + above) / gap), 14, 30))
    side = round(field / step)
    turn = _turn(np.radians(rng.normal(0, 1, 3) * [9.0, 3.0, 3.0]))
    middle = np.array([rng.normal(0, 5), rng.normal(4, 9), (above - below) / 2])
    fine = _grid(turn, middle, (side, side, count * PARTS), (step, step, gap / PARTS))
    slices = _grid(turn, middle, (side, side, count), (step, step, gap))
    matrix = round(field / float(rng.uniform(0.38, 0.72)))
    stored = _grid(turn, middle, (matrix, matrix, count), (field / matrix, field / matrix, gap))
    return Protocol(
        fine,
        slices,
        stored,
        noise=float(np.exp(rng.uniform(np.log(0.012), np.log(0.085)))),
        bias=float(rng.uniform(0.02, 0.28)),
        surface=float(rng.uniform(0, 0.9)) if rng.random() < 0.6 else 0.0,
        blur=float(rng.uniform(0, 0.65)),
        ghost=float(rng.uniform(0, 0.05)) if rng.random() < 0.35 else 0.0,
        level=float(np.exp(rng.uniform(np.log(150), np.log(1500)))),
    )


def scanned(image: Floats, protocol: Protocol, coil: Points | None, rng: Rng) -> Floats:
    """The stored picture of a painted one.

    Args:
        image: Brightness on the fine grid, fat = 1.
        coil: Where in the atlas a coil in the rectum lies, mm; None: there is none.
    """
    picture = np.asarray(averaged(image) * _gain(protocol, rng), dtype=np.float32)
    if protocol.surface or coil is not None:
        picture *= _near_coils(protocol, coil)
    if protocol.blur > 0.15:
        picture = gaussian_filter(picture, (0, protocol.blur, 0.6 * protocol.blur))
    if protocol.ghost:
        shift = int(rng.integers(picture.shape[1] // 8, picture.shape[1] // 2))
        picture += np.float32(protocol.ghost) * np.roll(picture, shift, axis=1)
    noisy = rician(rng, picture, protocol.noise)
    stored = to_grid(noisy, protocol.slices, protocol.stored) * np.float32(protocol.level)
    return np.asarray(np.rint(stored), dtype=np.float32)


def averaged(image: Floats) -> Floats:
    """The painted layers of each slice averaged."""
    k, j, i = image.shape
    return np.asarray(image.reshape(k // PARTS, PARTS, j, i).mean(axis=1), dtype=np.float32)


def _gain(protocol: Protocol, rng: Rng) -> Floats:
    x, y, z = protocol.slices.spacing_mm
    coarse = isotropic_like(protocol.slices, (4 * x, 4 * y, z))
    return to_grid(bias_field(rng, coarse, protocol.bias), coarse, protocol.slices, fill=1.0)


def _near_coils(protocol: Protocol, coil: Points | None) -> Floats:
    j, i = (np.linspace(-1, 1, n, dtype=np.float32) for n in protocol.slices.shape[1:])
    skin = np.exp(np.float32(protocol.surface) * (1.1 * j[:, None] ** 2 + 0.5 * i[None, :] ** 2 - 0.4))[None]
    if coil is None:
        return np.asarray(skin, dtype=np.float32)
    index = np.moveaxis(np.indices(protocol.slices.shape)[::-1], 0, -1)
    away = np.linalg.norm(protocol.slices.world_from_index(index) - coil, axis=-1)
    return np.asarray(skin * (1 + 5.0 / (1 + (away / 22.0) ** 2.5)), dtype=np.float32)


def _turn(angles: Points) -> Points:
    (ca, cb, cc), (sa, sb, sc) = np.cos(angles), np.sin(angles)
    pitch = np.array([[1, 0, 0], [0, ca, -sa], [0, sa, ca]])
    roll = np.array([[cb, 0, sb], [0, 1, 0], [-sb, 0, cb]])
    yaw = np.array([[cc, -sc, 0], [sc, cc, 0], [0, 0, 1]])
    return np.asarray(yaw @ roll @ pitch)


def _grid(turn: Points, middle: Points, size: tuple[int, int, int], spacing_mm: tuple[float, float, float]) -> Geometry:
    half = (np.array(size) - 1) / 2 * np.array(spacing_mm)
    return Geometry.from_axes((size[2], size[1], size[0]), spacing_mm, middle - turn @ half, turn)
