"""What is asked of a deployment and what comes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engines.quantize.pictures import Picture
from inference.backends.base import Engine
from inference.result import CancelledFn, ProgressFn
from inference.task import Task

Pictures = Callable[[Path, Task, Engine, int | None, ProgressFn, CancelledFn], list[Picture]]
"""Folder, task, its fp32 engine, how many at most -> network inputs, prepared as the task itself prepares them."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What to deploy and how.

    Attributes:
        source: What `engines import` takes, or a bundle's folder.
        target: The accelerator whose rules the graph shall meet, a name of `engines.surgery.targets`; empty: none.
        calibration: Folder of studies for the ranges of int8; None: the model's test vector gives them.
        count: Pictures at most that calibrate.
        name: The task's name; empty: from the model.
        channels: What each channel shows; empty: told from the model.
        labels: Detector: names of its classes; empty: as the model says.
        window: Detector: the values that are black and white in its pictures; None: as the model says.
        examples: Files of one real case, for the test vector.
        mirror: Average over mirrored inputs where training mirrored.
        trust: Open checkpoints that hold more than weights and plain data.
    """

    source: Path
    target: str = ""
    calibration: Path | None = None
    count: int = 100
    name: str = ""
    channels: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    window: tuple[float, ...] = ()
    examples: tuple[Path, ...] = ()
    mirror: bool = True
    trust: bool = False


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage that is done: what it found, how long it took, and whether an earlier call had done it."""

    name: str
    sentence: str
    seconds: float
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Deployed:
    """The installed bundle and how it got there."""

    task: str
    folder: str
    stages: tuple[Stage, ...]

    @property
    def text(self) -> str:
        lines = [
            f"{stage.name:<9} {'kept' if stage.kept else f'{stage.seconds:.1f} s':>8}  {stage.sentence}"
            for stage in self.stages
        ]
        return "\n".join([*lines, f"`insula run STUDY --out DIR --task {self.task}` runs it; the window offers it."])
