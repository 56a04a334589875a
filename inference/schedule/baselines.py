"""What a schedule is held against: one device alone, two streams on it, whole models side by side."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from inference.schedule.contention import Contention
from inference.schedule.fixpoint import value_ms
from inference.schedule.objective import Objective
from inference.schedule.plan import LOADABLES, Plan, Segment, is_gpu, is_legal, loadables, whole
from inference.schedule.profile import Profile
from inference.schedule.simulate import lanes_of


@dataclass(frozen=True, slots=True)
class Baselines:
    """Time for one frame of every model, ms; None where a layer may not run there.

    Attributes:
        gpu_only_ms: One model after the other on the GPU.
        gpu_two_streams_ms: All models at once on the GPU.
        two_streams_measured: From a measured table; else they share fairly and gain nothing.
        naive_split_ms: Every model whole, on at least two devices, in the best such assignment.
        naive_split: Device of each model.
        one_device_ms, one_device: One model after the other on the best single device.
    """

    gpu_only_ms: float | None
    gpu_two_streams_ms: float | None
    two_streams_measured: bool
    naive_split_ms: float | None
    naive_split: tuple[str, ...]
    one_device_ms: float | None
    one_device: str


def baselines(
    profiles: tuple[Profile, ...], objective: Objective, contention: Contention, most: int = LOADABLES
) -> Baselines:
    """All of them."""
    devices = lanes_of(profiles)
    gpu = next((device for device in devices if is_gpu(device)), "")
    alone = {d: ms for d in devices if (ms := _alone_ms(profiles, d)) is not None}
    best = min(alone, key=lambda d: alone[d], default="")
    split_ms, split = _naive(profiles, devices, objective, contention, most)
    return Baselines(
        gpu_only_ms=alone.get(gpu),
        gpu_two_streams_ms=two_streams_ms(profiles, gpu, contention) if gpu in alone else None,
        two_streams_measured=contention.knows_shared(gpu),
        naive_split_ms=split_ms,
        naive_split=split,
        one_device_ms=alone.get(best),
        one_device=best,
    )


def two_streams_ms(profiles: tuple[Profile, ...], device: str, contention: Contention) -> float:
    """A round of every model at once on one device, each slowed down by the others for as long as they run."""
    queues = [[(layer.ms[device], layer.bandwidth_gbps[device]) for layer in p.layers] for p in profiles]
    left = [queue[0][0] for queue in queues]
    now = 0.0
    while running := [i for i, queue in enumerate(queues) if queue]:
        demands = {i: queues[i][0][1] for i in running}
        slow = {i: _slow(device, demands, i, contention) for i in running}
        passed = min(left[i] * slow[i] for i in running)
        now += passed
        for i in running:
            left[i] -= passed / slow[i]
            if left[i] <= 1e-9:
                queues[i].pop(0)
                left[i] = queues[i][0][0] if queues[i] else 0.0
    return now


def _slow(device: str, demands: dict[int, float], own: int, contention: Contention) -> float:
    others = [demand for model, demand in demands.items() if model != own]
    if not others:
        return 1.0
    return 1.0 + len(others) * (contention.shared(device, demands[own], sum(others)) - 1.0)


def _alone_ms(profiles: tuple[Profile, ...], device: str) -> float | None:
    if not all(_runs(profile, device) for profile in profiles):
        return None
    return sum(layer.ms[device] for profile in profiles for layer in profile.layers)


def _runs(profile: Profile, device: str) -> bool:
    return is_legal(profile, Segment(device, 0, len(profile.layers) - 1))


def _naive(
    profiles: tuple[Profile, ...], devices: tuple[str, ...], objective: Objective, contention: Contention, most: int
) -> tuple[float | None, tuple[str, ...]]:
    ways = [[device for device in devices if _runs(profile, device)] for profile in profiles]
    found = []
    for chosen in product(*ways):
        if len(set(chosen)) > 1:
            plan = Plan(tuple(whole(p, d) for p, d in zip(profiles, chosen, strict=True)))
            if all(count <= most for count in loadables(plan).values()):
                found.append((value_ms(profiles, plan, objective, contention), chosen))
    return min(found, key=lambda f: f[0], default=(None, ()))
