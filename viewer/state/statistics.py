"""Numbers about the grey values of a volume, from an even sample so that they cost milliseconds."""

from __future__ import annotations

from math import gcd

import numpy as np

from inference.memo import remembered
from inference.volume import Channel, Floats, Volume

_SAMPLES = 200_000
_AIR_HU = -900.0


@remembered
def tissue(volume: Volume) -> Floats:
    """(n,) values of measured voxels that are not background, at most some 200 000 of them, evenly taken.

    Background is air (below -900) for CT in HU; for other channels all that lies in the lowest third below Otsu's
    threshold, which takes padding and noise away and leaves dark fluid.
    """
    values = _sample(volume)
    air = _AIR_HU if volume.channel is Channel.CT and volume.unit == "HU" else _parting(values, 0.3)
    inside = values[values > air]
    return inside if inside.size else values


@remembered
def head_threshold(volume: Volume) -> float:
    """Value that parts a head from what surrounds it: halfway between the background and Otsu's threshold.

    Otsu's threshold parts bright tissue from dark; the skin lies below that, the noise further below.
    """
    return _parting(_sample(volume), 0.5)


def _parting(values: Floats, share: float) -> float:
    """A share of the way from the darkest values to Otsu's threshold (IEEE Trans. SMC 9:62, 1979).

    Where a whole range of thresholds parts the values equally well, its middle is taken.
    """
    if not values.size or values.min() == values.max():
        return float(values.max()) if values.size else 0.0
    low, high = np.percentile(values, (0.5, 99.5))
    ends = (float(low), float(high)) if low < high else (float(values.min()), float(values.max()))
    counts, edges = np.histogram(values, bins=256, range=ends)
    middles = (edges[1:] + edges[:-1]) / 2.0
    below = np.cumsum(counts)
    above = below[-1] - below
    mass = np.cumsum(counts * middles)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (mass / below - (mass[-1] - mass) / above) ** 2
    if np.isnan(between).all():  # all but a few outliers are alike
        return ends[0] + share * (ends[1] - ends[0])
    best = middles[between >= 0.999 * np.nanmax(between)]
    return ends[0] + share * (float(best[0] + best[-1]) / 2.0 - ends[0])


@remembered
def is_constant(volume: Volume) -> bool:
    """Whether a fully read volume has one value everywhere, which no patient has."""
    some = _sample(volume)
    if not some.size or some.min() != some.max() or (volume.valid is not None and not volume.valid.all()):
        return False
    return bool(volume.voxels.min() == volume.voxels.max())


def _sample(volume: Volume) -> Floats:
    step = max(1, volume.voxels.size // _SAMPLES)
    while gcd(step, volume.voxels.shape[2]) > 1:  # else the same few columns would be taken from every row
        step += 1
    # By index, since flattening what is broadcast or strided would copy all of it.
    at = np.unravel_index(np.arange(0, volume.voxels.size, step), volume.voxels.shape)
    values = volume.voxels[at]
    keep = np.isfinite(values)
    if volume.valid is not None:
        keep &= volume.valid[at]
    return values[keep]
