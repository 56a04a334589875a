"""Profiles from what NVIDIA's `trtexec` writes.

`--exportProfile` is a JSON list: `{"count": n}`, then for each layer `{"name", "timeMs", "averageMs", "medianMs"
(newer versions), "percentage"}`. `--exportTimes` is a list of runs with `startComputeMs`, `endComputeMs`, `computeMs`,
`latencyMs` and the copies (`inMs`, `outMs` in older versions; `h2dMs`, `d2hMs` in newer ones).

An accelerator shows up as one entry per compiled subgraph, `{ForeignNode[first...last]}`; whatever else stands in its
file ran on the GPU. Layers inside one subgraph cannot be told apart, so they become one group; several files, each
with the subgraph ended elsewhere, give its parts by difference.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from inference.schedule.plan import is_dla
from inference.schedule.profile import Layer, Profile, ProfileInvalid

FOREIGN = re.compile(r"\{ForeignNode\[(?P<first>.+?)\.\.\.(?P<last>.+?)\]\}")
HINT = "Write it with `trtexec --exportProfile=FILE --separateProfileRun`, or --exportTimes for a *-times file."


@dataclass(frozen=True, slots=True)
class LayerTime:
    """One entry of `--exportProfile`: ms of one run, the median where it is given."""

    name: str
    ms: float


@dataclass(frozen=True, slots=True)
class EngineFiles:
    """What was measured of one model.

    Attributes:
        profiles: Files of `--exportProfile` for each device; the GPU's has every layer.
        times: Files of `--exportTimes`: layer times are scaled to this undisturbed total.
        leave_ms: Cost of leaving each device; 0 where it was not measured.
    """

    model: str
    profiles: Mapping[str, tuple[Path, ...]]
    times: Mapping[str, Path]
    leave_ms: Mapping[str, float]


def read_layers(path: Path) -> tuple[LayerTime, ...]:
    """Layers of an `--exportProfile` file, in its order.

    Raises:
        ProfileInvalid: The file is not such a list.
    """
    entries = [entry for entry in _list(path) if "name" in entry]
    if not entries:
        raise ProfileInvalid(f"{path.name} has no layers.", HINT)
    return tuple(LayerTime(str(e["name"]), _number(path, e, ("medianMs", "averageMs"))) for e in entries)


def read_compute_ms(path: Path) -> float:
    """Median time of one run's computing in an `--exportTimes` file.

    Raises:
        ProfileInvalid: The file is not such a list.
    """
    runs = _list(path)
    if not runs:
        raise ProfileInvalid(f"{path.name} has no runs.", HINT)
    return median(_number(path, run, ("computeMs",)) for run in runs)


def read_named(text: str) -> Profile:
    """A profile from `MODEL:gpu=FILE,dla=FILE[,dla=FILE...][,gpu-times=FILE][,gpu-leave-ms=X]`.

    Raises:
        ProfileInvalid: The text or a file is not of that form.
    """
    model, _, rest = text.partition(":")
    profiles: dict[str, tuple[Path, ...]] = {}
    times: dict[str, Path] = {}
    leave: dict[str, float] = {}
    for part in rest.split(","):
        key, _, value = (word.strip() for word in part.partition("="))
        if not key or not value:
            raise ProfileInvalid(f"{text} names no files.", "Write it as MODEL:gpu=FILE,dla=FILE.")
        if key.endswith("-leave-ms"):
            leave[key.removesuffix("-leave-ms")] = _ms(value)
        elif key.endswith("-times"):
            times[key.removesuffix("-times")] = Path(value).expanduser()
        else:
            profiles[key] = (*profiles.get(key, ()), Path(value).expanduser())
    return profile(EngineFiles(model.strip(), profiles, times, leave))


def profile(files: EngineFiles) -> Profile:
    """One profile from a model's files.

    Raises:
        ProfileInvalid: There is no GPU file, a file cannot be read, or a subgraph names layers that the GPU's lacks.
    """
    main = next((device for device in files.profiles if not is_dla(device)), None)
    if main is None:
        raise ProfileInvalid(f"{files.model} has no GPU file.", "Give gpu=FILE: it names every layer.")
    layers = read_layers(files.profiles[main][0])
    own = _scaled([layer.ms for layer in layers], files.times.get(main))
    spans = {d: _subgraphs(files, d, layers) for d in files.profiles if is_dla(d)}
    groups = _groups(len(layers), [cell for cells in spans.values() for cell in cells])
    devices = tuple(files.profiles)
    made = [_layer(first, last, layers, main, own, spans, devices, files.leave_ms) for first, last in groups]
    return Profile(files.model, devices, tuple(made))


def _subgraphs(files: EngineFiles, device: str, layers: Sequence[LayerTime]) -> dict[tuple[int, int], float]:
    """(first layer, last layer) to ms on an accelerator; subgraphs that begin alike are taken apart by difference."""
    found: dict[tuple[int, int], float] = {}
    for path in files.profiles[device]:
        entries = read_layers(path)
        scale = _scaled([entry.ms for entry in entries], files.times.get(device))
        for entry, ms in zip(entries, scale, strict=True):
            match = FOREIGN.search(entry.name)
            if match:
                first, last = (_place(path, layers, match[key]) for key in ("first", "last"))
                found[min(first, last), max(first, last)] = ms
    return _apart(found)


def _apart(found: Mapping[tuple[int, int], float]) -> dict[tuple[int, int], float]:
    parts: dict[tuple[int, int], float] = {}
    before: tuple[int, int, float] | None = None
    for (first, last), ms in sorted(found.items()):
        if before is not None and before[0] == first:
            parts[before[1] + 1, last] = max(0.0, ms - before[2])
        else:
            parts[first, last] = ms
        before = (first, last, ms)
    return parts


def _place(path: Path, layers: Sequence[LayerTime], name: str) -> int:
    """The GPU's layer that a node became part of ("conv1 + relu1")."""
    for number, layer in enumerate(layers):
        if name == layer.name or name in layer.name.split(" + "):
            return number
    raise ProfileInvalid(f"{path.name} has a subgraph at {name}, which the GPU's file lacks.", HINT)


def _groups(count: int, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Layers in groups that no measured subgraph cuts through."""
    joined = {after for first, last in spans for after in range(first, last)}
    groups, first = [], 0
    for number in range(count):
        if number not in joined:
            groups.append((first, number))
            first = number + 1
    return groups


def _layer(
    first: int,
    last: int,
    layers: Sequence[LayerTime],
    main: str,
    own: Sequence[float],
    spans: Mapping[str, Mapping[tuple[int, int], float]],
    devices: tuple[str, ...],
    leave_ms: Mapping[str, float],
) -> Layer:
    name = layers[first].name if first == last else f"{layers[first].name} ... {layers[last].name}"
    ms = dict.fromkeys(devices, 0.0) | {main: math.fsum(own[first : last + 1])}
    legal = dict.fromkeys(devices, False) | {main: True}
    for device, cells in spans.items():
        inside = {cell: t for cell, t in cells.items() if first <= cell[0] and cell[1] <= last}
        covered = {i for a, b in inside for i in range(a, b + 1)}
        legal[device] = covered == set(range(first, last + 1))
        ms[device] = math.fsum(inside.values()) if legal[device] else 0.0
    plain = Layer(name, ms, dict.fromkeys(devices, 0.0), dict.fromkeys(devices, 0.0), legal)
    return replace(plain, transition_ms={device: leave_ms.get(device, 0.0) for device in devices})


def _scaled(ms: Sequence[float], times: Path | None) -> list[float]:
    """Layer times stretched to the engine's undisturbed total: profiling waits after each layer."""
    total = math.fsum(ms)
    factor = 1.0 if times is None or total <= 0 else read_compute_ms(times) / total
    return [value * factor for value in ms]


def _list(path: Path) -> list[dict[str, Any]]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ProfileInvalid(f"{path.name} cannot be read.", "Check the path of the file.") from error
    except ValueError as error:
        raise ProfileInvalid(f"{path.name} is not JSON.", HINT) from error
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        raise ProfileInvalid(f"{path.name} is no list of entries.", HINT)
    return found


def _number(path: Path, entry: Mapping[str, Any], keys: tuple[str, ...]) -> float:
    value = next((entry[key] for key in keys if key in entry), None)
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value) or value < 0:
        raise ProfileInvalid(f"{path.name} has an entry without a time ({' or '.join(keys)}).", HINT)
    return float(value)


def _ms(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise ProfileInvalid(f"{text} is not a time.", "Write milliseconds, as in gpu-leave-ms=0.03.") from error
