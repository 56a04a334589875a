"""A profile: how long each layer of a model takes on each device, and what a cut after it costs.

File format, JSON: `{"model", "devices": [d, ...], "layers": [{"name", "ms": {d: x}, "transition_ms": {d: x},
"bandwidth_gbps": {d: x}, "legal": {d: bool}, "live_bytes"?: n, "memory_bytes"?: n}, ...]}`, layers in order.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NoReturn

from inference.errors import InputRefused
from inference.whole import write_whole

FIELDS = frozenset({"name", "ms", "transition_ms", "bandwidth_gbps", "legal"})
OPTIONAL = frozenset({"live_bytes", "memory_bytes"})
MOST_MS = 1e7
MOST_BYTES = 1 << 50


class ProfileInvalid(InputRefused):
    """A profile has missing, unknown or impossible values."""

    code: ClassVar[str] = "profile_invalid"


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer, or a group of layers between two places where a model may be cut.

    Attributes:
        name: As the graph or the builder calls it.
        ms: Time on each device, running alone; 0 where it is not legal.
        transition_ms: Cost of leaving a device after this layer: the model pays it while it occupies no device.
        bandwidth_gbps: Demand on memory while it runs, 1e9 bytes/s.
        legal: Whether it may run there.
        live_bytes: All tensors alive at a cut after this layer, skips that cross the cut included; None: unknown.
        memory_bytes: Weights and work space; None: unknown.
    """

    name: str
    ms: Mapping[str, float]
    transition_ms: Mapping[str, float]
    bandwidth_gbps: Mapping[str, float]
    legal: Mapping[str, bool]
    live_bytes: int | None = None
    memory_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """A model's layers in the order in which they run, measured on some devices.

    Raises:
        ProfileInvalid: A name is empty or doubled, a device is missing in a layer, a number is negative or not
            finite, or a layer is legal nowhere.
    """

    model: str
    devices: tuple[str, ...]
    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        if not self.model.strip():
            _refuse("A profile has no model name")
        if not self.devices or len(set(self.devices)) != len(self.devices) or not all(self.devices):
            _refuse(f"The profile of {self.model} needs devices, each once")
        if not self.layers:
            _refuse(f"The profile of {self.model} has no layers")
        for number, layer in enumerate(self.layers):
            _check_layer(f"Layer {number} of {self.model}", layer, self.devices)

    @property
    def memory_bytes(self) -> int | None:
        """Sum over the layers; None where one is unknown."""
        known = [layer.memory_bytes for layer in self.layers if layer.memory_bytes is not None]
        return sum(known) if len(known) == len(self.layers) else None


def read(path: Path) -> Profile:
    """Read a profile file.

    Raises:
        ProfileInvalid: The file cannot be read, is not JSON, or does not hold a profile.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ProfileInvalid(f"{path.name} cannot be read.", "Check the path of the profile.") from error
    except ValueError as error:  # JSON, Unicode
        raise ProfileInvalid(f"{path.name} is not JSON.", "Write it with `insula engines profile`.") from error
    return from_document(document)


def write(profile: Profile, path: Path) -> Path:
    """Write a profile file, whole or not at all; folders must exist. Raises OSError."""
    return write_whole(path, json.dumps(to_document(profile), indent=1) + "\n")


def from_document(document: object) -> Profile:
    """A profile from parsed JSON. Raises ProfileInvalid."""
    whole = _object("A profile", document, frozenset({"model", "devices", "layers"}), frozenset())
    model, devices, layers = whole["model"], whole["devices"], whole["layers"]
    if not isinstance(model, str):
        _refuse("A profile's model must be a name")
    if not isinstance(devices, list) or not all(isinstance(d, str) for d in devices):
        _refuse(f"The devices of {model} must be a list of names")
    if not isinstance(layers, list):
        _refuse(f"The layers of {model} must be a list")
    return Profile(model, tuple(devices), tuple(_layer(f"Layer {i} of {model}", one) for i, one in enumerate(layers)))


def to_document(profile: Profile) -> dict[str, Any]:
    """What `from_document` reads."""
    return {
        "model": profile.model,
        "devices": list(profile.devices),
        "layers": [_layer_document(layer) for layer in profile.layers],
    }


def _layer(what: str, found: object) -> Layer:
    fields = _object(what, found, FIELDS, OPTIONAL)
    if not isinstance(fields["name"], str):
        _refuse(f"{what} must have a name")
    tables = {key: fields[key] for key in ("ms", "transition_ms", "bandwidth_gbps", "legal")}
    for key, table in tables.items():
        if not isinstance(table, dict):
            _refuse(f"{what}: {key} must give one value per device")
    return Layer(fields["name"], **tables, live_bytes=fields.get("live_bytes"), memory_bytes=fields.get("memory_bytes"))


def _layer_document(layer: Layer) -> dict[str, Any]:
    counts = {"live_bytes": layer.live_bytes, "memory_bytes": layer.memory_bytes}
    return {
        "name": layer.name,
        "ms": dict(layer.ms),
        "transition_ms": dict(layer.transition_ms),
        "bandwidth_gbps": dict(layer.bandwidth_gbps),
        "legal": dict(layer.legal),
        **{key: value for key, value in counts.items() if value is not None},
    }


def _object(what: str, found: object, needed: frozenset[str], optional: frozenset[str]) -> dict[str, Any]:
    if not isinstance(found, dict):
        _refuse(f"{what} must be a JSON object")
    missing, unknown = needed - set(found), set(found) - needed - optional
    if missing:
        _refuse(f"{what} lacks {', '.join(sorted(missing))}")
    if unknown:
        _refuse(f"{what} has the unknown field {', '.join(sorted(unknown))}")
    return found


def _check_layer(what: str, layer: Layer, devices: tuple[str, ...]) -> None:
    for key in ("ms", "transition_ms", "bandwidth_gbps"):
        _check_numbers(f"{what}: {key}", getattr(layer, key), devices)
    if set(layer.legal) != set(devices) or not all(isinstance(v, bool) for v in layer.legal.values()):
        _refuse(f"{what}: legal must be true or false for {', '.join(devices)}")
    if not any(layer.legal.values()):
        _refuse(f"{what} may run on no device")
    for count in (layer.live_bytes, layer.memory_bytes):
        if count is not None and not (
            isinstance(count, int) and not isinstance(count, bool) and 0 <= count < MOST_BYTES
        ):
            _refuse(f"{what}: bytes must be a whole number from 0")


def _check_numbers(what: str, table: Mapping[str, float], devices: tuple[str, ...]) -> None:
    if set(table) != set(devices):
        _refuse(f"{what} must give one value for each of {', '.join(devices)}")
    for value in table.values():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not math.isfinite(value) or not 0 <= value < MOST_MS:
            _refuse(f"{what} must hold numbers from 0 to {MOST_MS:.0e}")


def _refuse(what: str) -> NoReturn:
    raise ProfileInvalid(f"{what}.", "Correct the profile, or write it again with `insula engines profile`.")
