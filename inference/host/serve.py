"""The host itself: hears requests on its main thread, works on lanes, never touches a screen."""

from __future__ import annotations

import gc
import logging
import os
import sys
import threading
from concurrent.futures import Future
from importlib import import_module
from typing import BinaryIO

from inference.errors import EngineError, InsulaError, JobCancelled, MemoryRefused
from inference.host.bench import Bench, HostJob
from inference.host.channel import Sender, receive
from inference.host.guard import private_pipes, protect
from inference.host.messages import Cancel, Choose, Chosen, Done, Failed, Ready, Request, Run, Step, Taken
from inference.lanes import Lane, LaneSpec

log = logging.getLogger(__name__)


def main() -> None:
    """Serve until the viewer's side of the pipe closes. The one argument is the viewer's process id."""
    requests, answers = private_pipes()
    protect(int(sys.argv[1]))
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(message)s")
    Host(requests, Sender(answers)).serve()
    # Whatever still runs is not wanted any more; waiting for it would keep a process that nobody sees.
    os._exit(0)


class Host:
    """One process's lanes.

    Args:
        requests: Messages of `inference.host.messages.Request`.
        answers: Where messages of `Message` go.
    """

    def __init__(self, requests: BinaryIO, answers: Sender) -> None:
        self._requests, self._answers = requests, answers
        self._desk = Lane(LaneSpec("desk"))
        self._benches: dict[LaneSpec, Bench] = {}
        self._jobs: dict[int, tuple[HostJob, Future[None]]] = {}
        self._lingering: list[HostJob] = []
        self._books = threading.Lock()

    def serve(self) -> None:
        """Take requests until there is nobody to make any."""
        self._answers.send(Ready(os.getpid()))
        self._desk.submit("warm up", _warm_up)
        while (request := receive(self._requests)) is not None:
            self._take(request)

    def _take(self, request: Request) -> None:
        if isinstance(request, Run):
            self._queue(request)
        elif isinstance(request, Choose):
            self._desk.submit("choose", lambda: self._choose(request))
        else:
            self._cancel(request)

    def _queue(self, request: Run) -> None:
        try:
            job = HostJob(request)
        except Exception as error:
            self._answers.send(Failed(request.number, _told(error)))
            return
        self._answers.send(Taken(request.number))
        bench = self._bench(request.order.queue)
        with self._books:
            future = bench.lane.submit(request.order.task.name, lambda: self._run(request.number, job, bench))
            self._jobs[request.number] = (job, future)

    def _bench(self, spec: LaneSpec) -> Bench:
        if spec not in self._benches:
            self._benches[spec] = Bench(spec)
        return self._benches[spec]

    def _run(self, number: int, job: HostJob, bench: Bench) -> None:
        answer: Done | Failed
        try:
            answer = Done(number, bench.run(job, lambda step, limit: self._answers.send(Step(number, step, limit))))
        except Exception as error:
            answer = Failed(number, _told(error))
        self._answers.send(answer)
        del answer  # an error's traceback holds the arrays of the frames that it passed
        self._forget(number, job)

    def _forget(self, number: int, job: HostJob) -> None:
        """Give the job's memory back, and that of earlier jobs whose arrays a library held for longer."""
        with self._books:
            self._jobs.pop(number, None)
            self._lingering = [one for one in (*self._lingering, job) if not one.parcel.close()]
            if self._lingering:
                gc.collect()
                self._lingering = [one for one in self._lingering if not one.parcel.close()]

    def _choose(self, request: Choose) -> None:
        from inference.backends import registry

        answer: Done | Failed
        try:
            found = registry.choose(request.backend, request.precision, request.device)
            chosen = Chosen(found.backend.name, found.backend.version, found.device, found.support, found.why)
            answer = Done(request.number, chosen)
        except Exception as error:
            answer = Failed(request.number, _told(error))
        self._answers.send(answer)

    def _cancel(self, request: Cancel) -> None:
        with self._books:
            job, future = self._jobs.get(request.number, (None, None))
        if job is None or future is None:
            return
        job.stop()
        if future.cancel():  # it had not begun
            self._answers.send(Failed(request.number, JobCancelled()))
            self._forget(request.number, job)


def _warm_up() -> None:
    """Import what every task needs while the viewer still reads its study."""
    import_module("inference.run")


def _told(error: Exception) -> InsulaError:
    """The error that crosses. Foreign errors may quote what they were given: only their kind and place are said."""
    if isinstance(error, InsulaError):
        return error
    if isinstance(error, MemoryError):
        return MemoryRefused(
            "Memory ran out while the task ran.", "Close other studies or programs, or choose a smaller precision."
        )
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f"{place.tb_frame.f_code.co_name}:{place.tb_lineno}" if place else "?"
    log.error("engine host: %s in %s", type(error).__name__, where)
    return EngineError(
        f"The engine failed unexpectedly ({type(error).__name__}).",
        "Run the task again; if it fails again, send the log to support.",
    )
