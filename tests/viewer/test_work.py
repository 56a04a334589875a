"""What the worker orders from the engine host."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines.library import find
from inference.backends.base import Support
from inference.errors import JobCancelled, PrecisionAbsent
from inference.host.messages import Chosen, Order
from inference.lanes import LaneSpec
from inference.result import Precision, PrecisionKind
from inference.settings import SettingsInvalid
from inference.volume import Channel, Geometry, Volume
from viewer.match import Match
from viewer.study import Series, SeriesKind
from viewer.work import Worker


class Notebook:
    """A host that writes orders down and does none."""

    def __init__(self) -> None:
        self.orders: list[Order] = []

    def choose(self, _: Any, precision: Precision, device: str | None, *__: Any) -> Chosen:
        if device == "DLA0" and precision is Precision.FP32:
            raise PrecisionAbsent("DLA0 has no fp32.", "Choose fp16.")
        return Chosen("openvino", "1", device or "CPU", Support(PrecisionKind.NATIVE), "")

    def run(self, order: Order, *_: Any) -> Any:
        self.orders.append(order)
        raise JobCancelled


@pytest.fixture
def ordered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    def order(settings: str, precision: Precision = Precision.FP32) -> Order:
        file = tmp_path / "insula.toml"
        file.write_text(settings)
        monkeypatch.setenv("INSULA_SETTINGS", str(file))
        bundle, host = find("ct-to-mri"), Notebook()
        series = Series("ct", "CT", "head", SeriesKind.VOLUME, (), 0, channel=Channel.CT)
        grid = Geometry.from_axes((2, 2, 2), (1.0, 1.0, 1.0))
        volumes = {"ct": Volume(np.zeros((2, 2, 2), np.float32), grid, Channel.CT)}
        worker: Any = Worker((bundle,), host=host)  # type: ignore[arg-type]
        with pytest.raises(JobCancelled):
            worker.run(Match(bundle.task, {Channel.CT: series}), volumes, precision)
        return host.orders[0]

    return order


def test_a_job_runs_on_the_lane_that_the_settings_name_for_its_device(ordered: Any) -> None:
    lanes = "[[lanes]]\nname = 'gpu'\ndevice = 'GPU'\n[[lanes]]\nname = 'quiet'\ncores = [1]"
    assert ordered(lanes).queue == LaneSpec("quiet", "CPU", frozenset({1}))


def test_a_task_that_a_lane_names_runs_there_in_the_precisions_of_its_device(ordered: Any) -> None:
    lanes = "[[lanes]]\nname = 'dla'\ndevice = 'DLA0'\ntasks = ['ct-to-mri']\n[[lanes]]\nname = 'rest'\ncores = [1]"
    on_lane = ordered(lanes, Precision.FP16)
    assert (on_lane.queue, on_lane.engine.device) == (LaneSpec("dla", "DLA0"), "DLA0")
    elsewhere = ordered(lanes, Precision.FP32)
    assert (elsewhere.queue, elsewhere.engine.device) == (LaneSpec("rest", "CPU", frozenset({1})), "CPU")


def test_without_settings_a_job_runs_on_its_devices_own_lane(ordered: Any) -> None:
    assert ordered("").queue == LaneSpec("cpu", "CPU")


def test_wrong_settings_are_said_before_anything_runs(ordered: Any) -> None:
    with pytest.raises(SettingsInvalid):
        ordered("[[lanes]]\ncores = [1]")
