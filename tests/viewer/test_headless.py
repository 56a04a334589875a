"""Tasks on different lanes run at once; what comes of them stands in the order of the tasks."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from inference.errors import BadOutput, InputRefused, JobCancelled
from inference.result import Kind, Precision, PrecisionKind, Provenance, Result, Seconds
from inference.volume import Channel, Geometry, Volume
from viewer.headless import _Road

GRID = Geometry.from_axes((2, 2, 2), (1.0, 1.0, 1.0))


class Meeting:
    """A worker whose tasks wait for each other: on one lane they would wait for ever."""

    def __init__(self, lanes: dict[str, str], errors: dict[str, Exception] | None = None) -> None:
        self.lanes, self.errors = lanes, errors or {}
        self.meet = threading.Barrier(len(set(lanes.values())))

    def lane(self, match: Any) -> str:
        return self.lanes[match.task.name]

    def run(self, match: Any, *_: Any) -> Result:
        name = match.task.name
        self.meet.wait(10)
        if name in self.errors:
            raise self.errors[name]
        made = Provenance(name, "1", "0" * 64, "fake", "1", "CPU", Precision.FP32, PrecisionKind.NATIVE)
        volume = Volume(np.zeros((2, 2, 2), np.float32), GRID, Channel.T2, "", "T2", synthetic=True)
        return Result(name, Kind.VOLUME, (), made, Seconds(), volume=volume)


def road(tmp_path: Path, worker: Meeting) -> Any:
    reader = SimpleNamespace(need=lambda _: None, volumes={})
    matches = [SimpleNamespace(task=SimpleNamespace(name=name), source=None, inputs={}) for name in worker.lanes]
    made: Any = _Road(worker, reader, (Precision.FP32,), tmp_path, lambda _: None, lambda: False)  # type: ignore[arg-type]
    return made.all(matches)


def test_two_lanes_work_at_once_and_answer_in_order(tmp_path: Path) -> None:
    turns = road(tmp_path, Meeting({"gan": "dla0", "boxes": "gpu"}))
    assert [turn.ran[0].result.task for turn in turns] == ["gan", "boxes"]
    assert all(turn.ran[0].file.is_file() for turn in turns)


def test_one_failure_leaves_the_other_lane_alone(tmp_path: Path) -> None:
    broken = BadOutput("The output is NaN.", "Choose fp32.")
    first, second = road(tmp_path, Meeting({"gan": "dla0", "boxes": "gpu"}, {"gan": broken}))
    assert first.failure is broken
    assert first.skipped[0].task == "gan"
    assert second.failure is None
    assert len(second.ran) == 1


def test_a_refused_input_is_skipped_and_a_cancelled_run_ends(tmp_path: Path) -> None:
    refused = InputRefused("The slices overlap.", "Give another series.")
    (turn,) = road(tmp_path, Meeting({"gan": ""}, {"gan": refused}))
    assert (turn.skipped[0].reason, turn.failure) == (str(refused), None)
    with pytest.raises(JobCancelled):
        road(tmp_path, Meeting({"gan": ""}, {"gan": JobCancelled()}))
