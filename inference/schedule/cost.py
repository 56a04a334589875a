"""Sums over a plan's layers that need no simulator: durations, transitions, loads, chains."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from inference.schedule.plan import ModelPlan, Plan, Segment
from inference.schedule.profile import Profile


@dataclass(frozen=True, slots=True)
class Task:
    """One segment with its cost, running alone.

    Attributes:
        ms: Time on its device.
        transition_ms: What the model pays after it, on no device; 0 after its last segment.
        pieces: (ms, GB/s) of each layer.
    """

    segment: Segment
    ms: float
    transition_ms: float
    pieces: tuple[tuple[float, float], ...]


def tasks(profile: Profile, plan: ModelPlan) -> tuple[Task, ...]:
    """A model's segments with their costs."""
    return tuple(_task(profile, segment) for segment in plan.segments)


def all_tasks(profiles: tuple[Profile, ...], plan: Plan) -> tuple[tuple[Task, ...], ...]:
    return tuple(tasks(profile, model) for profile, model in zip(profiles, plan.models, strict=True))


def loads(work: tuple[tuple[Task, ...], ...]) -> dict[str, float]:
    """Time that each used device is busy for one frame of every model, ms."""
    total: defaultdict[str, float] = defaultdict(float)
    for model in work:
        for task in model:
            total[task.segment.device] += task.ms
    return dict(total)


def chain(model: tuple[Task, ...]) -> float:
    """Time from a frame's first layer to its last when nothing else runs, transitions included, ms."""
    return sum(task.ms + task.transition_ms for task in model)


def _task(profile: Profile, segment: Segment) -> Task:
    layers = profile.layers[segment.first : segment.last + 1]
    device = segment.device
    ends = segment.last == len(profile.layers) - 1
    pieces = tuple((layer.ms[device], layer.bandwidth_gbps[device]) for layer in layers)
    total = round(sum(ms for ms, _ in pieces), 9)
    return Task(segment, total, 0.0 if ends else layers[-1].transition_ms[device], pieces)
