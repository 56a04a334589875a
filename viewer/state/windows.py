"""Which grey values a picture shows: presets, header values, statistics."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from inference.memo import remembered
from inference.volume import Channel, Volume
from viewer.state.palette import read_resource
from viewer.state.statistics import tissue
from viewer.state.view import Window

_ADC_UNITS = {"1e-3 mm2/s": 1.0, "mm2/s": 1e-3, "1e-6 mm2/s": 1e3}

TRUNK_PRESET = "Abdomen"
HEADS_FIELD_MM = 300.0
WHOLE_RANGE = Window(255.0, 127.5)
"""Of a picture in colour, which is shown as it is."""


@dataclass(frozen=True, slots=True)
class Preset:
    """A named window; `key` is the digit that calls it, or None."""

    key: int | None
    name: str
    window: Window


@dataclass(frozen=True, slots=True)
class NamedWindow:
    """A window and where it comes from: a preset's name, "Header", "Auto" or "" for one set by hand."""

    window: Window
    name: str


@remembered
def presets(volume: Volume) -> tuple[Preset, ...]:
    """Presets that make sense for this volume, in the order of their keys."""
    scale = _ADC_UNITS.get(volume.unit, 0.0) if volume.channel is Channel.ADC else 1.0
    return tuple(_preset(row, volume, scale) for row in _table().get(_family(volume), ()))


def preset_for_key(volume: Volume, key: int) -> Preset | None:
    """The preset on a digit, or None where the volume has none there."""
    return next((preset for preset in presets(volume) if preset.key == key), None)


@remembered
def auto_window(volume: Volume) -> Window:
    """Window from the 1st to the 99.5th percentile of measured voxels that are not background."""
    return _percentile_window(volume, 1.0, 99.5)


def default_window(volume: Volume, header: tuple[float, float] | None) -> NamedWindow:
    """Header first, then the channel's first fixed preset (the abdomen's for a CT wider than a head), then statistics.

    Args:
        volume: What is shown.
        header: (width, level) of the series' header, or None.
    """
    if volume.colour is not None:
        return NamedWindow(WHOLE_RANGE, "")
    if header is not None and header[0] > 0:
        window = Window(float(header[0]), float(header[1]))
        return NamedWindow(window, name_of(window, volume) or "Header")
    if _family(volume) in ("CT", "ADC"):
        first = next(
            (one for one in presets(volume) if one.name == TRUNK_PRESET and _is_wide(volume)), presets(volume)[0]
        )
        return NamedWindow(first.window, first.name)
    return NamedWindow(auto_window(volume), "Auto")


def name_of(window: Window, volume: Volume) -> str:
    """Name of the preset that equals this window, "Auto", or ""."""
    match = next((preset.name for preset in presets(volume) if preset.window == window), "")
    return match or ("Auto" if window == auto_window(volume) else "")


def _is_wide(volume: Volume) -> bool:
    return volume.geometry.shape[2] * volume.geometry.spacing_mm[0] > HEADS_FIELD_MM


def _percentile_window(volume: Volume, low: float, high: float) -> Window:
    values = tissue(volume)
    if not values.size:
        return Window(1.0, 0.5)
    bottom, top = (float(value) for value in np.percentile(values, (low, high)))
    width = top - bottom
    return Window(width if width > 0 else 1.0, (top + bottom) / 2.0)


def _family(volume: Volume) -> str:
    if volume.channel is Channel.CT:
        return "CT" if volume.unit == "HU" else "MR"
    if volume.channel is Channel.ADC and volume.unit in _ADC_UNITS:
        return "ADC"
    return "MR"


def _preset(row: dict[str, Any], volume: Volume, scale: float) -> Preset:
    if "low" in row:
        window = _percentile_window(volume, float(row["low"]), float(row["high"]))
    else:
        window = Window(float(row["width"]) * scale, float(row["level"]) * scale)
    return Preset(row.get("key"), str(row["name"]), window)


@lru_cache(maxsize=1)
def _table() -> dict[str, list[dict[str, Any]]]:
    return read_resource("windows.toml")
