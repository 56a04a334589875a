"""Small profiles, published ones where they are present, and the best plan by trying everything.

The brute force is written apart from the code under test and shares none of its sums. A plan is a device for each
layer. A schedule of a plan is an order on each device; its makespan is the longest path through the segments. An
order that waits for itself is dropped.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import groupby, pairwise, permutations, product
from pathlib import Path

import pytest

from inference.schedule.profile import Layer, Profile, read

PUBLISHED = Path(__file__).resolve().parents[4] / "shared" / "design" / "profiles"


def random_profile(rng: random.Random, name: str, layers: int, devices: tuple[str, ...]) -> Profile:
    """Times in whole microseconds; about one layer in eight is refused by a device other than the first."""

    def layer(number: int) -> Layer:
        return Layer(
            name=f"{name}.{number}",
            ms={d: rng.randint(0 if rng.random() < 0.1 else 1, 900) / 1000 for d in devices},
            transition_ms={d: rng.randint(0, 300) / 1000 for d in devices},
            bandwidth_gbps={d: float(rng.randint(0, 100)) for d in devices},
            legal={d: d == devices[0] or rng.random() > 0.12 for d in devices},
        )

    return Profile(name, devices, tuple(layer(number) for number in range(layers)))


def plain_profile(name: str, *columns: tuple[float, float], transition: float = 0.0, gbps: float = 50.0) -> Profile:
    """A profile from (gpu ms, dla ms) per layer."""
    layers = tuple(
        Layer(
            f"{name}.{i}",
            {"gpu": gpu, "dla": dla},
            {"gpu": transition, "dla": transition},
            {"gpu": gbps, "dla": gbps},
            {"gpu": True, "dla": True},
        )
        for i, (gpu, dla) in enumerate(columns)
    )
    return Profile(name, ("gpu", "dla"), layers)


@pytest.fixture(scope="session")
def published() -> Callable[[str], Path]:
    """The file of a published profile; skips the test, by name, where it is absent."""

    def find(name: str) -> Path:
        path = PUBLISHED / f"{name}-xavier.json"
        if not path.exists():
            pytest.skip(f"published profile not here: {path.name}")
        return path

    return find


@pytest.fixture
def hax(published: Callable[[str], Path]) -> tuple[Profile, Profile]:
    """GoogleNet and AlexNet on AGX Xavier, as published."""
    return read(published("googlenet")), read(published("alexnet"))


@pytest.fixture(scope="session")
def plain() -> Callable[..., Profile]:
    return plain_profile


@pytest.fixture(scope="session")
def drawn() -> Callable[[random.Random, str, int, tuple[str, ...]], Profile]:
    """Makes a random profile."""
    return random_profile


@pytest.fixture(scope="session")
def brute() -> Brute:
    return Brute()


class Brute:
    """The best of all plans and orders."""

    makespan_us = staticmethod(lambda *words: least_makespan_us(*words))
    period_us = staticmethod(lambda *words: least_period_us(*words))


Runs = list[tuple[str, int, int]]


def assignments(profile: Profile, devices: tuple[str, ...], cuts: int) -> list[Runs]:
    """Every legal device for each layer, with at most so many changes of device."""
    found = []
    for chosen in product(devices, repeat=len(profile.layers)):
        if any(not layer.legal[d] for layer, d in zip(profile.layers, chosen, strict=True)):
            continue
        if sum(a != b for a, b in pairwise(chosen)) <= cuts:
            runs = [(d, [i for i, _ in run]) for d, run in groupby(enumerate(chosen), key=lambda pair: pair[1])]
            found.append([(d, numbers[0], numbers[-1]) for d, numbers in runs])
    return found


def least_makespan_us(profiles: tuple[Profile, ...], devices: tuple[str, ...], cuts: int) -> int:
    """Best makespan of all plans and all orders, whole microseconds."""
    ways = [assignments(p, devices, cuts) for p in profiles]
    return min(_plan_makespan(profiles, plan) for plan in product(*ways))


def least_period_us(profiles: tuple[Profile, ...], devices: tuple[str, ...], cuts: int) -> int:
    """Best load of the busiest device of all plans, whole microseconds."""
    ways = [assignments(p, devices, cuts) for p in profiles]
    return min(
        max(
            sum(_work(p, s) for p, part in zip(profiles, plan, strict=True) for s in part if s[0] == device)
            for device in devices
        )
        for plan in product(*ways)
    )


def _plan_makespan(profiles: tuple[Profile, ...], plan: tuple[Runs, ...]) -> int:
    nodes = [(m, s) for m, part in enumerate(plan) for s in range(len(part))]
    length = {(m, s): _work(profiles[m], plan[m][s]) for m, s in nodes}
    chains = {
        ((m, s), (m, s + 1)): length[m, s] + _leave(profiles[m], plan[m][s]) for m, s in nodes if (m, s + 1) in length
    }
    shared = [[n for n in nodes if plan[n[0]][n[1]][0] == d] for d in {s[0] for part in plan for s in part}]
    best = None
    for orders in product(*(permutations(group) for group in shared)):
        edges = dict(chains)
        for order in orders:
            for a, b in pairwise(order):
                edges[a, b] = max(edges.get((a, b), 0), length[a])
        end = _longest(nodes, length, edges)
        best = end if best is None or (end is not None and end < best) else best
    assert best is not None
    return best


def _longest(
    nodes: list[tuple[int, int]],
    length: dict[tuple[int, int], int],
    edges: dict[tuple[tuple[int, int], tuple[int, int]], int],
) -> int | None:
    """Longest path, or None for an order that waits for itself (also around a circle of length zero)."""
    open_nodes, start = set(nodes), dict.fromkeys(nodes, 0)
    while open_nodes:
        free = [n for n in open_nodes if not any(b == n and a in open_nodes for a, b in edges)]
        if not free:
            return None
        for n in free:
            start[n] = max((start[a] + w for (a, b), w in edges.items() if b == n), default=0)
            open_nodes.remove(n)
    return max(start[n] + length[n] for n in nodes)


def _work(profile: Profile, segment: tuple[str, int, int]) -> int:
    device, first, last = segment
    return sum(round(layer.ms[device] * 1000) for layer in profile.layers[first : last + 1])


def _leave(profile: Profile, segment: tuple[str, int, int]) -> int:
    return round(profile.layers[segment[2]].transition_ms[segment[0]] * 1000)
