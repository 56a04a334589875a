"""A head of a few thousand voxels, bundles that a fake or a real engine runs in milliseconds, and a watch over what
the host leaves behind."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from inference.host.client import EngineHost
from inference.host.messages import EngineKey, Order
from inference.host.segments import FOLDER
from inference.result import Kind, Precision, PrecisionKind, Provenance
from inference.task import ChannelSpec, ModelSpec, Output, Sampling, Task, VectorSpec
from inference.volume import Channel, Geometry, Volume

GRID = Geometry.from_axes((20, 32, 32), (6.0, 6.5, 6.0), (-93.0, -101.0, -57.0), frame_of_reference="1.2.3.4.5")
TILE = 16


@pytest.fixture(scope="session")
def head() -> dict[Channel, Volume]:
    """CT, DWI and ADC of an elliptic head with a lesion on the patient's right."""
    k, j, i = np.indices(GRID.shape)
    x, y, z = np.moveaxis(GRID.world_from_index(np.stack([i, j, k], -1)), -1, 0)
    radius = (x / 72) ** 2 + (y / 88) ** 2 + (z / 55) ** 2
    lesion = (x + 30) ** 2 + y**2 + z**2 < 18**2
    noise = np.random.default_rng(5).normal(0, 3, GRID.shape)
    arrays = {
        Channel.CT: np.where(radius < 0.85, 35 + noise, np.where(radius < 1, 900, -1000)) + 30 * lesion,
        Channel.DWI: np.where(lesion, 300, np.where(radius < 1, 100 + noise, 0)),
        Channel.ADC: np.where(lesion, 0.5, np.where(radius < 1, 0.9, 0.0)) * 1e-3,
    }
    return {
        channel: Volume(array.astype(np.float32), GRID, channel, name="Zzyzx^Canary")
        for channel, array in arrays.items()
    }


def graph(channels: int, outputs: int, shape: tuple[int, ...]) -> onnx.ModelProto:
    """A convolution of kernel 1 with fixed random weights: [1, channels, *shape] -> [1, outputs, *shape]."""
    weights = np.random.default_rng(1).normal(0, 1, (outputs, channels, *(1 for _ in shape))).astype(np.float32)
    node = helper.make_node("Conv", ["input", "w"], ["logits"], kernel_shape=[1] * len(shape))
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, count, *shape])
        for name, count in (("input", channels), ("logits", outputs))
    ]
    made = helper.make_graph([node], "small", ends[:1], ends[1:], [numpy_helper.from_array(weights, "w")])
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.fixture(scope="session")
def mask_task(tmp_path_factory: pytest.TempPathFactory) -> Task:
    """Outlines in 12 tiles."""
    folder = tmp_path_factory.mktemp("mask-bundle")
    model = graph(2, 2, (TILE,) * 3).SerializeToString()
    (folder / "model.onnx").write_bytes(model)
    return Task(
        name="small-mask",
        title="Small mask",
        version="1.0.0",
        kind=Kind.MASK,
        intended_use="tests",
        notice="not for diagnostic use",
        licence="Apache-2.0",
        model=ModelSpec("model.onnx", hashlib.sha256(model).hexdigest(), "input", ("logits",)),
        channels=(ChannelSpec("DWI", "zscore"), ChannelSpec("ADC", "adc")),
        sampling=Sampling("tiles", (6.0, 6.0, 6.0), (TILE,) * 3, overlap=0.0),
        output=Output(labels=("lesion",)),
        test_vector=VectorSpec("vector.npz"),
        folder=folder,
    )


@pytest.fixture(scope="session")
def huge_task(mask_task: Task, tmp_path_factory: pytest.TempPathFactory) -> Task:
    """The same, but its network holds 100,000 channels of 64^3 voxels at once."""
    folder = tmp_path_factory.mktemp("huge-bundle")
    model = graph(2, 100_000, (64,) * 3).SerializeToString()
    (folder / "model.onnx").write_bytes(model)
    spec = replace(mask_task.model, sha256=hashlib.sha256(model).hexdigest())
    return replace(mask_task, name="huge", title="Huge", folder=folder, model=spec)


@pytest.fixture(scope="session")
def volume_task(tmp_path_factory: pytest.TempPathFactory) -> Task:
    """Makes a volume from slices."""
    folder = tmp_path_factory.mktemp("volume-bundle")
    model = graph(1, 1, (32, 32)).SerializeToString()
    (folder / "model.onnx").write_bytes(model)
    return Task(
        name="small-volume",
        title="Small volume",
        version="1.0.0",
        kind=Kind.VOLUME,
        intended_use="tests",
        notice="not for diagnostic use",
        licence="Apache-2.0",
        model=ModelSpec("model.onnx", hashlib.sha256(model).hexdigest(), "input", ("logits",)),
        channels=(ChannelSpec("CT", "window", -10.0, 90.0),),
        sampling=Sampling("slices", (6.0, 6.0), (32, 32)),
        output=Output(channel="T2", low=0.0, high=1.0),
        test_vector=VectorSpec("vector.npz"),
        folder=folder,
    )


def order_for(task: Task, backend: str = "fake", device: str = "CPU", **changes: object) -> Order:
    """An order as the viewer writes it."""
    precision = Precision.FP32
    made = Provenance(
        task.name, task.version, task.model.sha256, backend, "0", device, precision, PrecisionKind.EMULATED
    )
    engine = EngineKey(task.model_path, task.model.sha256, precision, backend, device)
    return replace(Order(task, engine, made), **changes)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def order() -> Callable[..., Order]:
    return order_for


def segments_of(pid: int) -> list[str]:
    """Pieces of shared memory that a viewer's process has named."""
    return sorted(file.name for file in FOLDER.glob(f"insula-{pid}-*")) if FOLDER.is_dir() else []


def lives(pid: int) -> bool:
    """Whether a process runs; one that only waits to be collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def soon(holds: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Whether something comes true in time."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


@pytest.fixture(scope="session")
def wait() -> Callable[..., bool]:
    return soon


@pytest.fixture(scope="module")
def pids() -> set[int]:
    """Processes of hosts that tests saw; none of them may run afterwards."""
    return set()


@pytest.fixture(scope="module")
def steady(pids: set[int]) -> Iterator[EngineHost]:
    """One host for all tests of a file; it must outlive whatever they do to its process."""
    with EngineHost() as made:
        yield made
        pids.add(made.pid or 0)
    assert [pid for pid in pids if pid and not soon(lambda pid=pid: not lives(pid))] == []


@pytest.fixture
def host(steady: EngineHost, pids: set[int]) -> Iterator[EngineHost]:
    """The same, and nothing of a test stays in shared memory."""
    pids.add(steady.pid or 0)
    yield steady
    pids.add(steady.pid or 0)
    assert segments_of(os.getpid()) == []


@pytest.fixture(scope="session")
def lives_on() -> Callable[[int], bool]:
    return lives
