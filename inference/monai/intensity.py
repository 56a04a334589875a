"""MONAI's transforms that change values, in float32 as MONAI has them."""

from __future__ import annotations

import numpy as np

from inference.monai.plan import Change
from inference.volume import Floats


def ranged(values: Floats, change: Change) -> Floats:
    """ScaleIntensityRange: [a_min, a_max] to [b_min, b_max]."""
    width = change.a_max - change.a_min
    if width == 0.0:
        return np.asarray(values - np.float32(change.a_min) + np.float32(change.b_min or 0.0), dtype=np.float32)
    out = (values - np.float32(change.a_min)) / np.float32(width)
    if change.b_min is not None and change.b_max is not None:
        out = out * np.float32(change.b_max - change.b_min) + np.float32(change.b_min)
    return np.asarray(np.clip(out, change.b_min, change.b_max) if change.clip else out, dtype=np.float32)


def scaled(values: Floats, change: Change) -> Floats:
    """ScaleIntensity: from the image's own range to [minv, maxv]."""
    if change.channel_wise:
        return np.stack([_rescaled(one, change.minv, change.maxv) for one in values])
    return _rescaled(values, change.minv, change.maxv)


def normalised(values: Floats, change: Change) -> Floats:
    """NormalizeIntensity: less a mean, divided by a standard deviation, of everything or of what is not zero."""
    if not change.channel_wise:
        return _normal(values, change, 0)
    return np.stack([_normal(one, change, n) for n, one in enumerate(values)])


def _rescaled(values: Floats, low: float | None, high: float | None) -> Floats:
    least, most = values.min(), values.max()
    if least == most:
        return np.asarray(values if low is None else values * np.float32(low), dtype=np.float32)
    share = (values - least) / (most - least)
    if low is None or high is None:
        return np.asarray(share, dtype=np.float32)
    return np.asarray(share * np.float32(high - low) + np.float32(low), dtype=np.float32)


def _normal(values: Floats, change: Change, channel: int) -> Floats:
    inside = values != 0 if change.nonzero else np.ones(values.shape, dtype=bool)
    if not inside.any():
        return values
    seen = values[inside].astype(np.float64)
    mean = change.subtrahend[channel] if change.subtrahend else float(seen.mean())
    spread = change.divisor[channel] if change.divisor else float(seen.std())
    out = (values - np.float32(mean)) / np.float32(spread or 1.0)
    return np.where(inside, out, values).astype(np.float32)
