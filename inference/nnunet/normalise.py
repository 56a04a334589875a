"""nnU-Net's intensity schemes. Each takes and gives float32 of one channel."""

from __future__ import annotations

import numpy as np

from inference.errors import InputRefused
from inference.nnunet.crop import Bools
from inference.nnunet.plan import ChannelPlan, Intensity, Scheme
from inference.volume import Floats

LEAST = 1e-8


def normalised(values: Floats, channel: ChannelPlan, mask: Bools | None) -> Floats:
    """One channel as the network saw it in training.

    Args:
        values: float32 [k, j, i], cropped; may be overwritten.
        mask: Filled nonzero mask; needed where the plan normalises inside it.

    Raises:
        InputRefused: The channel holds one constant or no numbers, or is no 8-bit picture where it must be one.
    """
    _require_image(values, channel.name)
    if channel.normalization_scheme is Scheme.ZSCORE:
        return _zscore(values, mask if channel.use_mask_for_norm else None)
    if channel.normalization_scheme is Scheme.CT and channel.intensity is not None:
        return _ct(values, channel.intensity)
    if channel.normalization_scheme is Scheme.RESCALE:
        values -= values.min()
        values /= max(float(values.max()), LEAST)
    if channel.normalization_scheme is Scheme.RGB:
        _require_8_bit(values, channel.name)
        values /= 255.0
    return values


def _zscore(values: Floats, mask: Bools | None) -> Floats:
    if mask is None:
        mean, spread = values.mean(), values.std()
        values -= mean
        values /= max(spread, LEAST)
        return values
    inside = values[mask]
    values[mask] = (inside - inside.mean()) / max(inside.std(), LEAST)
    return values


def _ct(values: Floats, intensity: Intensity) -> Floats:
    np.clip(values, intensity.percentile_00_5, intensity.percentile_99_5, out=values)
    values -= intensity.mean
    values /= max(intensity.std, LEAST)
    return values


def _require_image(values: Floats, name: str) -> None:
    low, high = float(values.min()), float(values.max())
    if not np.isfinite([low, high]).all():
        raise InputRefused(f"The {name} image holds values that are not numbers.", "Export the series again.")
    if low == high:
        raise InputRefused(f"The {name} image is constant.", "Choose a series that shows anatomy.")


def _require_8_bit(values: Floats, name: str) -> None:
    if values.min() < 0 or values.max() > 255:
        raise InputRefused(f"The {name} image is no 8-bit picture.", "Choose the series the model was trained for.")
