"""What a plan will do on lanes that share one memory: there a cut keeps the lanes busy on both of its sides."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import product

from inference.schedule.contention import NONE, Contention
from inference.schedule.cost import all_tasks, loads
from inference.schedule.exact import model_plans
from inference.schedule.plan import ModelPlan, Plan, check
from inference.schedule.profile import Layer, Profile
from inference.schedule.simulate import Timeline, simulate

FRAMES = 24


def forecast(profiles: tuple[Profile, ...], plan: Plan, contention: Contention = NONE) -> Timeline:
    """Simulate a stream of a plan whose transitions are work of the lanes.

    Raises:
        ProfileInvalid: The plan does not fit the profiles.
    """
    check(profiles, plan)
    return simulate(occupied(profiles, plan), plan, contention, FRAMES)


def in_turn_ms(profiles: tuple[Profile, ...], plans: Sequence[Plan]) -> float:
    """Period of a stream whose slices follow the plans in turn; of one plan that of its forecast.

    Raises:
        ProfileInvalid: A plan does not fit the profiles.
    """
    total: defaultdict[str, float] = defaultdict(float)
    for plan in plans:
        check(profiles, plan)
        for lane, busy in loads(all_tasks(occupied(profiles, plan), plan)).items():
            total[lane] += busy
    return max(total.values()) / len(plans)


def occupied(profiles: tuple[Profile, ...], plan: Plan) -> tuple[Profile, ...]:
    """The profiles with each cut's transition laid half on the layer before it and half on the layer after it."""
    return tuple(_occupied(profile, model) for profile, model in zip(profiles, plan.models, strict=True))


def swapped(profiles: tuple[Profile, ...], devices: tuple[str, ...]) -> Plan | None:
    """The plan of least period among those that cut every model once; None where a model cannot be cut.

    Models start on different devices in turn, so that halves swap between the devices.
    """
    best: tuple[float, Plan] | None = None
    for models in product(*(_halves(profile, devices) for profile in profiles)):
        if len(models) > 1 and len({model.segments[0].device for model in models}) == 1:
            continue
        plan = Plan(models)
        period = max(loads(all_tasks(occupied(profiles, plan), plan)).values())
        best = (period, plan) if best is None or period < best[0] else best
    return None if best is None else best[1]


def _halves(profile: Profile, devices: tuple[str, ...]) -> list[ModelPlan]:
    return [model for model in model_plans(profile, devices, 1) if model.cuts == 1]


def _occupied(profile: Profile, model: ModelPlan) -> Profile:
    layers = list(profile.layers)
    for before, after in zip(model.segments, model.segments[1:], strict=False):
        half = layers[before.last].transition_ms[before.device] / 2
        layers[before.last] = _longer(layers[before.last], before.device, half)
        layers[after.first] = _longer(layers[after.first], after.device, half)
    free = tuple(replace(layer, transition_ms=dict.fromkeys(layer.transition_ms, 0.0)) for layer in layers)
    return replace(profile, layers=free)


def _longer(layer: Layer, device: str, ms: float) -> Layer:
    return replace(layer, ms={**layer.ms, device: layer.ms[device] + ms})
