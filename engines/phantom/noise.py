"""Smooth random fields: periodic cubes of band-limited noise that any point can be looked up in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates

from inference.volume import Floats

Rng = np.random.Generator
CUBE = 64
SAMPLES_PER_WAVE = 9.0


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """A periodic scalar field.

    Attributes:
        cube: float32 (64, 64, 64), zero mean, unit variance.
        step_mm: Distance between the cube's samples.
    """

    cube: Floats
    step_mm: float

    def at(self, x: Floats, y: Floats, z: Floats) -> Floats:
        """Values at points in mm; the three arrays share one shape."""
        points = np.stack([np.broadcast_to(a, x.shape) for a in (z, y, x)]) / np.float32(self.step_mm)
        return map_coordinates(self.cube, points, order=1, mode="grid-wrap", output=np.float32)


def slow(field: Field, x: Floats, y: Floats, z: Floats, skip: int = 3) -> Floats:
    """`field.at` looked up on every `skip`-th point and interpolated between: for waves much longer than the step."""
    if min(x.shape) <= 2 * skip:
        return field.at(x, y, z)
    part = tuple(slice(None, None, skip) for _ in range(3))
    values = field.at(x[part], y[part], z[part])
    return enlarge(values, (x.shape[0], x.shape[1], x.shape[2]), skip)


def mottle(rng: Rng, shape: tuple[int, int, int], skip: int = 3) -> Floats:
    """Slow unevenness of about unit variance on a grid: noise of every `skip`-th point, interpolated between."""
    coarse = grid_noise(rng, tuple(-(-n // skip) + 1 for n in shape), (0.7, 0.7, 0.7))  # type: ignore[arg-type]
    return enlarge(coarse, shape, skip)


def enlarge(values: Floats, shape: tuple[int, int, int], skip: int) -> Floats:
    """Linear interpolation of a grid that holds every `skip`-th point of `shape`."""
    for axis in range(3):
        values = _stretch(values, axis, shape[axis], skip)
    return values


def _stretch(values: Floats, axis: int, size: int, skip: int) -> Floats:
    place = np.minimum(np.arange(size, dtype=np.float32) / skip, values.shape[axis] - 1)
    first = np.minimum(place.astype(int), max(values.shape[axis] - 2, 0))
    shape = [1, 1, 1]
    shape[axis] = size
    share = (place - first).astype(np.float32).reshape(shape)
    low: Floats = np.take(values, first, axis=axis)
    high: Floats = np.take(values, np.minimum(first + 1, values.shape[axis] - 1), axis=axis)
    high -= low
    high *= share
    low += high
    return low


def band_noise(rng: Rng, wave_mm: float, octaves: float = 0.5) -> Field:
    """Isotropic noise whose wavelengths lie about `wave_mm` (a Gaussian band, `octaves` wide)."""
    frequency, step = _frequencies(wave_mm)
    band = np.exp(-0.5 * (np.log2(np.maximum(frequency, 1e-9) * wave_mm) / octaves) ** 2)
    return Field(_unit(np.fft.irfftn(_white(rng) * band, s=(CUBE,) * 3, axes=(0, 1, 2))), step)


def sheet_field(rng: Rng, wave_mm: float) -> Field:
    """Signed distance in mm to the zero sheets of band noise, by its local phase: folds as in a labyrinth."""
    noise = band_noise(rng, wave_mm, 0.28)
    slopes = [np.gradient(np.pad(noise.cube, 1, mode="wrap"), axis=a)[1:-1, 1:-1, 1:-1] for a in range(3)]
    slope = np.sqrt(sum(s * s for s in slopes)) / noise.step_mm
    scale = wave_mm / (2 * np.pi)
    return Field((np.arctan2(noise.cube, scale * slope + 1e-6) * scale).astype(np.float32), noise.step_mm)


def grid_noise(rng: Rng, shape: tuple[int, int, int], sigma: tuple[float, float, float]) -> Floats:
    """Correlated noise of unit variance on a grid: white noise through a Gaussian of `sigma` voxels (k, j, i)."""
    white = rng.standard_normal(shape, dtype=np.float32)
    return _unit(gaussian_filter(white, sigma, mode="wrap"))


def _frequencies(wave_mm: float) -> tuple[NDArray[np.float64], float]:
    step = wave_mm / SAMPLES_PER_WAVE
    full, half = np.fft.fftfreq(CUBE, step), np.fft.rfftfreq(CUBE, step)
    return np.sqrt(full[:, None, None] ** 2 + full[None, :, None] ** 2 + half[None, None, :] ** 2), step


def _white(rng: Rng) -> NDArray[np.complex128]:
    return np.asarray(np.fft.rfftn(rng.standard_normal((CUBE,) * 3)))


def _unit(values: NDArray[np.float64] | Floats) -> Floats:
    centred = values - values.mean()
    return np.asarray(centred / max(float(centred.std()), 1e-9), dtype=np.float32)
