"""A small study in memory, a small deterministic runner, and a watch over threads and timers left behind."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from inference.backends.base import Support
from inference.errors import BadOutput, InputRefused, JobCancelled
from inference.result import (
    Box,
    CancelledFn,
    Finding,
    Kind,
    Precision,
    PrecisionKind,
    Progress,
    ProgressFn,
    Provenance,
    Result,
    Seconds,
)
from inference.task import ChannelSpec, ModelSpec, Output, Sampling, Task, VectorSpec
from inference.volume import Channel, Geometry, Mask, Volume
from viewer.match import Match, match
from viewer.study import Frame, GeometryState, Patient, Series, SeriesKind, SetAside, Study

FRAME = "1.2.826.0.1.3680043.10.1.1"
CT_GRID = Geometry.from_axes((12, 64, 48), (3.0, 3.0, 8.0), (-72.0, -96.0, -40.0), frame_of_reference=FRAME)
MR_GRID = Geometry.from_axes((16, 32, 32), (6.0, 6.0, 6.0), (-93.0, -93.0, -45.0), frame_of_reference=FRAME)
BLOCKED = "The slices of this series have no positions."


def ball(grid: Geometry, centre: tuple[float, float, float], radius_mm: float) -> np.ndarray:
    """bool [k, j, i]: voxels nearer to an LPS point than the radius."""
    k, j, i = np.indices(grid.shape)
    points = grid.world_from_index(np.stack([i, j, k], axis=-1))
    found: np.ndarray = np.linalg.norm(points - centre, axis=-1) < radius_mm
    return found


def volumes() -> dict[str, Volume]:
    """uid -> volume: a CT with a skull and a bright spot on the left, DWI and ADC with a lesion on the right."""
    ct = np.full(CT_GRID.shape, -1000.0, dtype=np.float32)
    ct[ball(CT_GRID, (0, 0, 0), 66.0)] = 900.0
    ct[ball(CT_GRID, (0, 0, 0), 58.0)] = 36.0
    ct[ball(CT_GRID, (24, 0, 0), 9.0)] = 72.0
    dwi = np.where(ball(MR_GRID, (0, 0, 0), 60.0), 300.0, 4.0).astype(np.float32)
    dwi[ball(MR_GRID, (-24, 6, 0), 14.0)] = 900.0
    adc = np.where(dwi > 600, 0.45, np.where(dwi > 100, 0.8, 0.0)).astype(np.float32)
    return {
        "ct": Volume(ct, CT_GRID, Channel.CT, "HU", "CT 1"),
        "dwi": Volume(dwi, MR_GRID, Channel.DWI, "", "DWI 2"),
        "adc": Volume(adc, MR_GRID, Channel.ADC, "1e-3 mm2/s", "ADC 3"),
    }


def series_of(uid: str, volume: Volume, number: int) -> Series:
    count = volume.geometry.shape[0]
    return Series(
        uid=uid,
        modality="CT" if uid == "ct" else "MR",
        description=f"Series {uid}",
        kind=SeriesKind.VOLUME,
        frames=tuple(Frame(Path(f"{uid}{k}.dcm")) for k in range(count)),
        files=count,
        acquired_shape=volume.geometry.shape,
        grid=volume.geometry,
        channel=volume.channel,
        unit=volume.unit,
        frame_of_reference=FRAME,
        number=number,
    )


class MemoryLoader:
    """Keeps the loader's promises without a disk.

    Paths: "empty" is refused, "blocked" holds one series without usable geometry, "mr" has no CT, all else is whole.
    While `hold` is not set, reading waits (and can be cancelled).
    """

    def __init__(self, patient: str = "Phantom^Seven") -> None:
        self.volumes = volumes()
        self.patient = patient
        self.hold = threading.Event()
        self.hold.set()
        self.read_in: list[str] = []

    def scan(self, path: Path, *, progress: ProgressFn, cancelled: CancelledFn) -> Study:
        if path.name == "empty":
            raise InputRefused("There is no file in this folder.", "Choose a folder that holds a study.")
        progress(Progress("scan", 1, 1))
        wanted = ("dwi", "adc") if path.name == "mr" else tuple(self.volumes)
        found = [series_of(uid, self.volumes[uid], n) for n, uid in enumerate(wanted, start=1)]
        if path.name == "blocked":
            state, reasons = GeometryState.BLOCKED, (BLOCKED,)
            found = [Series("b", "CT", "No place", SeriesKind.VOLUME, (), 3, state=state, reasons=reasons)]
        aside = (SetAside(path / "report.pdf", "Not an image."),)
        files = sum(one.files for one in found) + 1
        patient = Patient(self.patient, "ID-7", "M", "064Y")
        return Study(path, files, tuple(found), aside, patient, "CT + MR head", "20261120")

    def read(
        self,
        series: Series,
        *,
        on_partial: Callable[[Volume], None],
        cancelled: CancelledFn,
        progress: ProgressFn,
    ) -> Volume:
        self.read_in.append(series.uid)
        whole = self.volumes[series.uid]
        valid = np.zeros(whole.voxels.shape, dtype=bool)
        valid[len(valid) // 2] = True
        on_partial(Volume(whole.voxels, whole.geometry, whole.channel, whole.unit, whole.name, valid=valid))
        while not self.hold.wait(0.01):
            if cancelled():
                raise JobCancelled
        progress(Progress("read", len(valid), len(valid)))
        return whole


def task(name: str, kind: Kind, channels: tuple[Channel, ...]) -> Task:
    return Task(
        name=name,
        title=name.replace("-", " ").capitalize(),
        version="1.0.0",
        kind=kind,
        intended_use="tests",
        notice="not for diagnostic use",
        licence="Apache-2.0",
        model=ModelSpec("model.onnx", "0" * 64, "x", ("y",)),
        channels=tuple(ChannelSpec(channel.value, "zscore") for channel in channels),
        sampling=Sampling("tiles", (1.0, 1.0, 1.0), (16, 16, 16)),
        output=Output(),
        test_vector=VectorSpec("vector.npz"),
        folder=Path(),
    )


TASKS = (
    task("ct-to-mri", Kind.VOLUME, (Channel.CT,)),
    task("hemorrhage-detection", Kind.BOXES, (Channel.CT,)),
    task("stroke-lesion", Kind.MASK, (Channel.DWI, Channel.ADC)),
)


class SmallRunner:
    """Answers by thresholds, differently by one voxel in each precision, and always the same.

    Args:
        error: Raised by every run of a task whose name is in `failing`.
        lanes: Task -> the lane that it has to itself.
    """

    def __init__(
        self,
        error: Exception | None = None,
        failing: tuple[str, ...] = (),
        lanes: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.error, self.failing, self.lanes = error, failing, lanes
        self.order: list[tuple[str, Precision]] = []
        self.hold = threading.Event()
        self.hold.set()
        self.closed = False
        self.tasks = TASKS

    def close(self) -> None:
        self.closed = True

    def matches(self, study: Study) -> tuple[Match, ...]:
        return match(study, self.tasks)[0]

    def renew(self) -> None:
        self.tasks = TASKS

    def lane(self, chosen: Match) -> str:
        return self.lanes.get(chosen.task.name, "")

    def support(self, chosen: Match, precision: Precision) -> Support:
        if precision is Precision.FP32:
            return Support(PrecisionKind.NATIVE)
        return Support(PrecisionKind.EMULATED, "weights rounded to FP16")

    def run(
        self,
        chosen: Match,
        feed: Mapping[str, Volume],
        precision: Precision,
        progress: ProgressFn,
        cancelled: CancelledFn,
    ) -> Result:
        self.order.append((chosen.task.name, precision))
        progress(Progress("infer", 0, 2))
        while not self.hold.wait(0.01):
            if cancelled():
                raise JobCancelled
        if self.error is not None and chosen.task.name in self.failing:
            raise self.error
        progress(Progress("infer", 2, 2))
        return _answer(chosen.task, feed[chosen.source.uid], precision)


def _answer(asked: Task, source: Volume, precision: Precision) -> Result:
    made = Provenance(asked.name, "1.0.0", "0" * 64, "fake", "1", "CPU", precision, PrecisionKind.NATIVE)
    seconds = Seconds(infer=2.0 if precision is Precision.FP32 else 1.0)
    if asked.kind is Kind.VOLUME:
        voxels = -source.voxels + (0.0 if precision is Precision.FP32 else 0.25)
        synthetic = Volume(voxels, source.geometry, Channel.T2, "", "Synthetic T2", synthetic=True)
        return Result(asked.name, Kind.VOLUME, (), made, seconds, volume=synthetic)
    if asked.kind is Kind.BOXES:
        found = Finding("IPH", None, (24.0, 0.0, 0.0), ((15.0, -9.0, -9.0), (33.0, 9.0, 9.0)), 0.81, "L")
        return Result(asked.name, Kind.BOXES, (found,), made, seconds, boxes=(Box("IPH", 0.81, 5, 28, 28, 36, 36),))
    labels = (source.voxels > 600).astype(np.uint8)
    if precision is Precision.FP16:
        labels[tuple(np.argwhere(labels)[0])] = 0
    mask = Mask(labels, source.geometry, {1: "ischaemic"})
    box = ((-38.0, -8.0, -14.0), (-10.0, 20.0, 14.0))
    found = Finding("ischaemic", mask.volume_ml(), (-24.0, 6.0, 0.0), box, 0.9, "R")
    return Result(asked.name, Kind.MASK, (found,), made, seconds, mask=mask)


@pytest.fixture
def loader() -> MemoryLoader:
    return MemoryLoader()


@pytest.fixture(scope="session")
def make_loader() -> Callable[..., MemoryLoader]:
    return MemoryLoader


@pytest.fixture
def runner() -> SmallRunner:
    return SmallRunner()


@pytest.fixture(scope="session")
def make_runner() -> Callable[..., SmallRunner]:
    return SmallRunner


@pytest.fixture
def bad_runner() -> SmallRunner:
    """Every network answers NaN."""
    error = BadOutput("The model's output y holds values that are not numbers.", "Run it again in fp32.")
    return SmallRunner(error, tuple(one.name for one in TASKS))


@pytest.fixture(scope="session")
def old_heap_aside() -> None:
    """What other tests have left alive is no longer walked at every collection: there are millions of objects."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def nothing_left(old_heap_aside: None) -> Iterator[None]:
    """No thread of ours runs and no timer ticks after the test."""
    from PySide6.QtCore import QCoreApplication, QThread, QTimer

    def busy() -> set[int]:
        gc.collect()
        alive = [one for one in gc.get_objects() if issubclass(type(one), QThread | QTimer) and _living(one)]
        threads = {id(one) for one in alive if isinstance(one, QThread) and one.isRunning()}
        return threads | {id(one) for one in alive if isinstance(one, QTimer) and one.isActive()}

    before = busy()
    yield
    QCoreApplication.processEvents()
    assert busy() - before == set()


def _living(thing: object) -> bool:
    from shiboken6 import isValid

    return bool(isValid(thing))


@pytest.fixture
def make_app(qtbot: Any, loader: MemoryLoader, runner: SmallRunner) -> Iterator[Callable[..., Any]]:
    """A function that makes an Application, shown and with a study opened and finished unless told otherwise."""
    from viewer.app import Application, Options, start_qt

    made = []

    def make(path: str | None = "whole", settled: bool = True, **given: Any) -> Any:
        options = Options(path=None if path is None else Path(path), size=(1280, 800), **given.pop("options", {}))
        app = Application(start_qt(), given.get("loader", loader), given.get("runner", runner), options)
        made.append(app)
        app.show()
        qtbot.waitExposed(app.window)
        if settled:
            assert app.wait(30.0)
        return app

    yield make
    for app in made:
        app.close()
        app.window.deleteLater()
    qtbot.wait(1)
