"""What the accelerator of a target takes: rules read from one TOML file per target, each with its source."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from engines.surgery.measures import MEASURES
from engines.surgery.net import Net, Node
from engines.surgery.windows import Value
from inference import table
from inference.errors import InputRefused, ManifestInvalid
from inference.result import Precision

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_FOLDER = files("engines.surgery").joinpath("targets")


@dataclass(frozen=True, slots=True)
class Limit:
    """One thing that must hold at a node.

    Attributes:
        measure: What is looked at, a name of `MEASURES`.
        says: What is wrong where it does not hold.
        source: Keys of the rule set's sources.
        least, most: Bounds of every value, themselves allowed.
        among: Every value is one of these words.
        also: Whole tuples, joined by x, that are taken besides.
        whole: Every value is a whole number.
        selects: A node that fails here is another kind of layer.
    """

    measure: str
    says: str
    source: tuple[str, ...]
    least: float | None = None
    most: float | None = None
    among: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    whole: bool = False
    selects: bool = False

    def holds(self, net: Net, node: Node) -> bool:
        values = MEASURES[self.measure](net, node)
        return all(map(self._takes, values)) or "x".join(str(value) for value in values) in self.also

    def _takes(self, value: Value) -> bool:
        if isinstance(value, str) or self.among:
            return str(value) in self.among
        low = self.least is None or value >= self.least
        return low and (self.most is None or value <= self.most) and (not self.whole or value == int(value))


@dataclass(frozen=True, slots=True)
class Layer:
    """A kind of layer: the operations it serves, in which precisions, within which limits."""

    ops: tuple[str, ...]
    precisions: tuple[Precision, ...]
    source: tuple[str, ...]
    limits: dict[str, Limit] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Operations that no limit makes acceptable."""

    ops: tuple[str, ...]
    says: str
    source: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything that is known of a target.

    Attributes:
        loadables: Subgraphs that one core holds at a time.
        internal_bytes: Together for the tensors inside one subgraph.
        notes: What no rule can say.
        sources: What the keys of `source` stand for.
        every: Limits of all layers.
    """

    title: str
    loadables: int
    internal_bytes: int
    notes: tuple[str, ...]
    sources: dict[str, str]
    every: dict[str, Limit]
    layers: dict[str, Layer]
    refused: dict[str, Refusal]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule set says of a node: the rule that decides, whether the node is taken, and why not."""

    taken: bool
    rule: str
    says: str
    source: tuple[str, ...]


def targets() -> tuple[str, ...]:
    """The names of all targets, older first."""
    names = (entry.name.removesuffix(".toml") for entry in _FOLDER.iterdir() if entry.name.endswith(".toml"))
    return tuple(sorted((name for name in names if not _table(name).get("abstract")), key=_age))


@cache
def rules(target: str) -> Rules:
    """The rule set of a target, with what it inherits.

    Raises:
        InputRefused: There is no such target.
        ManifestInvalid: A rule file is wrong.
    """
    if target not in targets():
        raise InputRefused(f"There is no target {target!r}.", f"Choose one of {', '.join(targets())}.")
    found = table.build(Rules, _inherited(target), f"{target}.toml")
    _require_known(found, target)
    return found


def judge(found: Rules, net: Net, node: Node, precision: Precision) -> Finding:
    """What a rule set says of a node in a precision."""
    if node.domain not in ("", "ai.onnx"):
        return Finding(
            False, "unlisted", f"{node.op_type} is an operation of {node.domain}, not of ONNX", ("unlisted",)
        )
    refusal = next(((name, r) for name, r in found.refused.items() if node.op_type in r.ops), None)
    if refusal is not None:
        return Finding(False, f"refused.{refusal[0]}", refusal[1].says, refusal[1].source)
    layers = [(name, layer) for name, layer in found.layers.items() if node.op_type in layer.ops]
    if not layers:
        return Finding(False, "unlisted", f"{node.op_type} stands in no row of the supported layers", ("unlisted",))
    broken = _broken("every", found.every, net, node)
    if broken is not None:
        return broken
    name, layer = next((item for item in layers if _selected(item[1], net, node)), layers[0])
    if precision not in layer.precisions:
        known = ", ".join(p.value for p in layer.precisions)
        return Finding(False, f"{name}.precision", f"this layer computes in {known} only", layer.source)
    return _broken(name, layer.limits, net, node) or Finding(True, name, "", layer.source)


def _broken(name: str, limits: Mapping[str, Limit], net: Net, node: Node) -> Finding | None:
    for key, limit in limits.items():
        if not limit.holds(net, node):
            return Finding(False, f"{name}.{key}", limit.says, limit.source)
    return None


def _selected(layer: Layer, net: Net, node: Node) -> bool:
    return all(limit.holds(net, node) for limit in layer.limits.values() if limit.selects)


def _age(name: str) -> tuple[tuple[int, ...], str]:
    return tuple(int(part) for part in name.rpartition("trt")[2].split(".")), name.replace("xavier", "")


@cache
def _table(name: str) -> dict[str, Any]:
    return tomllib.loads(_FOLDER.joinpath(f"{name}.toml").read_text(encoding="utf-8"))


def _inherited(name: str) -> dict[str, Any]:
    own = {key: value for key, value in _table(name).items() if key != "abstract"}
    parent = own.pop("extends", None)
    return _without_absent(_merged(_inherited(parent), own) if parent else own)


def _merged(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """The base with what the other states in its place; tables are merged key by key."""
    both = {
        key: _merged(base[key], value) if isinstance(value, dict) and isinstance(base.get(key), dict) else value
        for key, value in own.items()
    }
    return {**base, **both}


def _without_absent(found: dict[str, Any]) -> dict[str, Any]:
    return {
        key: _without_absent(value) if isinstance(value, dict) else value
        for key, value in found.items()
        if not (isinstance(value, dict) and value.get("absent") is True)
    }


def _require_known(found: Rules, target: str) -> None:
    limits = [*found.every.values(), *(limit for layer in found.layers.values() for limit in layer.limits.values())]
    layers, refusals = found.layers.values(), found.refused.values()
    cited = [*(e.source for e in limits), *(e.source for e in layers), *(e.source for e in refusals)]
    strange = {limit.measure for limit in limits} - set(MEASURES)
    strange |= {key for keys in cited for key in keys} - set(found.sources)
    if strange or not all(cited):
        names = ", ".join(sorted(strange)) or "a rule without a source"
        raise ManifestInvalid(f"{target}.toml names what is not there: {names}.", "Correct the rules.")
