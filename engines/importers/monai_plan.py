"""From a bundle's metadata.json and inference.json to the plan that runs here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engines.importers.labels import plain
from engines.importers.monai_after import after
from engines.importers.monai_changes import changes
from engines.importers.monai_config import Config, Part, refused
from engines.importers.monai_words import Words
from inference.monai.plan import Decision, Kind, Plan, faults

WINDOWS = ("SlidingWindowInferer", "SlidingWindowInfererAdapt")
# Arguments of the window that change where and how fast it is computed and nothing that comes out.
ELSEWHERE = (
    "sw_batch_size",
    "sw_device",
    "progress",
    "cpu_thresh",
    "cache_roi_weight_map",
    "buffer_steps",
    "buffer_dim",
)


@dataclass(frozen=True, slots=True)
class Network:
    """What answers windows: a class of MONAI's and its arguments; no name: TorchScript alone knows."""

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Read:
    """A bundle's configuration.

    Attributes:
        channels: The model's own names for what it looks at.
        assumed: Sentences.
    """

    plan: Plan
    network: Network
    channels: tuple[str, ...]
    title: str
    licence: str
    assumed: tuple[str, ...]


def read_config(metadata: Mapping[str, Any], inference: Mapping[str, Any]) -> Read:
    """Everything that the two files decide.

    Raises:
        InputRefused: Something in them cannot be done exactly here; it is named.
    """
    config = Config(inference)
    channels, image = _channels(metadata)
    before = changes(config.parts("preprocessing"), config)
    activation, decision, threshold = after(config, before)
    labels, assumed = _labels(metadata, decision)
    network = _network(config)
    window = Words(_window(config), config)
    plan = Plan(
        before,
        *_sliding(window),
        activation,
        decision,
        threshold,
        len(channels),
        labels,
        network.name or "TorchScript",
        plain(metadata.get("version", ""), "of no version"),
    )
    wrong = faults(plan)
    if wrong:
        raise refused("; ".join(wrong))
    if not any(change.kind is Kind.ORIENTATION for change in before):
        assumed = (*assumed, "axes as the series stores them: the bundle does not turn them (no Orientationd)")
    read = {key: plain(metadata.get(key, ""), most=200) for key in ("name", "copyright")}
    return Read(plan, network, channels, read["name"], read["copyright"], (*image, *assumed))


def _window(config: Config) -> Part:
    part = config.part("inferer")
    if part.name not in WINDOWS:
        raise refused(f"its inferer is a {part.name}, not a sliding window")
    return part


def _sliding(words: Words) -> tuple[tuple[int, ...], tuple[float, ...], bool, float, float | None]:
    """roi_size, overlap, gaussian, sigma_scale, cval."""
    for name in ELSEWHERE:
        words.drop(name)
    words.only("padding_mode", "constant", "replicate")
    words.only("roi_weight_map", None)
    words.only("with_coord", False)
    mode = words.get("mode", "constant")
    if mode not in ("constant", "gaussian"):
        raise refused(f"its sliding window has mode = {mode!r}")
    size = words.numbers("roi_size", None)
    if min(size) < 1:
        raise refused("its windows are as large as the image, which a fixed graph cannot be")
    overlap, sigma = words.numbers("overlap", 0.25), words.numbers("sigma_scale", 0.125)
    if len(set(sigma)) != 1:
        raise refused("its Gaussian differs between axes")
    repeats = words.get("padding_mode", "constant") == "replicate"
    cval = None if repeats else words.number("cval", 0.0) or 0.0
    words.drop("cval")
    words.require_all_read()
    return tuple(int(n) for n in size), overlap, mode == "gaussian", sigma[0], cval


def _channels(metadata: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the input's channels, and what was assumed of them."""
    inputs = _format(metadata, "inputs")
    if list(inputs) != ["image"]:
        raise refused(f"it takes {', '.join(inputs) or 'nothing'}, not one image")
    image = inputs["image"]
    count, named = image.get("num_channels"), image.get("channel_def") or {}
    if not isinstance(count, int) or isinstance(count, bool) or not 0 < count <= 16 or not isinstance(named, Mapping):
        raise refused("metadata.json does not say how many channels the image has")
    modality = str(image.get("modality", "")).upper()
    if count == 1 and modality == "CT":
        return ("CT",), ()
    return tuple(plain(named.get(str(n), ""), f"channel {n}") for n in range(count)), ()


def _labels(metadata: Mapping[str, Any], decision: Decision) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the mask's values from 1 on, and what was assumed of them."""
    outputs = _format(metadata, "outputs")
    answer = outputs.get("pred") or (next(iter(outputs.values())) if len(outputs) == 1 else None)
    if not isinstance(answer, Mapping):
        raise refused("metadata.json does not describe its answer")
    named, count = answer.get("channel_def") or {}, answer.get("num_channels")
    if not isinstance(named, Mapping) or not isinstance(count, int) or isinstance(count, bool) or not 0 < count < 257:
        raise refused("metadata.json does not say how many channels its answer has")
    if decision is Decision.THRESHOLD:
        if count != 1 and len(named) != 1:
            raise refused("channels of its answer may overlap, and a mask has one label at a place")
        name = plain(named.get("1") or named.get("0") or "", "label 1")
        return (name,), () if named else ("its label has no name",)
    count = max(count, len(named))
    missing = [n for n in range(1, count) if str(n) not in named]
    names = tuple(plain(named.get(str(n), ""), f"label {n}") for n in range(1, count))
    return names, (f"labels {', '.join(map(str, missing))} have no names",) if missing else ()


def _format(metadata: Mapping[str, Any], which: str) -> Mapping[str, Any]:
    whole = metadata.get("network_data_format")
    found = whole.get(which) if isinstance(whole, Mapping) else None
    if not isinstance(found, Mapping) or not all(isinstance(one, Mapping) for one in found.values()):
        raise refused(f"metadata.json has no network_data_format with {which}")
    return found


def _network(config: Config) -> Network:
    """The network_def, if it is one; its arguments are plain data or nothing."""
    if not config.has("network_def"):
        return Network("", {})
    part = config.part("network_def")
    arguments = {name: _plain(config.value(found), name) for name, found in part.arguments.items()}
    return Network(part.name, arguments)


def _plain(found: Any, where: str) -> Any:
    if isinstance(found, Mapping):
        if any(str(key).startswith("_") for key in found):
            raise refused(f"network_def makes an object for {where}")
        return {key: _plain(one, where) for key, one in found.items()}
    if isinstance(found, list):
        return [_plain(one, where) for one in found]
    if isinstance(found, str) and found.startswith(("$", "@", "%")):
        raise refused(f"network_def computes {where} ({found[:60]})")
    return found
