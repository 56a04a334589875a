"""Computed tomography of the head: tissue HU through a scanner's blur, noise and artefacts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from engines.phantom import scanner as physics
from engines.phantom.mri import Sampler
from engines.phantom.noise import Rng, mottle
from engines.phantom.tissue import PROPERTIES
from inference.volume import Channel, Floats, Volume

AIR_HU = -1000.0


@dataclass(frozen=True, slots=True)
class CtScanner:
    """A CT protocol.

    Attributes:
        noise_hu: Standard deviation of noise in the brain.
        grain_mm: Size of the noise grain (kernel).
        blur_mm: Sigma of the kernel's in-plane blur.
        hardening: 0 none .. 1 strong cupping and streaks.
        table_radius_mm: Radius of the head rest, 0 = none.
        grey_white: Factor on the contrast of grey and white matter (tube voltage).
        texture: HU of slow unevenness of tissue.
    """

    noise_hu: float = 3.2
    grain_mm: float = 0.6
    blur_mm: float = 0.45
    hardening: float = 0.6
    table_radius_mm: float = 128.0
    grey_white: float = 1.0
    texture: float = 1.2


def draw_ct(rng: Rng) -> CtScanner:
    """Another scanner, as a seed decides."""
    u = rng.uniform
    return CtScanner(
        u(1.6, 5.5),
        u(0.4, 1.1),
        u(0.3, 0.8),
        u(0.1, 1.0),
        u(112, 150) if rng.random() < 0.75 else 0.0,
        u(0.75, 1.2),
        u(0.6, 1.8),
    )


def render_ct(take: Sampler, ct: CtScanner, rng: Rng, noise: float) -> Volume:
    """HU on the wanted grid."""
    grid = take.paint({tissue: _hu(p.hu, ct.grey_white) for tissue, p in PROPERTIES.items()}, AIR_HU)
    hu = take.pull(_uneven(grid, rng, ct.texture), AIR_HU)
    geometry = take.geometry
    sigma = ct.blur_mm / geometry.spacing_mm[0]
    hu = gaussian_filter(hu, (0, sigma, sigma), mode="nearest") if sigma > 0.25 else hu
    if ct.table_radius_mm > 0:
        _add_table(hu, take, ct)
    hu += physics.beam_hardening(hu, geometry, ct.hardening) * (hu > -200)
    if noise > 0:
        hu += physics.ct_noise(rng, geometry, noise * ct.noise_hu, ct.grain_mm)
    return Volume(np.clip(np.rint(hu), -1024, 3071).astype(np.float32), geometry, Channel.CT, "HU", "CT")


def _hu(value: float, contrast: float) -> float:
    return 35 + (value - 35) * contrast if 20 < value < 42 else value


def _uneven(grid: Floats, rng: Rng, strength: float) -> Floats:
    """Tissue is never one number: bone varies by a fifth, brain by about one HU."""
    wave = mottle(rng, (grid.shape[0], grid.shape[1], grid.shape[2]))
    return np.where(grid > 200, grid * (1 + 0.12 * wave), grid + strength * wave * (grid > -200)).astype(np.float32)


def _add_table(hu: Floats, take: Sampler, ct: CtScanner) -> None:
    centre = take.head.centre_lps_mm
    shell = physics.table(take.geometry, (float(centre[0]), float(centre[1]) - 12), ct.table_radius_mm)
    free = np.clip((-hu - 400) / 500, 0, 1)
    hu += (110 - hu) * shell * free
