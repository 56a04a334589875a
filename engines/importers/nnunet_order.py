"""What goes to and comes from the process that opens checkpoints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Order:
    """What to convert, and where the graph goes."""

    source: str
    folds: tuple[str, ...]
    checkpoint: str
    heads: int
    channels: int
    model: str
    trust: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """What only checkpoints know."""

    configuration: str
    trainer_name: str
    allowed_mirroring_axes: tuple[int, ...]
    network_class_name: str


def resolved(plans: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A configuration of plans.json with what it inherits."""
    own = dict(plans["configurations"][name])
    parent = own.pop("inherits_from", None)
    return own if parent is None else {**resolved(plans, parent), **own}
