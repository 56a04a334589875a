"""How much of a whole volume's time is ours: cutting, normalising, stitching and copying around the engine."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from statistics import median

import numpy as np

from engines.around import Around
from engines.derive import graph_of
from engines.library import Bundle
from engines.phantom.head import make_head
from engines.phantom.lesions.plan import draw_infarcts
from engines.phantom.training import brain_grid
from engines.timed import Timed
from inference.backends import registry
from inference.backends.base import Arrays, Engine
from inference.errors import JobCancelled
from inference.result import CancelledFn, Precision, Provenance
from inference.run import run
from inference.volume import Channel, Floats, Volume

ROUNDS = 3
ENDING = " volume"


@dataclass(frozen=True, slots=True)
class VolumeTime(Timed):
    """One task on a whole volume, from a volume in memory to its result in memory.

    Attributes:
        around_percent: Share of that in which the engine did not work; the median of the rounds.
    """

    around_percent: float


class Watched(Around):
    """An engine that adds up the time its library takes."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.seconds = 0.0

    def infer(self, feed: Arrays) -> dict[str, Floats]:
        begin = time.perf_counter()
        try:
            return super().infer(feed)
        finally:
            self.seconds += time.perf_counter() - begin


def rows(
    bundles: Iterable[Bundle], volumes: Mapping[Channel, Volume], cancelled: CancelledFn = lambda: False
) -> list[VolumeTime]:
    """Each bundle whose channels are there, in fp32 and in int8 on the best backend for it.

    Raises:
        JobCancelled: `cancelled` answered True.
    """
    fitting = [b for b in bundles if {spec.channel for spec in b.task.channels} <= set(volumes)]
    return [_row(b, p, volumes, cancelled) for b in fitting for p in (Precision.FP32, Precision.INT8)]


def phantom() -> dict[Channel, Volume]:
    """A stroke patient of the digital head: CT in 5 mm slices, DWI and ADC of 2 mm."""
    head = make_head(3, lesions=draw_infarcts(np.random.default_rng([3, 7])), step_mm=1.5)
    dwi, adc = head.diffusion(brain_grid(head, (2.0, 2.0, 2.0)))
    ct = head.render(Channel.CT, brain_grid(head, (0.6, 0.6, 5.0)))
    return {volume.channel: volume for volume in (ct, dwi, adc)}


def _row(bundle: Bundle, precision: Precision, volumes: Mapping[Channel, Volume], cancelled: CancelledFn) -> VolumeTime:
    choice = registry.choose(None, precision)
    graph = graph_of(bundle, precision, choice.backend.name)
    with closing(choice.backend.load(graph, precision, choice.device)) as engine:
        spent = [
            _once(bundle, engine, _provenance(bundle, choice, precision), volumes, cancelled) for _ in range(ROUNDS)
        ]
    whole = median(total for total, _ in spent)
    shares = [own / total for total, own in spent]
    return VolumeTime(
        model=bundle.task.name + ENDING,
        backend=choice.backend.name,
        version=choice.backend.version,
        device=choice.device,
        precision=precision.value,
        precision_kind=choice.support.kind.value,
        median_ms=round(1e3 * whole, 3),
        best_ms=round(1e3 * min(total for total, _ in spent), 3),
        runs=len(spent),
        baseline="its engine alone",
        ratio=round(median(shares), 3),
        around_percent=round(100 * (1 - median(shares)), 1),
    )


def _once(
    bundle: Bundle, engine: Engine, by: Provenance, volumes: Mapping[Channel, Volume], cancelled: CancelledFn
) -> tuple[float, float]:
    """Seconds of the whole, and of the engine."""
    if cancelled():
        raise JobCancelled
    watched = Watched(engine)
    begin = time.perf_counter()
    run(volumes, bundle.task, watched, by, cancelled=cancelled)
    return time.perf_counter() - begin, watched.seconds


def _provenance(bundle: Bundle, choice: registry.Choice, precision: Precision) -> Provenance:
    return Provenance(
        task=bundle.task.name,
        task_version=bundle.task.version,
        model_sha256=bundle.sha256,
        backend=choice.backend.name,
        backend_version=choice.backend.version,
        device=choice.device,
        precision=precision,
        precision_kind=choice.support.kind,
    )
