"""The scanner: where its slices lie, and blur, noise and field of view of the picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from engines.phantom import scanner as physics
from engines.phantom.noise import Rng
from engines.phantom.trunk.person import Person
from inference.volume import Floats, Geometry

METAL_HU, STREAK_HU = 2000.0, 260.0
RANGES = (
    (-215.0, 120.0, 0.12),
    (-200.0, 250.0, 0.34),
    (-30.0, 260.0, 0.16),
    (60.0, 440.0, 0.14),
    (-200.0, 430.0, 0.24),
)
"""Lowest and highest slice in atlas mm of usual protocols, and how often each is made."""


@dataclass(frozen=True, slots=True)
class Scan:
    """A protocol as one seed draws it.

    Attributes:
        noise_hu, grain_mm: Size of the noise in soft tissue, and of its grain.
        blur_mm: Sigma of the kernel in the slice.
        streak_hu: Noise in rows that cross much bone.
        circle: Whether nothing is measured outside the field's circle.
    """

    geometry: Geometry
    noise_hu: float
    grain_mm: float
    blur_mm: float
    streak_hu: float
    circle: bool


def draw_scan(rng: Rng, person: Person) -> Scan:
    """Another protocol."""
    u = rng.uniform
    low, high, _ = RANGES[rng.choice(len(RANGES), p=[share for *_, share in RANGES])]
    low, high = low + u(-25, 30), high + u(-35, 25)
    in_plane, apart = float(u(2.5, 3.4)), float(u(2.8, 5.0))
    arms = 0.0 if person.arms_up else float(u(-20, 70))
    half = 168 * person.scale[0] + person.fat_mm[1] + 10 + arms + u(-22, 50)
    front = 102 * person.scale[1] + person.fat_mm[0] + u(0, 40) + 12
    back = 108 * person.scale[1] + person.fat_mm[2] + u(-6, 50)
    if rng.random() < 0.5:
        front = back = max(half, 150)
    origin = (-half + u(-12, 12), -front, low * person.scale[2])
    shape = (int((high - low) * person.scale[2] / apart), int((front + back) / in_plane), int(2 * half / in_plane))
    geometry = Geometry.from_axes(shape, (in_plane, in_plane, apart), origin)
    return Scan(geometry, float(np.exp(u(np.log(4), np.log(32)))), float(u(0.6, 1.6)), float(u(0.3, 1.3)),
                float(u(0, 14)), bool(rng.random() < 0.3 and front == back))  # fmt: skip


def seen(hu: Floats, scan: Scan, rng: Rng) -> Floats:
    """The picture that this scanner makes of the body."""
    mm = scan.geometry.spacing_mm
    sigma = scan.blur_mm / mm[0]
    picture = gaussian_filter(hu, (0, sigma, sigma), mode="nearest") if sigma > 0.2 else hu.copy()
    picture += physics.ct_noise(rng, scan.geometry, scan.noise_hu, scan.grain_mm)
    bone = np.clip((hu - 250) / 800, 0, 1.5).sum(axis=2, keepdims=True) * np.float32(mm[0] / 60)
    rows = gaussian_filter1d(rng.standard_normal(hu.shape, dtype=np.float32), 9, axis=2) * np.float32(5.0)
    picture += rows * np.minimum(bone, 2) * np.float32(scan.streak_hu)
    _add_metal_streaks(picture, hu, rng)
    if scan.circle:
        picture[:, _outside(scan.geometry)] = -1024
    return np.asarray(np.clip(np.rint(picture), -1024, 3071), dtype=np.float32)


def _add_metal_streaks(picture: Floats, hu: Floats, rng: Rng) -> None:
    """Bright and dark rays round metal, weaker with distance."""
    metal = hu > METAL_HU
    for k in np.flatnonzero(metal.any(axis=(1, 2))):
        j, i = (float(v) for v in np.argwhere(metal[k]).mean(axis=0))
        rows, columns = np.ogrid[: hu.shape[1], : hu.shape[2]]
        angle = np.arctan2(rows - j, columns - i)
        rays = gaussian_filter1d(rng.standard_normal(360), 3.0, mode="wrap") * 4.0
        turn = ((angle + np.pi) * (180 / np.pi)).astype(int) % 360
        reach = np.hypot(rows - j, columns - i)
        picture[k] += (rays[turn] * STREAK_HU * np.exp(-reach / 25) * np.sqrt(metal[k].sum() / 40)).astype(np.float32)


def _outside(geometry: Geometry) -> np.ndarray:
    j, i = np.ogrid[-1 : 1 : geometry.shape[1] * 1j, -1 : 1 : geometry.shape[2] * 1j]
    return np.asarray(i * i + j * j > 1)
