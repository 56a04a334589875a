"""Results say what they cost, from reading the machine while the task runs."""

from __future__ import annotations

import json
from typing import Any, cast

import numpy as np
import pytest

from inference.health.reading import Part, Reading, Scope
from inference.health.sampler import Sampler
from inference.health.watch import Watch
from inference.result import Kind, Precision, PrecisionKind, Provenance, Result, Seconds
from inference.volume import Channel, Geometry, Volume
from viewer import report
from viewer.match import Match
from viewer.metered import Metered
from viewer.report import Ran, document, text
from viewer.study import Series, SeriesKind
from viewer.whole_file import ExportFailed
from viewer.work import Worker

GRID = Geometry.from_axes((10, 8, 8), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
SERIES = Series("1", "CT", "CT 1", SeriesKind.VOLUME, (), 10, (10, 8, 8), GRID)
MADE = Provenance("t", "1", "0" * 64, "b", "1", "CPU", Precision.FP32, PrecisionKind.NATIVE)


class Source:
    """20 W from a clock of its own: each look is one second after the one before."""

    name = "ina3221"

    def __init__(self, watts: float | None) -> None:
        self.watts = watts

    def read(self, now_s: float) -> Part:
        return Part(self.name, "" if self.watts else "No sensor.", Scope.BOARD, self.watts)

    def close(self) -> None:
        return


class SmallWorker:
    """Takes as long as it says: loading 5 s of `seconds`, which nobody waits for."""

    closed = 0

    def run(self, *_words: object) -> Result:
        voxels = np.zeros(GRID.shape, np.float32)
        seconds = Seconds(load=5.0, infer=0.0)
        return Result("t", Kind.VOLUME, (), MADE, seconds, volume=Volume(voxels, GRID, Channel.T2))

    def close(self) -> None:
        self.closed += 1


def metered(watts: float | None) -> tuple[Result, SmallWorker]:
    worker, watch = SmallWorker(), Watch(Sampler((Source(watts),)))
    runner = Metered(cast(Worker, worker), watch)
    result = runner.run(cast(Match, None), {}, Precision.FP32)
    runner.close()
    watch.close()
    return result, worker


def test_a_result_carries_its_energy_and_loading_is_not_counted():
    result, worker = metered(20.0)
    assert result.energy is not None
    assert result.energy.seconds == 0.0, "all of its time was loading"
    assert result.energy.joules == pytest.approx(0.0, abs=1e-6)
    assert result.energy.covers == ("ina3221",)
    assert worker.closed == 1


def test_without_a_sensor_the_energy_is_absent_with_the_reason():
    result, _ = metered(None)
    assert result.energy is not None
    assert (result.energy.joules, result.energy.absent) == (None, "No sensor.")


def ran(joules: float | None) -> Ran:
    from dataclasses import replace
    from pathlib import Path

    from inference.health.energy import Energy

    result, _ = metered(None)
    energy = Energy(4.0, joules, ("rapl",) if joules else (), "" if joules else "No sensor.")
    return Ran(replace(result, seconds=Seconds(3.0, 0.5, 3.0, 0.5), energy=energy), SERIES, Path("t.nii.gz"))


def entry(one: Ran) -> dict[str, Any]:
    found: dict[str, Any] = document([one], [])["results"][0]["energy"]
    return found


def test_the_report_has_joules_of_a_volume_and_a_slice_and_fps_per_watt():
    energy = entry(ran(60.0))
    assert (energy["joules"], energy["joules_per_volume"], energy["joules_per_slice"]) == (60.0, 60.0, 6.0)
    assert (energy["mean_watts"], energy["fps"]) == (15.0, 2.5)
    assert energy["fps_per_watt"] == pytest.approx(energy["fps"] / energy["mean_watts"], rel=1e-3)
    assert energy["absent"] is None
    assert "0.17 slices/s per watt" in text([ran(60.0)], [])


def test_an_unknown_energy_is_null_with_the_reason_and_never_zero():
    energy = entry(ran(None))
    assert [energy[name] for name in ("joules", "mean_watts", "fps_per_watt", "joules_per_slice")] == [None] * 4
    assert energy["absent"] == "No sensor."
    assert "watt" not in text([ran(None)], [])


def test_the_machine_stands_in_the_report_that_is_written(tmp_path):
    reading = Reading(1.0, (Source(20.0).read(0.0),))
    file = report.write(document([ran(60.0)], [], reading), tmp_path / "out")
    found = json.loads(file.read_text())
    assert file.name == "report.json"
    assert found["machine_health"]["watts"] == 20.0
    assert document([], [])["machine_health"] is None


def test_a_report_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ExportFailed):
        report.write({}, tmp_path / "file")
