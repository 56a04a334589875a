"""The engine host as the viewer sees it: ask, wait, cancel; what dies in there comes back as one sentence."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from itertools import count
from types import TracebackType

from inference.errors import EngineError, InsulaError, JobCancelled
from inference.host import endings, patience, segments
from inference.host.calls import Call, Lost
from inference.host.messages import (
    Answer,
    Cancel,
    Choose,
    Chosen,
    Done,
    Failed,
    Message,
    Order,
    Ready,
    Request,
    Run,
    Step,
    Taken,
)
from inference.host.parcel import Parcel
from inference.host.process import HostProcess
from inference.result import CancelledFn, Precision, ProgressFn, Result
from inference.volume import Channel, Volume

POLL_S = 0.02
ASK_AGAIN_S = 0.1
CANCEL_S = 0.4
# A job that was taken down with another one runs again; a host that keeps falling must not keep it for ever.
TRIES = 3
Make = Callable[[int], Request]


class _Bystander(Exception):
    """The host went down through no fault of this request."""


class EngineHost:
    """Runs tasks in a process of their own. Every method may be called from any thread.

    The process starts with the first request or with `start`, and again after it ended. It ends with `close`, or by
    itself when this process is gone.

    Args:
        patience_s: Silence after which an engine counts as hung; None: derived from the work (`patience.patience`),
            or what the variable INSULA_ENGINE_PATIENCE_S says.
    """

    def __init__(self, patience_s: float | None = None) -> None:
        self._patience_s = patience_s if patience_s is not None else patience.fixed()
        self._numbers = count(1)
        self._lock = threading.RLock()
        self._process: HostProcess | None = None
        self._calls: dict[int, Call] = {}
        self._open = True
        self._swept = False

    @property
    def pid(self) -> int | None:
        """Of the process that runs now."""
        process = self._process
        return process.pid if process is not None else None

    def start(self) -> None:
        """Begin to start the process, for whoever will need it soon; returns at once."""
        with self._lock:
            self._running()

    def choose(
        self,
        backend: str | None,
        precision: Precision,
        device: str | None,
        cancelled: CancelledFn = lambda: False,
    ) -> Chosen:
        """The best backend and device for a precision; see `registry.choose`.

        Raises:
            BackendMissing, PrecisionAbsent: As there.
            EngineCrashed, EngineHung: A library took the host down while it was asked.
            JobCancelled: `cancelled` answered True.
        """
        done = self._asked(lambda number: Choose(number, backend, precision, device), lambda _: None, cancelled)
        assert isinstance(done, Chosen)
        return done

    def run(
        self,
        order: Order,
        volumes: Mapping[Channel, Volume],
        progress: ProgressFn = lambda _: None,
        cancelled: CancelledFn = lambda: False,
    ) -> Result:
        """Run a task and wait for its result; equal bit for bit to that of `inference.run.run`.

        Args:
            progress, cancelled: Called on this thread; a cancelled job ends within half a second.

        Raises:
            InsulaError: See `inference.run.run` and `Backend.load`.
            MemoryRefused: It would not fit.
            EngineCrashed, EngineKilled, EngineHung: What happened to the process; the next request finds a new one.
            JobCancelled: `cancelled` answered True.
        """
        for _ in range(TRIES):
            try:
                return self._run_once(order, volumes, progress, cancelled)
            except _Bystander:
                continue
        raise EngineError(f"The engine host ended {TRIES} times before the task could run.", endings.AGAIN)

    def close(self) -> None:
        """End the process and wait until it is gone; whoever still waits for an answer is told so."""
        with self._lock:
            self._open = False
            process, self._process = self._process, None
        if process is not None:
            process.close()

    def __enter__(self) -> EngineHost:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    # --- asking ---------------------------------------------------------------------------------------------------

    def _run_once(
        self, order: Order, volumes: Mapping[Channel, Volume], progress: ProgressFn, cancelled: CancelledFn
    ) -> Result:
        if not self._swept:
            self._swept = True
            segments.sweep()
        with Parcel(order.task, volumes) as parcel:
            answer = self._asked(
                lambda number: Run(number, order, parcel.volumes, parcel.answer), progress, cancelled, parcel.taken
            )
            assert isinstance(answer, Answer)
            return parcel.result(answer)

    def _asked(
        self, make: Make, progress: ProgressFn, cancelled: CancelledFn, taken: Callable[[], None] = lambda: None
    ) -> Chosen | Answer:
        call = self._called(make)
        try:
            return self._awaited(call, progress, cancelled, taken)
        except (InsulaError, _Bystander):
            raise
        except BaseException:  # Ctrl+C, or a fault of the caller's own: nobody will hear the answer
            call.process.send(Cancel(call.number))
            raise
        finally:
            with self._lock:
                self._calls.pop(call.number, None)

    def _called(self, make: Make) -> Call:
        with self._lock:
            process = self._running()
            call = Call(make(next(self._numbers)), process, patience.START_S)
            self._calls[call.number] = call
        process.send(call.request)
        return call

    def _awaited(
        self, call: Call, progress: ProgressFn, cancelled: CancelledFn, taken: Callable[[], None]
    ) -> Chosen | Answer:
        while True:
            message = call.next(POLL_S)
            if isinstance(message, Done):
                return message.value
            if isinstance(message, Failed):
                raise message.error
            if isinstance(message, Lost):
                raise message.error or _Bystander
            if isinstance(message, Taken):
                taken()
            elif isinstance(message, Step):
                progress(message.progress)
            if cancelled():
                self._stop(call)
                raise JobCancelled
            limit = call.silence(self._patience_s)
            if limit is not None:
                self._end(call.process)
                raise endings.hung(limit)

    def _stop(self, call: Call) -> None:
        """Ask the host to stop a request, and end a host that works on it and does not obey in time."""
        deadline = time.monotonic() + CANCEL_S
        while time.monotonic() < deadline:
            call.process.send(Cancel(call.number))
            if call.ends_within(min(ASK_AGAIN_S, deadline - time.monotonic())):
                return
        if call.begun:
            self._end(call.process)

    # --- the process ----------------------------------------------------------------------------------------------

    def _running(self) -> HostProcess:
        if not self._open:
            raise EngineError("The engines were closed before they were asked.", "Open the study again.")
        if self._process is None:
            self._process = HostProcess(self._heard, self._ended)
        return self._process

    def _end(self, process: HostProcess) -> None:
        """Kill a host that does not do its work, and start the next one for the jobs to come."""
        with self._lock:
            process.condemned = True
            if self._process is process and self._open:
                self._process = HostProcess(self._heard, self._ended)
        process.kill()

    def _heard(self, process: HostProcess, message: Message) -> None:
        if isinstance(message, Ready):
            return
        with self._lock:
            call = self._calls.get(message.number)
        if call is not None and call.process is process:  # else it comes late, for a request that nobody waits for
            call.inbox.put(message)

    def _ended(self, process: HostProcess) -> None:
        with self._lock:
            calls = [call for call in self._calls.values() if call.process is process]
            if self._process is process:
                self._process = None
                if process.listening and self._open:
                    self._running()
            for call, lost in self._blamed(process, calls):
                call.inbox.put(lost)

    def _blamed(self, process: HostProcess, calls: list[Call]) -> list[tuple[Call, Lost]]:
        """Who hears what: whoever was at work when a host fell is told why, whoever waited is asked again."""
        if not self._open:
            return [(call, Lost(JobCancelled())) for call in calls]
        if process.condemned:
            return [(call, Lost(None)) for call in calls]
        status = process.status
        error = endings.ended(status) if process.listening and status is not None else endings.never_began(status)
        at_work = [call for call in calls if call.begun] or calls
        return [(call, Lost(error if call in at_work else None)) for call in calls]
