"""Calibration pictures: network inputs that the inference steps themselves have made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines import vector
from engines.around import Around
from engines.colour_file import picture_volume
from engines.parity.judge import judge_for
from engines.parity.phantoms import phantoms
from inference.backends.base import Arrays, Engine
from inference.backends.graph import Graph
from inference.errors import BadOutput, InputRefused
from inference.result import CancelledFn, Kind, Precision, PrecisionKind, ProgressFn, Provenance
from inference.run import run
from inference.steps.decode import Detections
from inference.task import Task
from inference.volume import Channel, Floats, Geometry, Volume

IMAGES = (".png", ".jpg", ".jpeg")
AIR_HU = -1000.0
BLACK = 0.03
"""Below this share of white a CT picture shows air, whatever its window was."""
NOTHING = "nothing"
FIRST_HEAD = 930_000
"""First seed of digital heads that calibrate."""
Feed = dict[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One input of the network.

    Attributes:
        label: Its class for a balanced choice; "" where nobody knows.
        source: Which file, head or study it comes from; no patient text.
    """

    feed: Feed
    label: str
    source: str


def of_npz(file: Path, border: Graph, label: str = "") -> list[Picture]:
    """Every sample of an npz whose arrays bear the names of the graph's inputs.

    Raises:
        EngineError: Names or shapes do not fit the graph.
    """
    return [Picture(sample.feed, label, file.name) for sample in vector.samples(file, border)]


def of_volumes(
    task: Task,
    volumes: Mapping[Channel, Volume],
    engine: Engine,
    source: str,
    cancelled: CancelledFn = lambda: False,
) -> list[Picture]:
    """What the network is shown when a task runs on these volumes, with the class that it sees in each itself.

    The task really runs, so calibration can never prepare its pictures otherwise than inference does.

    Raises:
        InputRefused: The task refuses the volumes.
        JobCancelled: `cancelled` said so.
    """
    recorder = _Recorder(task, engine, source)
    with suppress(BadOutput):  # what the answers are worth does not matter here
        run(volumes, task, recorder, _provenance(task), cancelled=cancelled)
    return recorder.pictures


def of_heads(
    task: Task, count: int, progress: ProgressFn = lambda _: None, cancelled: CancelledFn = lambda: False
) -> list[Picture]:
    """Pictures of digital heads that neither training nor measuring uses, with the class that truly is in each.

    Raises:
        InputRefused: The phantom shows nothing that the task asks for.
        JobCancelled: `cancelled` said so.
    """
    made = phantoms(task, range(FIRST_HEAD, FIRST_HEAD + count), progress, cancelled)
    if not made:
        raise InputRefused(f"No digital head shows what {task.name} asks for.", "Give --calibration a folder.")
    return [Picture(case.feed, _label(task, case.truth), case.name) for case in made]


def image_volume(file: Path, task: Task) -> Volume:
    """A grey picture as one axial slice that fills the task's field of view, grey 0..255 being the task's window.

    For a task that takes colour pictures: the picture as it is.

    Raises:
        InputRefused: It cannot be read, or the task does not take windowed slices.
    """
    from PIL import Image

    spec, sampling = task.channels[0], task.sampling
    if sampling.kind == "crops":
        return picture_volume(file)
    if sampling.kind != "slices" or spec.normalise != "window" or len(task.channels) != 1:
        raise InputRefused(f"{task.name} cannot be calibrated with pictures.", "Give studies or NIfTI files.")
    try:
        with Image.open(file) as image:
            grey = np.asarray(image.convert("L"), dtype=np.float32) / 255.0
    except OSError as error:
        raise InputRefused(f"{file.name} is not a readable picture.", "Give PNG or JPEG files.") from error
    values = spec.low + grey * (spec.high - spec.low)
    if spec.channel is Channel.CT:
        values = np.where(grey > BLACK, values, AIR_HU)
    rows, columns = grey.shape
    y, x = (mm * n / have for mm, n, have in zip(sampling.spacing_mm, sampling.size, (rows, columns), strict=True))
    grid = Geometry.from_axes((1, rows, columns), (x, y, 5.0))
    return Volume(values[None].astype(np.float32), grid, spec.channel)


def labelled_files(folder: Path, endings: Sequence[str]) -> list[tuple[Path, str]]:
    """Files in order, each with the name of the folder that it lies in as its class; "" where all lie in one folder."""
    files = [file for file in sorted(folder.rglob("*")) if file.is_file() and file.suffix.lower() in endings]
    several = len({file.parent for file in files}) > 1
    return [(file, file.parent.name if several and file.parent != folder else "") for file in files]


class _Recorder(Around):
    """An engine that keeps what it is asked."""

    def __init__(self, task: Task, engine: Engine, source: str) -> None:
        super().__init__(engine)
        self._task, self._source = task, source
        self._judge = judge_for(task)
        self.pictures: list[Picture] = []

    def infer(self, feed: Arrays) -> Feed:
        answer = super().infer(feed)
        label = _label(self._task, self._judge.read(answer))
        kept = {name: np.array(array, dtype=np.float32) for name, array in feed.items()}
        self.pictures.append(Picture(kept, label, self._source))
        return answer


def _label(task: Task, seen: Any) -> str:
    """The class that a picture counts for: the best box's, the commonest label's, or nothing."""
    if isinstance(seen, Detections):
        best = seen.classes[seen.scores >= task.output.score]
        return task.output.labels[int(best[0])] if len(best) else NOTHING
    if task.kind is not Kind.MASK:
        return ""
    return _commonest(task, seen)


def _commonest(task: Task, labels: Floats) -> str:
    counts = np.bincount(np.asarray(labels, dtype=np.intp).ravel(), minlength=len(task.output.labels) + 1)[1:]
    return task.output.labels[int(counts.argmax())] if counts.any() else NOTHING


def _provenance(task: Task) -> Provenance:
    return Provenance(task.name, task.version, task.model.sha256, "", "", "CPU", Precision.FP32, PrecisionKind.NATIVE)
