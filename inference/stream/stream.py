"""Runs slices through several models at once: bounded, in order, no slice lost."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, Queue
from typing import Any

from inference.errors import EngineError, InsulaError, JobCancelled
from inference.lanes import Lane, LaneSpec, Span
from inference.result import CancelledFn
from inference.stream.route import Answered, Route, Step

POLL_S = 0.02
DEPTH = 4


class StreamStopped(EngineError):
    """A slice could not be answered; the slices before it were."""

    code = "stream_stopped"


@dataclass(eq=False)
class _Frame:
    """A slice on its way. `done` carries the answer or the first error."""

    number: int
    due_s: float
    routes: tuple[Route, ...]
    answers: dict[str, Any] = field(default_factory=dict)
    done: Future[Answered] = field(default_factory=Future)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def settle(self, model: str, answer: Any) -> None:
        with self.lock:
            self.answers[model] = answer
            if len(self.answers) == len(self.routes) and not self.done.done():
                self.done.set_result(Answered(self.number, self.answers, self.due_s, time.perf_counter()))

    def fail(self, model: str, error: BaseException) -> None:
        with self.lock:
            if not self.done.done():
                self.done.set_exception(_stopped(self.number, model, error))


@dataclass(order=True)
class _Ticket:
    """A step that may run now. The oldest slice goes first, in it the lowest rank, then the model listed first."""

    number: int
    rank: int
    model: int
    frame: _Frame = field(compare=False)
    step: int = field(compare=False)
    value: Any = field(compare=False)


class Stream:
    """One run over some slices.

    A feeder takes slices up as long as fewer than `depth` are on their way or wait to be fetched; so a slow lane, or
    a slow reader of the answers, holds the source back, and memory stays bounded.

    Args:
        ways: Each holds all models' routes; slices take the ways in turn. One way: every slice takes the same.
        lanes: By the names that the steps use; they stay open afterwards.
        depth: Slices on their way at once, at least 1.

    Attributes:
        spans: What ran where and when, so far.
    """

    def __init__(self, ways: Sequence[Sequence[Route]], lanes: Mapping[str, Lane], depth: int = DEPTH) -> None:
        self.spans: list[Span] = []
        self._ways = tuple(tuple(routes) for routes in ways)
        self._lanes = lanes
        self._room = threading.Semaphore(max(1, depth))
        # Not a SimpleQueue: its `get` waits for ever when a signal is handled for longer than its timeout.
        self._order: Queue[_Frame | None] = Queue()
        self._lock = threading.Lock()
        self._ready: dict[str, list[_Ticket]] = {name: [] for name in lanes}
        self._running: dict[str, Step] = {}
        self._turns: set[Future[None]] = set()
        self._stop = threading.Event()

    def run(
        self, slices: Iterable[Any], pace_s: float = 0.0, cancelled: CancelledFn = lambda: False
    ) -> Iterator[Answered]:
        """Answer every slice, in the order of arrival. To be called once.

        Stopping waits for the steps that run and for the source's next slice.

        Args:
            pace_s: Seconds from one slice's arrival to the next, as a scanner gives them; 0: as fast as they are taken.

        Raises:
            StreamStopped: A model failed on a slice; those before it have been given.
            InsulaError: The source failed; as it raised it.
            JobCancelled: `cancelled` answered True.
        """
        feeder = Lane(LaneSpec("slices"))
        feeder.submit("feed", lambda: self._feed(iter(slices), pace_s))
        try:
            while (frame := self._next(cancelled)) is not None:
                yield self._answer(frame, cancelled)
                self._room.release()
        finally:
            self._halt()
            feeder.close()

    def _feed(self, slices: Iterator[Any], pace_s: float) -> None:
        begin, number = time.perf_counter(), 0
        try:
            for number, item in enumerate(slices):
                due_s = begin + number * pace_s if pace_s else 0.0
                if self._stop.wait(max(0.0, due_s - time.perf_counter())) or not self._admitted():
                    return
                way = self._ways[number % len(self._ways)]
                self._enter(_Frame(number, due_s or time.perf_counter(), way), item)
        except Exception as error:  # whatever the source raises belongs to whoever reads the answers
            failed = _Frame(number, 0.0, ())
            failed.done.set_exception(error if isinstance(error, InsulaError) else _unreadable(error))
            self._order.put(failed)
        finally:
            self._order.put(None)

    def _admitted(self) -> bool:
        while not self._room.acquire(timeout=POLL_S):
            if self._stop.is_set():
                return False
        return True

    def _enter(self, frame: _Frame, item: Any) -> None:
        self._order.put(frame)
        for model in range(len(frame.routes)):
            self._queue(frame, model, 0, item)

    def _queue(self, frame: _Frame, model: int, at: int, value: Any) -> None:
        step = frame.routes[model].steps[at]
        lane, ticket = step.lane, _Ticket(frame.number, step.rank, model, frame, at, value)
        with self._lock:
            if self._stop.is_set():
                return
            try:
                turn = self._lanes[lane].submit("turn", lambda: self._turn(lane))
            except (KeyError, RuntimeError) as error:
                frame.fail(frame.routes[model].model, error)
                return
            heapq.heappush(self._ready[lane], ticket)
            self._turns.add(turn)
        turn.add_done_callback(self._forget)

    def _forget(self, turn: Future[None]) -> None:
        with self._lock:
            self._turns.discard(turn)

    def _turn(self, lane: str) -> None:
        """Run the most urgent step that waits for this lane."""
        with self._lock:
            if self._stop.is_set():
                return
            ticket = heapq.heappop(self._ready[lane])
            route = ticket.frame.routes[ticket.model]
            step = self._running[lane] = route.steps[ticket.step]
        begin = time.perf_counter()
        try:
            value = step.work(ticket.value)
        except BaseException as error:  # whatever it is, the reader of the answers must hear of it
            ticket.frame.fail(route.model, error)
            return
        finally:
            self._running.pop(lane, None)
            self.spans.append(Span(lane, f"{step.label} #{ticket.number}", begin, time.perf_counter()))
        if ticket.step + 1 < len(route.steps):
            self._queue(ticket.frame, ticket.model, ticket.step + 1, value)
        else:
            ticket.frame.settle(route.model, value)

    def _next(self, cancelled: CancelledFn) -> _Frame | None:
        while True:
            if cancelled():
                raise JobCancelled
            with suppress(Empty):
                return self._order.get(timeout=POLL_S)

    def _answer(self, frame: _Frame, cancelled: CancelledFn) -> Answered:
        while True:
            if cancelled():
                raise JobCancelled
            if wait((frame.done,), timeout=POLL_S).done:
                return frame.done.result()

    def _halt(self) -> None:
        """Let nothing of this run start any more, and wait for what runs."""
        self._stop.set()
        with self._lock:
            running, turns = tuple(self._running.values()), tuple(self._turns)
        for step in running:
            step.cancel()
        wait([turn for turn in turns if not turn.cancel()])


def _stopped(number: int, model: str, error: BaseException) -> InsulaError:
    if isinstance(error, JobCancelled):
        return error
    reason = error.message if isinstance(error, InsulaError) else f"{type(error).__name__} in its code."
    hint = error.hint if isinstance(error, InsulaError) else "Run the task on the whole study to see more."
    stopped = StreamStopped(f"The stream stopped at slice {number}: {model} failed. {reason}", hint)
    stopped.__cause__ = error
    return stopped


def _unreadable(error: Exception) -> InsulaError:
    failed = StreamStopped(f"The source of slices failed with {type(error).__name__}.", "Check the study's files.")
    failed.__cause__ = error
    return failed
