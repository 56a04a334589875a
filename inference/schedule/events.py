"""From event to event: the clockwork under the simulator."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from inference.schedule.contention import Contention
from inference.schedule.cost import Task

Work = tuple[tuple[Task, ...], ...]
EPSILON_MS = 1e-9


@dataclass(frozen=True, slots=True)
class Piece:
    """One segment of one frame that ran; ms from the start."""

    model: int
    segment: int
    frame: int
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer that ran under contention: its number within its segment; ms from the start."""

    model: int
    segment: int
    piece: int
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Stream:
    """How frames come, and who goes first.

    Attributes:
        frames: Of every model.
        queues: (model, segment, frame) in the order in which each device serves them, waiting for each;
            None: first come, first served, earlier frames first.
        in_flight: A frame begins only when its model's frame so many before it has ended.
        every_ms: Time between two frames' arrivals; 0: all are there at the start.
    """

    frames: int = 1
    queues: Mapping[str, Sequence[tuple[int, int, int]]] | None = None
    in_flight: int = 1
    every_ms: float = 0.0


@dataclass(slots=True)
class _Running:
    model: int
    segment: int
    frame: int
    start: float
    piece: int
    left: float
    begun: float


class _Clock:
    """Devices, frames under way, and the time."""

    def __init__(self, work: Work, stream: Stream, contention: Contention) -> None:
        self.work, self.stream, self.contention = work, stream, contention
        self.now = 0.0
        self.busy: dict[str, _Running] = {}
        self.waiting: dict[tuple[int, int], tuple[int, float]] = {}
        self.finished = [0] * len(work)
        self.begun = [0] * len(work)
        self.served: dict[str, int] = {}
        self.done: list[Piece] = []
        self.layers: list[Layer] = []

    def admit(self) -> None:
        """Let frames in that may begin now."""
        for model in range(len(self.work)):
            while self.begun[model] < min(self.stream.frames, self.finished[model] + self.stream.in_flight):
                arrives = self.begun[model] * self.stream.every_ms
                self.waiting[model, self.begun[model]] = (0, max(self.now, arrives))
                self.begun[model] += 1

    def start(self) -> None:
        """Give every free device the next segment that is ready for it."""
        ready = [
            ((frame, at, model), model, frame, segment)
            for (model, frame), (segment, at) in self.waiting.items()
            if at <= self.now + EPSILON_MS
        ]
        for _, model, frame, segment in sorted(ready):
            task = self.work[model][segment]
            device = task.segment.device
            if device in self.busy or not self._turn(device, model, segment, frame):
                continue
            del self.waiting[model, frame]
            self.busy[device] = _Running(model, segment, frame, self.now, 0, self._pieces(task)[0][0], self.now)

    def step(self) -> None:
        """Go to the next event: a layer's end, or a model that has paid its transition."""
        rates = {device: 1.0 / self._slowdown(device) for device in self.busy}
        ahead = [running.left / rates[device] for device, running in self.busy.items()]
        ahead += [at - self.now for _, at in self.waiting.values() if at > self.now + EPSILON_MS]
        passed = min(ahead)
        self.now += passed
        for device, running in list(self.busy.items()):
            running.left -= passed * rates[device]
            if running.left <= EPSILON_MS:
                self._piece_done(device, running)

    def _piece_done(self, device: str, running: _Running) -> None:
        task = self.work[running.model][running.segment]
        pieces = self._pieces(task)
        self.layers.append(Layer(running.model, running.segment, running.piece, running.begun, self.now))
        if running.piece + 1 < len(pieces):
            running.piece, running.begun = running.piece + 1, self.now
            running.left = pieces[running.piece][0]
            return
        del self.busy[device]
        self.done.append(Piece(running.model, running.segment, running.frame, running.start, self.now))
        if running.segment + 1 < len(self.work[running.model]):
            self.waiting[running.model, running.frame] = (running.segment + 1, self.now + task.transition_ms)
        else:
            self.finished[running.model] += 1

    def _pieces(self, task: Task) -> tuple[tuple[float, float], ...]:
        return task.pieces if self.contention else ((task.ms, 0.0),)

    def _turn(self, device: str, model: int, segment: int, frame: int) -> bool:
        """Whether a device's timetable has come to a segment; counted on when it has."""
        if self.stream.queues is None:
            return True
        place = self.served.get(device, 0)
        if self.stream.queues[device][place] != (model, segment, frame):
            return False
        self.served[device] = place + 1
        return True

    def _slowdown(self, device: str) -> float:
        if not self.contention or len(self.busy) == 1:
            return 1.0
        others = sum(self._demand(other) for other in self.busy if other != device)
        return self.contention.slowdown(device, self._demand(device), others)

    def _demand(self, device: str) -> float:
        running = self.busy[device]
        return self.work[running.model][running.segment].pieces[running.piece][1]


def run(work: Work, stream: Stream, contention: Contention) -> tuple[Piece, ...]:
    """Everything that ran, in the order of its end."""
    return tuple(_run(work, stream, contention).done)


def run_layers(work: Work, stream: Stream, contention: Contention) -> tuple[Layer, ...]:
    """Every layer that ran, in the order of its end. Needs a contention table."""
    return tuple(_run(work, stream, contention).layers)


def _run(work: Work, stream: Stream, contention: Contention) -> _Clock:
    clock = _Clock(work, stream, contention)
    while True:
        clock.admit()
        clock.start()
        if not clock.busy and not clock.waiting:
            return clock
        clock.step()


def round_queues(work: Work, order: Iterable[tuple[int, int]]) -> dict[str, list[tuple[int, int, int]]] | None:
    """One frame of every model in a plan's order; None where the plan has none."""
    queues: dict[str, list[tuple[int, int, int]]] = {}
    for model, segment in order:
        queues.setdefault(work[model][segment].segment.device, []).append((model, segment, 0))
    return queues or None
