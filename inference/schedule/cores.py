"""One profiled accelerator core, several of them on the board."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from inference.schedule.profile import Layer, Profile

T = TypeVar("T")


def with_cores(profile: Profile, count: int) -> Profile:
    """A profile whose device "dla" stands for `count` equal cores "dla0", "dla1", ...; unchanged for one core."""
    if count == 1 or "dla" not in profile.devices:
        return profile
    cores = tuple(f"dla{number}" for number in range(count))
    devices = tuple(name for device in profile.devices for name in (cores if device == "dla" else (device,)))
    return Profile(profile.model, devices, tuple(_spread(layer, cores) for layer in profile.layers))


def _spread(layer: Layer, cores: tuple[str, ...]) -> Layer:
    def over(table: Mapping[str, T]) -> dict[str, T]:
        others = {device: value for device, value in table.items() if device != "dla"}
        return others | dict.fromkeys(cores, table["dla"])

    return replace(
        layer,
        ms=over(layer.ms),
        transition_ms=over(layer.transition_ms),
        bandwidth_gbps=over(layer.bandwidth_gbps),
        legal=over(layer.legal),
    )
