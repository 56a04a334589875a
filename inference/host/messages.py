"""What crosses the border: frozen, numbered, and free of voxels and of anything a study says about its patient."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from inference.backends.base import Support
from inference.lanes import LaneSpec
from inference.result import Precision, Progress, Provenance, Result
from inference.task import Task
from inference.volume import Channel, Geometry


@dataclass(frozen=True, slots=True)
class Chosen:
    """A backend and device for a precision, as facts: `registry.Choice` without the backend itself.

    Attributes:
        why: One sentence for the plan and the log.
    """

    backend: str
    version: str
    device: str
    support: Support
    why: str


@dataclass(frozen=True, slots=True)
class EngineKey:
    """What makes one engine another than the next.

    Attributes:
        graph: ONNX file of the precision, absolute.
        sha256: Digest of the bundle's model: a file that was replaced in its place is another engine.
    """

    graph: Path
    sha256: str
    precision: Precision
    backend: str
    device: str


@dataclass(frozen=True, slots=True)
class Order:
    """Everything about a job except its volumes.

    Attributes:
        load_seconds: Spent on making ready before the order was given; the engine's own load time comes on top.
        lane: Where it queues; None: the lane named after the engine's device.
        absent: Why optional channels are not among its volumes, where the study does hold such a series.
    """

    task: Task
    engine: EngineKey
    provenance: Provenance
    load_seconds: float = 0.0
    lane: LaneSpec | None = None
    absent: tuple[tuple[Channel, str], ...] = ()

    @property
    def queue(self) -> LaneSpec:
        return self.lane or LaneSpec(self.engine.device.lower(), self.engine.device)


@dataclass(frozen=True, slots=True)
class ArrayNote:
    """Where an array lies: name of its segment, shape, and dtype as numpy writes it."""

    segment: str
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True, slots=True, eq=False)
class VolumeNote:
    """A volume whose voxels lie in shared memory; its name stays at home, its frame of reference is a stand-in."""

    channel: Channel
    voxels: ArrayNote
    valid: ArrayNote | None
    geometry: Geometry
    shows: Channel
    unit: str
    synthetic: bool
    colour: ArrayNote | None = None


# --- to the host ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Choose:
    """Which backend serves this wish best? Answered with `Chosen`."""

    number: int
    backend: str | None
    precision: Precision
    device: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """Run a task. Answered with an `Answer`, its voxels written into `answer`."""

    number: int
    order: Order
    volumes: tuple[VolumeNote, ...]
    answer: ArrayNote | None


@dataclass(frozen=True, slots=True)
class Cancel:
    """Stop a request, running or waiting; repeated until its answer comes."""

    number: int


Request = Choose | Run | Cancel

# --- from the host ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ready:
    """The host listens."""

    pid: int


@dataclass(frozen=True, slots=True)
class Taken:
    """The host has opened every segment of a request: their names are not needed any more."""

    number: int


@dataclass(frozen=True, slots=True)
class Step:
    """A sign of life. The next one comes within `patience_s`, or something is wrong."""

    number: int
    progress: Progress
    patience_s: float


@dataclass(frozen=True, slots=True)
class MaskNote:
    """What is known of a mask beside its voxels: label value and name."""

    names: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class MadeNote:
    """What is known of a made volume beside its voxels."""

    channel: Channel
    unit: str
    name: str
    synthetic: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """A result without its array, which lies in the segment that the request named; `note` says what it is."""

    result: Result
    note: MaskNote | MadeNote | None


@dataclass(frozen=True, slots=True, eq=False)
class Done:
    """The answer to a request."""

    number: int
    value: Chosen | Answer


@dataclass(frozen=True, slots=True, eq=False)
class Failed:
    """The error that stands in the answer's place; always an `InsulaError`."""

    number: int
    error: Exception


Message = Ready | Taken | Step | Done | Failed
