"""A station: a lane and the backend that works on it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engines.derive import model_for
from inference.backends import registry
from inference.backends.base import Backend, Engine
from inference.backends.onnxruntime import OnnxRuntimeBackend
from inference.backends.openvino import OpenVinoBackend
from inference.cache import sha256
from inference.errors import InputRefused
from inference.lanes import Lane, LaneSpec
from inference.result import Precision

_WORDS = re.compile(
    r"(?P<name>\w+)=(?P<backend>\w+)(:(?P<device>\w+))?(/(?P<precision>\w+))?(@(?P<cores>\d+(\+\d+)*))?"
)
SHARED = (Precision.FP32, Precision.BF16)
_HOW = "Write it as NAME=BACKEND[:DEVICE][/PRECISION][@CORE[+CORE]], for example cpu0=openvino@0."


@dataclass(frozen=True, slots=True)
class Station:
    """Where a part of a model may run.

    Attributes:
        lane: Its queue; an engine gets as many threads as the lane has cores.
        backend: By name.
        precision: Of the engines loaded here: fp32, bf16 or fp16. What crosses a cut is fp32 on every lane.
    """

    lane: LaneSpec
    backend: str
    precision: Precision = Precision.FP32

    @property
    def name(self) -> str:
        return self.lane.name

    @property
    def sentence(self) -> str:
        """For a report: "cpu0 = openvino fp32 on CPU, core 0"."""
        cores = "+".join(map(str, sorted(self.lane.cores)))
        return f"{self.name} = {self.backend} {self.precision.value} on {self.lane.device}" + (
            f", core {cores}" if cores else ""
        )

    def make_backend(self) -> Backend:
        """A backend of its own, so that its engines have this lane's number of threads.

        Raises:
            BackendMissing: It is not usable here.
        """
        usable = registry.named(self.backend)
        threads = len(self.lane.cores) or None
        if isinstance(usable, OpenVinoBackend):
            return OpenVinoBackend(threads=threads)
        if isinstance(usable, OnnxRuntimeBackend):
            return OnnxRuntimeBackend(threads=threads)
        return usable


def parse(text: str) -> tuple[Station, ...]:
    """Stations from words: `cpu0=openvino@0,cpu1=onnxruntime@1` or `gpu=tensorrt:GPU,dla0=tensorrt:DLA0`.

    Raises:
        InputRefused: The words are not such a list, or a core is not there.
    """
    found = tuple(_station(part.strip()) for part in text.split(","))
    if len({station.name for station in found}) != len(found):
        raise InputRefused("Two lanes have one name.", "Give each lane a name of its own.")
    return found


def usual() -> tuple[Station, ...]:
    """Two CPU lanes of one core each with different backends; both on one core where there is only one."""
    usable = sorted(cores())
    pairs = (("cpu0", "openvino", usable[0]), ("cpu1", "onnxruntime", usable[-1]))
    return tuple(Station(LaneSpec(name, "CPU", frozenset({core})), backend) for name, backend, core in pairs)


@contextmanager
def lanes(stations: Iterable[Station]) -> Iterator[dict[str, Lane]]:
    """Their open lanes by name, closed at the end."""
    opened = {station.name: Lane(station.lane) for station in stations}
    try:
        yield opened
    finally:
        for lane in opened.values():
            lane.close()


def load(station: Station, lane: Lane, model: Path) -> Engine:
    """An engine on a station, loaded on the lane's own thread so that what the runtime starts keeps to its cores.

    Args:
        model: The fp32 graph of a network or of a part of one.

    Raises:
        EngineError: As `model_for` and `Backend.load`.
    """
    backend, precision = station.make_backend(), station.precision
    graph = model if precision in SHARED else model_for(model, sha256(model), precision)
    loading: Future[Engine] = lane.submit("load", lambda: backend.load(graph, precision, station.lane.device))
    return loading.result()


def _station(text: str) -> Station:
    found = _WORDS.fullmatch(text)
    if found is None:
        raise InputRefused(f"{text!r} names no lane.", _HOW)
    pinned = frozenset(int(core) for core in (found["cores"] or "").split("+") if core)
    if not pinned <= cores():
        raise InputRefused(f"This program may not use all cores of {text!r}.", f"Choose from {sorted(cores())}.")
    try:
        precision = Precision((found["precision"] or "fp32").lower())
    except ValueError as error:
        raise InputRefused(f"{found['precision']} is no precision.", "Choose fp32, bf16 or fp16.") from error
    if precision is Precision.INT8:
        raise InputRefused("A lane cannot run parts in int8: each would need its own calibration.", "Choose fp16.")
    lane = LaneSpec(found["name"], (found["device"] or "CPU").upper(), pinned)
    return Station(lane, found["backend"].lower(), precision)


def cores() -> frozenset[int]:
    """The processor cores that this program may use."""
    if hasattr(os, "sched_getaffinity"):
        return frozenset(os.sched_getaffinity(0))
    return frozenset(range(os.cpu_count() or 1))
