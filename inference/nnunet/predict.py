"""The whole road on bare arrays: prepare, run every tile, come back."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from inference.errors import BadOutput, JobCancelled
from inference.heap import give_back
from inference.lanes import Lane, LaneSpec, Span
from inference.nnunet.export import mask_of, probability_of
from inference.nnunet.plan import Plan, Spacing
from inference.nnunet.prepare import Frame, prepared
from inference.nnunet.tiles import Average, Tile, tiles
from inference.result import CancelledFn
from inference.steps.tiles import pad_to
from inference.volume import Floats, Labels

LOOK_AGAIN_S = 0.1
LEAST_SPREAD = 1e-5


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """Who answers tiles.

    Attributes:
        ask: float32 [1, c, *patch] -> [1, head, *patch]; called on a thread of its own.
        stop: Makes a running `ask` end early.
    """

    ask: Callable[[Floats], Floats]
    stop: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True, eq=False)
class Watch:
    """Who follows: told of every tile (done, total) and asked whether to go on."""

    tile: Callable[[int, int], None] = lambda _done, _total: None
    cancelled: CancelledFn = lambda: False


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """A mask on the image's grid.

    Attributes:
        labels: uint8 [k, j, i].
        probability: float32 [k, j, i]: of any label, at labelled voxels; 0 elsewhere.
        prepare_s, network_s, finish_s: Wall time before the first tile, in which the network worked, and the rest.
    """

    labels: Labels
    probability: Floats
    prepare_s: float
    network_s: float
    finish_s: float


@dataclass(slots=True)
class _Busy:
    """Adds up a lane's work."""

    seconds: float = field(default=0.0)

    def __call__(self, span: Span) -> None:
        self.seconds += span.end_s - span.start_s


def predict(channels: Floats, spacing: Spacing, plan: Plan, network: Network, watch: Watch | None = None) -> Answer:
    """Label an image as nnU-Net would.

    Args:
        channels: float32 [c, k, j, i] on one grid, in the order of the plan.
        spacing: mm along k, j, i.

    Raises:
        InputRefused: A channel is empty, constant or holds no numbers.
        BadOutput: The network answered numbers that are none, or one constant.
        JobCancelled: `watch.cancelled` became true.
    """
    begin, busy = time.perf_counter(), _Busy()
    with ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="insula-nnunet") as workers:
        voxels, frame = prepared(channels, spacing, plan, workers)
        padded, inner = pad_to(voxels, plan.tile)
        del voxels
        give_back()
        first = time.perf_counter()
        logits = averaged(padded, plan, network, watch or Watch(), busy)[(slice(None), *inner)]
        labels, probability = _back(logits, frame, plan, workers)
    end = time.perf_counter()
    return Answer(labels, probability, first - begin, busy.seconds, end - first - busy.seconds)


def averaged(
    voxels: Floats, plan: Plan, network: Network, watch: Watch, record: Callable[[Span], None] = lambda _: None
) -> Floats:
    """Logits [head, k, j, i] over the network's voxels [c, k, j, i], which are at least one tile large."""
    shape = voxels.shape[1], voxels.shape[2], voxels.shape[3]
    total = Average(plan.heads, shape, plan)
    with closing(Lane(LaneSpec("engine"), record)) as lane:
        for tile, said in _answers(tiles(shape, plan), voxels, plan, network, watch, lane):
            total.add(tile, said)
            del said
    logits = total.logits()
    _require_sense(logits)
    return logits


def _answers(
    wanted: list[Tile], voxels: Floats, plan: Plan, network: Network, watch: Watch, lane: Lane
) -> Iterator[tuple[Tile, Floats]]:
    """Every tile with its answer; while one is used, the network works on the next."""

    def submit(tile: Tile) -> Future[Floats]:
        return lane.submit("tile", partial(_asked, tile, voxels, plan, network, watch))

    coming = submit(wanted[0])
    for done, tile in enumerate(wanted):
        watch.tile(done, len(wanted))
        running = coming
        if done + 1 < len(wanted):
            coming = submit(wanted[done + 1])
        yield tile, _awaited(running, network, watch)  # kept by no name here: it would outlive its use by a tile
    watch.tile(len(wanted), len(wanted))


def _asked(tile: Tile, voxels: Floats, plan: Plan, network: Network, watch: Watch) -> Floats:
    """The network's answer [head, *tile]."""
    if watch.cancelled():
        raise JobCancelled
    picture = np.ascontiguousarray(tile.cut(voxels, plan.tile))
    said: Floats = network.ask(picture[:, :, 0] if plan.is_flat else picture)[0]
    return said[:, None] if plan.is_flat else said


def _awaited(running: Future[Floats], network: Network, watch: Watch) -> Floats:
    """The answer; a cancelled job stops the network until it has let go."""
    while True:
        try:
            said = running.result(LOOK_AGAIN_S)
        except NotYet:
            if watch.cancelled():
                network.stop()
        else:
            if watch.cancelled():
                raise JobCancelled
            return said


def _require_sense(logits: Floats) -> None:
    """Raise BadOutput where numbers are none, or the same at every place: a black mask must never look like health."""
    low, high = (np.array([bound(field) for field in logits]) for bound in (np.min, np.max))
    largest = max(float(np.abs(low).max()), float(np.abs(high).max()))
    if not np.isfinite(largest):
        raise BadOutput("The model answered values that are not numbers.", "Run it again in fp32.")
    if float((high - low).max()) <= LEAST_SPREAD * largest:
        raise BadOutput("The model answered one constant for every voxel.", "Run it again in fp32 on another backend.")


def _back(logits: Floats, frame: Frame, plan: Plan, workers: ThreadPoolExecutor) -> tuple[Labels, Floats]:
    labels = mask_of(logits, frame, plan, workers)
    return labels, probability_of(logits, frame, plan, labels)
