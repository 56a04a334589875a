"""From stored values to what a network was trained on. Training and inference call these same functions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from inference.errors import InputRefused
from inference.volume import Floats

MM2_PER_S = {"mm2/s": 1e3, "1e-3 mm2/s": 1.0, "1e-6 mm2/s": 1e-3}
ADC_PLAUSIBLE = (0.3, 3.5)
"""Median ADC of a head with its CSF, in 1e-3 mm2/s."""
RELATIVE = (-1.0, 4.0)
BINS = 200


def window(values: Floats, low: float, high: float) -> Floats:
    """Clip to [low, high] and map linearly to [-1, 1]. Any shape."""
    scaled = np.clip(values, low, high)
    scaled -= low
    scaled *= 2.0 / (high - low)
    scaled -= 1.0
    return np.asarray(scaled, dtype=np.float32)


def zscore(values: Floats, foreground: NDArray[np.bool_]) -> Floats:
    """(x - mean) / std over the foreground, limited to [-5, 10]; 0 outside (nnU-Net ZScore with mask).

    Raises:
        InputRefused: The foreground is empty or holds one constant.
    """
    inside = values[foreground]
    spread = float(inside.std()) if inside.size else 0.0
    if spread < 1e-8:
        raise InputRefused("The image is empty or constant.", "Choose a series that shows anatomy.")
    scaled = np.clip((values - float(inside.mean())) / spread, -5.0, 10.0)
    return np.where(foreground, scaled, 0.0).astype(np.float32)


def adc(values: Floats, foreground: NDArray[np.bool_]) -> Floats:
    """ADC in 1e-3 mm2/s, clipped to 0..4 and mapped to [-1, 1]; 0 outside the foreground."""
    return np.where(foreground, np.clip(values, 0.0, 4.0) / 2.0 - 1.0, 0.0).astype(np.float32)


def relative(values: Floats, foreground: NDArray[np.bool_]) -> Floats:
    """x / the foreground's commonest value - 1, limited to [-1, 4]; 0 outside.

    Healthy tissue lies at 0 whatever the scanner's gain, and neither a large lesion nor the share of fluid moves it,
    as they move a mean and its deviation.

    Raises:
        InputRefused: Nothing in the foreground is above 0.
    """
    inside = values[foreground & (values > 0)]
    if not inside.size:
        raise InputRefused("The image is empty.", "Choose a series that shows anatomy.")
    scaled = np.clip(values / np.float32(commonest(inside)) - 1.0, *RELATIVE)
    return np.where(foreground, scaled, 0.0).astype(np.float32)


def commonest(values: Floats) -> float:
    """Peak of the histogram of positive values, smoothed by 5 % of their median."""
    top = 2.5 * float(np.median(values))
    counts, edges = np.histogram(values, BINS, (0.0, top))
    smooth = ndimage.gaussian_filter1d(counts.astype(np.float64), 0.02 * BINS)
    return float(edges[int(smooth.argmax())] + 0.5 * top / BINS)


def adc_scale(values: Floats, foreground: NDArray[np.bool_], unit: str) -> tuple[float, str]:
    """Factor that brings an ADC map to 1e-3 mm2/s, and a sentence that says how it was found.

    Scanners and archives store ADC as mm2/s, 1e-3 mm2/s or 1e-6 mm2/s. The header's unit decides; where it
    says nothing, the only one of the three that puts the head's median between 0.3 and 3.5 does (the three
    are a factor of 1000 apart, so at most one can).

    Raises:
        InputRefused: No unit gives a head, or the header's unit does not.
    """
    inside = values[foreground & (values > 0)]
    median = float(np.median(inside)) if inside.size else 0.0
    candidates = {unit: MM2_PER_S[unit]} if unit in MM2_PER_S else MM2_PER_S
    for name, factor in candidates.items():
        if ADC_PLAUSIBLE[0] <= median * factor <= ADC_PLAUSIBLE[1]:
            source = "as its header says" if unit in MM2_PER_S else "told from its median, the header names no unit"
            return factor, f"ADC is in {name} ({source})."
    raise InputRefused(
        f"The ADC map has a median of {median:.4g} {unit or '(no unit)'}, which is not a head's.",
        "Check that the series really is an ADC map and export it with its unit.",
    )
