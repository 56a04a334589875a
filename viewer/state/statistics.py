"""Numbers about the grey values of a volume, from an even sample so that they cost milliseconds."""

from __future__ import annotations

import numpy as np

from inference.volume import Channel, Floats, Volume
from viewer.state.memo import remembered

_SAMPLES = 200_000
_AIR_HU = -900.0


@remembered
def tissue(volume: Volume) -> Floats:
    """(n,) values of measured voxels that are not background, at most some 200 000 of them, evenly taken.

    Background is air (below -900) for CT in HU, and for other channels the lowest value where it fills
    more than a tenth of the volume (the padding around a head).
    """
    values = _sample(volume)
    inside = values[values > _background(values, volume)] if values.size else values
    return inside if inside.size else values


def _background(values: Floats, volume: Volume) -> float:
    if volume.channel is Channel.CT and volume.unit == "HU":
        return _AIR_HU
    lowest = float(values.min())
    return lowest if np.count_nonzero(values == lowest) > 0.1 * values.size else -np.inf


@remembered
def head_threshold(volume: Volume) -> float:
    """Value that parts a head from what surrounds it: half of Otsu's threshold above the background.

    Otsu (IEEE Trans. SMC 9:62, 1979) parts bright tissue from dark; the skin lies below that, the noise further below.
    Where a whole range of thresholds parts them equally well, its middle is taken.
    """
    values = _sample(volume)
    if not values.size or values.min() == values.max():
        return 0.0
    counts, edges = np.histogram(values, bins=256, range=tuple(np.percentile(values, (0.0, 99.5))))
    middles = (edges[1:] + edges[:-1]) / 2.0
    below = np.cumsum(counts)
    above = below[-1] - below
    mass = np.cumsum(counts * middles)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (mass / below - (mass[-1] - mass) / above) ** 2
    best = middles[between >= 0.999 * np.nanmax(between)]
    floor = float(middles[0])
    return floor + 0.5 * (float(best[0] + best[-1]) / 2.0 - floor)


@remembered
def is_constant(volume: Volume) -> bool:
    """Whether a fully read volume has one value everywhere, which no patient has."""
    some = _sample(volume)
    if not some.size or some.min() != some.max() or (volume.valid is not None and not volume.valid.all()):
        return False
    return bool(volume.voxels.min() == volume.voxels.max())


def _sample(volume: Volume) -> Floats:
    step = max(1, volume.voxels.size // _SAMPLES)
    values = volume.voxels.reshape(-1)[::step]
    keep = np.isfinite(values)
    if volume.valid is not None:
        keep &= volume.valid.reshape(-1)[::step]
    return values[keep]
