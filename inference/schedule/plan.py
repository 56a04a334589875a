"""A plan: each model cut into segments, each segment on a device, and who goes first."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from inference.schedule.profile import Profile, ProfileInvalid

LOADABLES = 16
"""Compiled subgraphs that one DLA core holds at a time, over all engines (NVIDIA, TensorRT Developer Guide)."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Layers `first` to `last`, both included and counted from 0, on one device."""

    device: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """A model's segments in the order in which they run."""

    model: str
    segments: tuple[Segment, ...]

    @property
    def cuts(self) -> int:
        return len(self.segments) - 1


@dataclass(frozen=True, slots=True)
class Plan:
    """What runs where.

    Attributes:
        models: One for each profile, in the profiles' order.
        order: (model, segment) numbers; segments of one device run in this order. Empty: first come, first served.
    """

    models: tuple[ModelPlan, ...]
    order: tuple[tuple[int, int], ...] = ()


def whole(profile: Profile, device: str) -> ModelPlan:
    """A model uncut on one device."""
    return ModelPlan(profile.model, (Segment(device, 0, len(profile.layers) - 1),))


def unique_names(plan: Plan) -> tuple[str, ...]:
    """A name for each model; two instances of one model are told apart by a number."""
    names = [model.model for model in plan.models]
    count = Counter(names)
    return tuple(n if count[n] == 1 else f"{n} #{names[: i + 1].count(n)}" for i, n in enumerate(names))


def is_legal(profile: Profile, segment: Segment) -> bool:
    """Whether every layer of a segment may run on its device."""
    return all(layer.legal.get(segment.device, False) for layer in profile.layers[segment.first : segment.last + 1])


def is_dla(device: str) -> bool:
    """Whether a device is a deep learning accelerator core: "dla", "dla0", "DLA1"."""
    return device.lower().startswith("dla")


def is_gpu(device: str) -> bool:
    """Whether a device is a graphics processor: "gpu", "gpu0", "GPU"."""
    return device.lower().startswith("gpu")


def loadables(plan: Plan) -> dict[str, int]:
    """Compiled subgraphs on each DLA core: one for each segment."""
    return dict(Counter(s.device for model in plan.models for s in model.segments if is_dla(s.device)))


def check(profiles: tuple[Profile, ...], plan: Plan) -> None:
    """Hold a plan against its profiles.

    Raises:
        ProfileInvalid: Models differ, segments do not cover a model's layers once and in order, or one is illegal.
    """
    if tuple(p.model for p in profiles) != tuple(m.model for m in plan.models):
        raise ProfileInvalid("The plan is not for these models.", "Plan again with these profiles.")
    for profile, model in zip(profiles, plan.models, strict=True):
        ends = [-1, *(s.last for s in model.segments)]
        starts = [*(s.first - 1 for s in model.segments), len(profile.layers) - 1]
        if ends != starts or not all(s.first <= s.last and is_legal(profile, s) for s in model.segments):
            raise ProfileInvalid(
                f"The plan of {model.model} does not run each layer once, in order, where it may run.",
                "Plan again with this profile.",
            )
