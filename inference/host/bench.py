"""One lane of the host with the engines it has loaded, and the jobs that pass over it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from inference.backends import registry
from inference.backends.base import Engine
from inference.errors import MemoryRefused
from inference.host import memory
from inference.host.cost import Cost, cost_of
from inference.host.messages import Answer, EngineKey, Run
from inference.host.parcel import Opened
from inference.host.patience import patience
from inference.lanes import Lane, LaneSpec
from inference.result import Progress

Say = Callable[[Progress, float], None]


class HostJob:
    """A request on its way over a lane, and how it is stopped."""

    def __init__(self, request: Run) -> None:
        self.order = request.order
        self.parcel = Opened(request.volumes, request.answer)
        self._stop = threading.Event()
        self._engine: Engine | None = None

    @property
    def voxels(self) -> int:
        return sum(volume.voxels.size for volume in self.parcel.volumes.values())

    def stopped(self) -> bool:
        return self._stop.is_set()

    def stop(self) -> None:
        """Called from the thread that listens, again and again until the job has ended."""
        self._stop.set()
        engine = self._engine
        if engine is not None:
            engine.cancel()

    @contextmanager
    def using(self, engine: Engine) -> Iterator[None]:
        """`stop` reaches the engine meanwhile."""
        self._engine = engine
        try:
            yield
        finally:
            self._engine = None


class Bench:
    """A lane and its engines. Everything but `lane` itself belongs to the lane's thread."""

    def __init__(self, spec: LaneSpec) -> None:
        self.lane = Lane(spec)
        self._engines: dict[EngineKey, Engine] = {}
        self._costs: dict[EngineKey, Cost] = {}

    def run(self, job: HostJob, say: Say) -> Answer:
        """Load the engine where needed, run the task, and pack the answer.

        Raises:
            InsulaError: As `inference.run.run` and `Backend.load`.
            MemoryRefused: The machine has not enough memory free.
        """
        begin = time.perf_counter()
        from inference.run import run  # scipy takes a moment to import; the host listens meanwhile

        order, cost = job.order, self._cost(job.order.engine)
        limits = patience(cost, job.voxels, order.engine.backend)
        say(Progress("load", 0, 1), limits.load_s)
        self._require_memory(job, cost)
        engine = self._engine(order.engine)
        with job.using(engine):
            result = run(
                job.parcel.volumes,
                order.task,
                engine,
                order.provenance,
                progress=lambda step: say(step, limits.step_s),
                cancelled=job.stopped,
                load_seconds=order.load_seconds + time.perf_counter() - begin,
                absent=dict(order.absent),
            )
        return job.parcel.pack(result)

    def _cost(self, key: EngineKey) -> Cost:
        if key not in self._costs:
            self._costs[key] = cost_of(key.graph)
        return self._costs[key]

    def _require_memory(self, job: HostJob, cost: Cost) -> None:
        task, key = job.order.task, job.order.engine
        source = job.parcel.volumes.get(task.channels[0].channel)
        if source is None:
            return  # the road itself says what is missing
        need = memory.need_of(task, source.geometry, cost, loaded=key in self._engines)
        try:
            memory.require(need, memory.free_bytes(), task.title)
        except MemoryRefused:
            if not self._give_back(keep=key):
                raise
            memory.require(need, memory.free_bytes(), task.title)

    def _give_back(self, keep: EngineKey) -> bool:
        """Close engines that this job does not need; whether there were any."""
        others = [key for key in self._engines if key != keep]
        for key in others:
            self._engines.pop(key).close()
        return bool(others)

    def _engine(self, key: EngineKey) -> Engine:
        if key not in self._engines:
            self._engines[key] = registry.named(key.backend).load(key.graph, key.precision, key.device)
        return self._engines[key]
