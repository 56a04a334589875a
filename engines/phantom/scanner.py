"""What scanners add: CT noise, cupping, streaks and the table; MR bias, Rician noise, EPI rims."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter, gaussian_filter1d, zoom

from engines.phantom.noise import Rng, grid_noise
from inference.volume import Floats, Geometry


def ct_noise(rng: Rng, geometry: Geometry, sigma_hu: float, grain_mm: float = 0.75) -> Floats:
    """Correlated CT noise: a band-pass of white noise (ramp filter times kernel), slices nearly independent."""
    grain = grain_mm / geometry.spacing_mm[0]
    fine = grid_noise(rng, geometry.shape, (0.15, grain, grain))
    coarse = gaussian_filter(fine, (0, 2.2 * grain, 2.2 * grain), mode="wrap")
    noise = fine - 0.75 * coarse
    return np.asarray(noise * np.float32(sigma_hu / max(float(noise.std()), 1e-6)), dtype=np.float32)


def beam_hardening(hu: Floats, geometry: Geometry, strength: float) -> Floats:
    """HU to add: brain brighter beside the vault (cupping), dark bands between dense bones of one slice."""
    bone = np.clip((hu - 300) / 1000, 0, 1.5).astype(np.float32)
    mm = geometry.spacing_mm[0]
    near = gaussian_filter(bone, (0, 11 / mm, 11 / mm))
    path = _band(bone, 2, mm) * 1.0
    shade = np.clip(path - 0.35, 0, 1)
    return np.asarray(np.float32(strength) * (9.0 * near - 14.0 * shade), dtype=np.float32)


def _band(bone: Floats, axis: int, mm: float) -> Floats:
    """Dense bone to the left and to the right of each voxel, both at once: where beams harden most."""
    smooth = gaussian_filter1d(bone, 3.0 / mm, axis=1)
    before = np.cumsum(smooth, axis=axis)
    total = np.take(before, [-1], axis=axis)
    return np.asarray(np.minimum(before, total - before) * np.float32(mm / 45), dtype=np.float32)


def table(geometry: Geometry, centre_lps_mm: tuple[float, float], radius_mm: float, shell_mm: float = 3.0) -> Floats:
    """Fraction 0..1 of a curved head rest below the head: a shell open to the front."""
    j, i = np.meshgrid(np.arange(geometry.shape[1]), np.arange(geometry.shape[2]), indexing="ij")
    world = geometry.world_from_index(np.stack([i, j, np.zeros_like(i)], axis=-1))
    x, y = world[..., 0] - centre_lps_mm[0], world[..., 1] - centre_lps_mm[1]
    reach = np.hypot(x, y * 0.96)
    edge = geometry.spacing_mm[0]
    ring = np.clip((shell_mm / 2 - np.abs(reach - radius_mm)) / edge + 0.5, 0, 1)
    return np.asarray(ring * np.clip((y + 0.18 * radius_mm) / edge, 0, 1), dtype=np.float32)


def bias_field(rng: Rng, geometry: Geometry, strength: float) -> Floats:
    """Smooth receive gain about 1: coils near the skin and a random slow wave."""
    k, j, i = (np.linspace(-1, 1, n, dtype=np.float32) for n in geometry.shape)
    radius = np.sqrt(k[:, None, None] ** 2 + j[None, :, None] ** 2 + i[None, None, :] ** 2)
    coarse = rng.standard_normal((4, 4, 4)).astype(np.float32)
    slow = zoom(coarse, [n / 4 for n in geometry.shape], order=3, mode="nearest", grid_mode=True)
    return np.asarray(np.exp(np.float32(strength) * (0.9 * (radius - 0.6) + 0.8 * slow)), dtype=np.float32)


def rician(rng: Rng, magnitude: Floats, sigma: float) -> Floats:
    """Magnitude of a complex signal with Gaussian noise in both channels (Gudbjartsson & Patz 1995)."""
    if sigma <= 0:
        return magnitude
    real = magnitude + np.float32(sigma) * rng.standard_normal(magnitude.shape, dtype=np.float32)
    other = np.float32(sigma) * rng.standard_normal(magnitude.shape, dtype=np.float32)
    return np.asarray(np.hypot(real, other), dtype=np.float32)
