"""Magnetic resonance of the head: signal equations through a scanner's blur, receive field and noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter

from engines.phantom import scanner as physics
from engines.phantom.noise import Rng, enlarge, mottle
from engines.phantom.sampling import sample
from engines.phantom.signal import Scanner, Sequence, draw_scanner, signals, standard_scanner
from engines.phantom.tissue import Tissue
from inference.volume import Channel, Floats, Geometry, Volume

if TYPE_CHECKING:
    from engines.phantom.head import Head

__all__ = ["Sampler", "draw_scanner", "render_mr", "standard_scanner"]

WHITE_LEVEL = 300.0
ADC_LIMIT = 4.5
B0_NOISE = 0.12
MASK_SIGMAS = 4.0


class Sampler:
    """Paints a head's tissues with a channel's values and averages them over the wanted voxels."""

    def __init__(self, head: Head, geometry: Geometry, partial_volume: bool, thickness_mm: float | None) -> None:
        self.head = head
        self.geometry = geometry
        self._partial_volume = partial_volume
        self._thickness_mm = thickness_mm

    def paint(self, values: dict[Tissue, float], ground: float = 0.0) -> Floats:
        """The channel on the head's own grid."""
        grid = np.full(self.head.shape, ground, dtype=np.float32)
        for layer in self.head.layers:
            part = grid[layer.window]
            part += layer.fraction() * (np.float32(values[layer.tissue]) - part)
        return grid

    def pull(self, grid: Floats, outside: float = 0.0) -> Floats:
        """That grid on the wanted voxels."""
        return sample(
            grid,
            self.head.lps_from_index,
            self.geometry,
            outside=outside,
            partial_volume=self._partial_volume,
            thickness_mm=self._thickness_mm,
        )


def render_mr(take: Sampler, channel: Channel, scanner: Scanner, rng: Rng, noise: float, bias: float) -> Volume:
    """One MR channel; DWI and ADC come from the same two noisy images."""
    if channel in (Channel.DWI, Channel.ADC):
        dwi, adc = render_diffusion(take, scanner, noise, bias)
        return dwi if channel is Channel.DWI else adc
    body = np.random.default_rng([take.head.seed, 31])
    values = signals(scanner.sequences[channel], scanner, body)
    clean = take.pull(_texture(take.paint(values), np.random.default_rng([take.head.seed, 32]), 0.022))
    clean *= physics.bias_field(rng, take.geometry, bias * scanner.bias)
    level = values[Tissue.WHITE]
    noisy = physics.rician(rng, clean, noise * scanner.noise * level)
    return Volume(noisy * np.float32(WHITE_LEVEL / level), take.geometry, channel, "", channel.value)


def render_diffusion(take: Sampler, scanner: Scanner, noise: float, bias: float) -> tuple[Volume, Volume]:
    """(DWI, ADC in 1e-3 mm2/s) from a b = 0 and a b-weighted echo-planar image."""
    rng = np.random.default_rng([take.head.seed, 41])
    sequence = scanner.sequences[Channel.DWI]
    still = Sequence(sequence.tr, sequence.te, fat_suppressed=True)
    gain = take.pull(_rims(take.head, rng)) * physics.bias_field(rng, take.geometry, bias * scanner.bias)
    images = []
    for timing, texture in ((still, 0.03), (sequence, 0.035)):
        values = signals(timing, scanner, np.random.default_rng([take.head.seed, 31]))
        grid = _texture(take.paint(values), np.random.default_rng([take.head.seed, 33]), texture)
        images.append(physics.rician(rng, take.pull(grid) * gain, noise * scanner.noise * B0_NOISE))
    b0, dwi = images
    ratio = np.maximum(b0, 1e-6) / np.maximum(dwi, 1e-6)
    adc = np.clip(np.log(ratio) / (sequence.b * 1e-3), 0, ADC_LIMIT).astype(np.float32)
    adc[b0 < MASK_SIGMAS * noise * scanner.noise * B0_NOISE] = 0
    level = signals(sequence, scanner)[Tissue.WHITE]
    scaled = dwi * np.float32(WHITE_LEVEL / level)
    return (
        Volume(scaled, take.geometry, Channel.DWI, "", "DWI"),
        Volume(adc, take.geometry, Channel.ADC, "1e-3 mm2/s", "ADC"),
    )


def _rims(head: Head, rng: Rng) -> Floats:
    """Echo-planar gain near air and the skull base: signal piles up beside it and is lost right at it."""
    skip = max(1, round(4 / head.step_mm))
    coarse = np.zeros(tuple(-(-n // skip) for n in head.shape), dtype=np.float32)
    full = np.zeros(head.shape, dtype=np.float32)
    for layer in head.layers:
        if layer.tissue in (Tissue.AIR, Tissue.PETROUS):
            full[layer.window] = np.maximum(full[layer.window], layer.fraction())
    coarse[:] = gaussian_filter(full, 0.6 * skip)[::skip, ::skip, ::skip]
    near = gaussian_filter(coarse, 7.0 / (skip * head.step_mm))
    patch = gaussian_filter(rng.standard_normal(coarse.shape).astype(np.float32), 3.0)
    patch *= 1 / max(float(patch.std()), 1e-6)
    rise = np.clip(near / 0.12, 0, 1.5) * np.clip(rng.uniform(0.1, 0.75) + 0.3 * patch, 0, 1.5)
    loss = np.clip((near - 0.22) / 0.2, 0, 0.8)
    gain = ((1 + rise) * (1 - loss)).astype(np.float32)
    return enlarge(gain, head.shape, skip)


def _texture(grid: Floats, rng: Rng, strength: float) -> Floats:
    """Slow relative unevenness of tissue signal."""
    wave = mottle(rng, (grid.shape[0], grid.shape[1], grid.shape[2]))
    wave *= np.float32(strength)
    wave += 1
    wave *= grid
    return wave
