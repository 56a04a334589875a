"""Background work for the window: numbered requests out, answers back on the GUI thread.

Nothing else in the window starts a thread. Each lane is one thread that works its requests off in order.
"""

from __future__ import annotations

import logging
import queue
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum
from itertools import count
from typing import Any

from PySide6.QtCore import QObject, QThread, Signal, Slot

from inference.errors import InsulaError, JobCancelled, OtherRegion
from inference.result import Progress

log = logging.getLogger(__name__)

REPORT_EVERY_S = 0.05
HISTORY = 24


@dataclass(frozen=True, slots=True)
class Lane:
    """A queue with one thread.

    Attributes:
        name: Row on the timeline.
        engine: Tasks run here.
    """

    name: str
    engine: bool = False


READ, ENGINE, SCENE, MODELS = Lane("Read"), Lane("Engine", engine=True), Lane("Scene"), Lane("Models")


class JobState(Enum):
    """Where a job stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNFIT = "unfit"

    @property
    def over(self) -> bool:
        return self not in (JobState.WAITING, JobState.RUNNING)


class JobFailed(InsulaError):
    """A job ended with an error that nobody foresaw."""

    code = "job_failed"

    def __init__(self, kind: str) -> None:
        super().__init__(
            f"The job failed unexpectedly ({kind}).", "Start it again; if it fails again, send the log to support."
        )


@dataclass(frozen=True, slots=True)
class Span:
    """A stage of a job on the timeline, in seconds since the jobs began to be counted."""

    stage: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Request:
    """One numbered piece of work.

    Attributes:
        number: Unique and rising.
        key: What it is, the same for every run of the same kind: past runs foretell the next.
        title: What the job list says. No patient text.
        lane: Where it queues.
        generation: The study it belongs to; answers for older studies are dropped.
        silent: Too small to be listed while nothing is wrong with it.
    """

    number: int
    key: str
    title: str
    lane: Lane
    generation: int = 0
    silent: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """A request and how far it has come. Times in seconds since the jobs began to be counted."""

    request: Request
    state: JobState = JobState.WAITING
    stage: str = ""
    done: int = 0
    total: int = 0
    started: float = 0.0
    ended: float = 0.0
    spans: tuple[Span, ...] = ()
    error: str = ""
    past_s: float | None = None

    @property
    def fraction(self) -> float:
        return min(1.0, self.done / self.total) if self.total > 0 else 0.0

    def seconds(self, now: float) -> float:
        return (self.ended if self.state.over else now) - self.started

    def seconds_left(self, now: float) -> float | None:
        """Estimate of the time left, or None while nothing is known."""
        if self.state is not JobState.RUNNING:
            return None
        stage_s = now - self.spans[-1].start if self.spans else 0.0
        return time_left(now - self.started, stage_s, self.fraction, self.past_s)


def time_left(elapsed_s: float, stage_s: float, fraction: float, past_s: float | None) -> float | None:
    """Blend what this stage's pace says with what past runs took; the pace counts more the further it is."""
    by_pace = stage_s * (1.0 - fraction) / fraction if fraction > 0 else None
    if past_s is None:
        return by_pace
    by_past = max(0.0, past_s - elapsed_s)
    return by_past if by_pace is None else fraction * by_pace + (1.0 - fraction) * by_past


@dataclass(frozen=True, slots=True)
class Handlers:
    """What the GUI thread does with the answers of one request."""

    done: Callable[[Any], None]
    failed: Callable[[InsulaError], None]
    partial: Callable[[Any], None]


class Desk:
    """What a piece of work holds while it runs: say how far, show a part, ask whether to stop."""

    def __init__(self, number: int, post: Callable[[_Message], None]) -> None:
        self._number = number
        self._post = post
        self._cancelled = False
        self._reported = ("", 0.0)
        self._part: object = None

    def cancel(self) -> None:
        self._cancelled = True

    def cancelled(self) -> bool:
        return self._cancelled

    def progress(self, progress: Progress) -> None:
        """Report, at most every 50 ms within a stage."""
        now = time.monotonic()
        stage, at = self._reported
        if stage == progress.stage and now - at < REPORT_EVERY_S and progress.done < progress.total:
            return
        self._reported = (progress.stage, now)
        self._post(_Message(self._number, now, progress=progress))

    def partial(self, value: object) -> None:
        """Hand over a part of the answer; a newer part takes the place of one not yet looked at."""
        waiting, self._part = self._part is not None, value
        if not waiting and not self._cancelled:
            self._post(_Message(self._number, time.monotonic(), partial=True))

    def take_part(self) -> object:
        """The newest part, for the GUI thread."""
        part, self._part = self._part, None
        return part


Work = Callable[[Desk], object]


@dataclass(frozen=True, slots=True, eq=False)
class _Message:
    number: int
    at: float
    begun: bool = False
    progress: Progress | None = None
    partial: bool = False
    over: bool = False
    value: object = None
    error: InsulaError | None = None


@dataclass(frozen=True, slots=True)
class _Ticket:
    number: int
    work: Work = field(repr=False)
    desk: Desk = field(repr=False)


class _LaneThread(QThread):
    """Takes tickets in order until it is told to end."""

    def __init__(self, name: str, post: Callable[[_Message], None], parent: QObject) -> None:
        super().__init__(parent)
        self.setObjectName(f"insula-{name}")
        self.tickets: queue.SimpleQueue[_Ticket | None] = queue.SimpleQueue()
        self._post = post

    def run(self) -> None:
        while (ticket := self.tickets.get()) is not None:
            self._post(_Message(ticket.number, time.monotonic(), begun=True))
            value, error = _answer(ticket)
            self._post(_Message(ticket.number, time.monotonic(), over=True, value=value, error=error))


def _answer(ticket: _Ticket) -> tuple[object, InsulaError | None]:
    if ticket.desk.cancelled():
        return None, JobCancelled()
    try:
        return ticket.work(ticket.desk), None
    except InsulaError as error:
        return None, error
    except Exception as error:
        # The text of a foreign error may quote a header, so only its kind and place are written down.
        place = error.__traceback__
        while place is not None and place.tb_next is not None:
            place = place.tb_next
        where = f"{place.tb_frame.f_code.co_name}:{place.tb_lineno}" if place else "?"
        log.error("job %d failed: %s in %s", ticket.number, type(error).__name__, where)
        return None, JobFailed(type(error).__name__)


class Jobs(QObject):
    """Runs work on lanes and brings answers back to the thread it lives in.

    Signals:
        changed: A job began, moved on or ended.
    """

    changed = Signal()
    _posted = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._numbers = count(1)
        self._epoch = time.monotonic()
        self._jobs: dict[int, Job] = {}
        self._desks: dict[int, Desk] = {}
        self._handlers: dict[int, Handlers] = {}
        self._past_s: dict[str, float] = {}
        self._lanes: dict[Lane, _LaneThread] = {}
        self._open = True
        self._posted.connect(self._receive)

    @property
    def jobs(self) -> tuple[Job, ...]:
        """Newest last."""
        return tuple(self._jobs.values())

    @property
    def busy(self) -> bool:
        return any(not job.state.over for job in self._jobs.values())

    def now(self) -> float:
        return time.monotonic() - self._epoch

    def submit(
        self,
        key: str,
        title: str,
        lane: Lane,
        work: Work,
        done: Callable[[Any], None],
        failed: Callable[[InsulaError], None] = lambda _: None,
        partial: Callable[[Any], None] = lambda _: None,
        generation: int = 0,
        silent: bool = False,
    ) -> Request:
        """Queue work; the handlers run later on the GUI thread, and never after the job was dropped."""
        request = Request(next(self._numbers), key, title, lane, generation, silent)
        desk = Desk(request.number, self._posted.emit)
        self._jobs[request.number] = Job(request, past_s=self._past_s.get(key))
        self._desks[request.number] = desk
        self._handlers[request.number] = Handlers(done, failed, partial)
        self._forget_old()
        if self._open:
            self._lane(lane).tickets.put(_Ticket(request.number, work, desk))
        self.changed.emit()
        return request

    def cancel(self, number: int) -> None:
        """Ask a job to stop; it ends as cancelled when its work notices."""
        if number in self._desks:
            self._desks[number].cancel()

    def drop(self, number: int) -> None:
        """Cancel a job and let its answer come to nobody."""
        self.cancel(number)
        self._handlers.pop(number, None)
        if number in self._jobs and self._jobs[number].state is JobState.WAITING:
            del self._jobs[number]

    def drop_before(self, generation: int) -> None:
        """Drop every job of an earlier study; a model that is being added belongs to none."""
        for job in self.jobs:
            older = job.request.generation < generation and job.request.lane != MODELS
            if older and not job.state.over:
                self.drop(job.request.number)
        self.changed.emit()

    def close(self) -> None:
        """Cancel everything and wait for the threads to end. Nothing can be submitted afterwards."""
        self._open = False
        self._handlers.clear()
        for desk in self._desks.values():
            desk.cancel()
        for lane in self._lanes.values():
            lane.tickets.put(None)
        for lane in self._lanes.values():
            lane.wait()
        self._lanes.clear()

    def _lane(self, lane: Lane) -> _LaneThread:
        if lane not in self._lanes:
            self._lanes[lane] = _LaneThread(lane.name, self._posted.emit, self)
            self._lanes[lane].start()
        return self._lanes[lane]

    def _forget_old(self) -> None:
        over = [number for number, job in self._jobs.items() if job.state.over]
        for number in over[: max(0, len(over) - HISTORY)]:
            del self._jobs[number]

    @Slot(object)
    def _receive(self, message: _Message) -> None:
        if not self._open:
            return
        job = self._jobs.get(message.number)
        handlers = self._handlers.get(message.number)
        if job is not None:
            self._jobs[message.number] = _moved(job, message, message.at - self._epoch)
        desk = self._desks.get(message.number)
        part = desk.take_part() if desk is not None and message.partial else None
        if message.over:
            self._handlers.pop(message.number, None)
            self._desks.pop(message.number, None)
            self._learn(message.number)
        self.changed.emit()
        if handlers is not None and part is not None:
            handlers.partial(part)
        elif handlers is not None and message.over:
            _hand_over(handlers, message)

    def _learn(self, number: int) -> None:
        job = self._jobs.get(number)
        if job is not None and job.state is JobState.DONE:
            self._past_s[job.request.key] = job.ended - job.started


def _moved(job: Job, message: _Message, at: float) -> Job:
    if message.begun:
        return replace(job, state=JobState.RUNNING, started=at, ended=at)
    if message.progress is not None:
        step = message.progress
        return replace(job, stage=step.stage, done=step.done, total=step.total, spans=_spans(job, step.stage, at))
    if not message.over:
        return job
    closed = _spans(job, job.stage or job.request.key, at)
    if isinstance(message.error, JobCancelled):
        return replace(job, state=JobState.CANCELLED, ended=at, spans=closed)
    if isinstance(message.error, OtherRegion):
        return replace(job, state=JobState.UNFIT, ended=at, spans=closed, error=str(message.error))
    if message.error is not None:
        return replace(job, state=JobState.FAILED, ended=at, spans=closed, error=str(message.error))
    return replace(job, state=JobState.DONE, ended=at, done=job.total, spans=closed)


def _spans(job: Job, stage: str, at: float) -> tuple[Span, ...]:
    """The job's stages so far, the last one reaching to `at`."""
    if not job.spans:
        return (Span(stage, job.started, at),)
    last = replace(job.spans[-1], end=at)
    return (*job.spans[:-1], last) if last.stage == stage else (*job.spans[:-1], last, Span(stage, at, at))


def _hand_over(handlers: Handlers, message: _Message) -> None:
    if message.error is None:
        handlers.done(message.value)
    else:
        handlers.failed(message.error)
