"""Engine files: read again, rebuilt when anything they depend on changed, whole or not at all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from standin.world import DESKTOP, Card, World

from inference.backends.tensorrt.backend import TensorRtBackend
from inference.backends.tensorrt.placement import Placement, Stretch, Unit
from inference.backends.tensorrt.wish import Calibration, Wish
from inference.errors import EngineError
from inference.result import Precision

FP32, FP16, INT8 = Precision.FP32, Precision.FP16, Precision.INT8


@pytest.fixture
def files(tmp_path):
    return lambda pattern="*.engine": sorted((tmp_path / "cache" / "tensorrt").glob(pattern))


def builds(world):
    return world.called("Builder", "build_serialized_network")


def load(net, precision=FP32):
    TensorRtBackend().load(net.graphs[precision], precision, "GPU").close()


def test_it_is_built_once(install, model, files):
    world = install("10.3.0")
    load(model("normed"))
    load(model("normed"))
    assert builds(world) == 1
    assert len(files()) == 1
    load(model("normed"), FP16)
    assert builds(world) == 2
    assert len(files()) == 2


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "no seal"])
def test_a_damaged_file_is_built_again(damage, install, model, files):
    world = install("10.3.0")
    net = model("normed")
    load(net)
    file = files()[0]
    whole = file.read_bytes()
    {
        "cut": lambda: file.write_bytes(whole[: len(whole) // 2]),
        "flipped": lambda: file.write_bytes(whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:]),
        "empty": lambda: file.write_bytes(b""),
        "no seal": file.with_name(file.name + ".sha256").unlink,
    }[damage]()
    engine = TensorRtBackend().load(net.graphs[FP32], FP32, "GPU")
    assert np.abs(engine.infer(net.feed)["y"] - net.answer).max() < 1e-6
    engine.close()
    assert builds(world) == 2
    assert file.read_bytes() == whole


def test_a_whole_file_that_the_library_refuses_is_built_again(install, model, files):
    """Say, made by a preview build that gave itself the same version."""
    from inference import cache

    world = install("10.3.0")
    load(model("normed"))
    name = str(files()[0].relative_to(files()[0].parents[1]))
    cache.put(name, lambda path: path.write_bytes(b"another format\n"))
    load(model("normed"))
    assert builds(world) == 2


@pytest.mark.parametrize(
    ("version", "card"), [("10.3.0", DESKTOP), ("10.7.0", Card()), ("10.3.0", replace(Card(), sm=(8, 9)))]
)
def test_another_machine_or_version_never_runs_it(version, card, install, model, files, specification, pycuda_names):
    from standin.setting import installed

    net = model("normed")
    with installed(specification("10.3.0"), pycuda_names, World()):
        load(net)
        old = files()[0]
    with installed(specification(version), pycuda_names, World(cards=[card])) as world:
        load(net)
        assert builds(world) == 1
        assert world.called("Runtime", "deserialize_cuda_engine") == 1
    assert not old.exists(), "the stale file is removed"
    assert len(files()) == 1


def test_everything_wished_is_in_the_name(model):
    net = model("normed")
    calibration = Calibration((net.feed,))
    other = Calibration(({"x": net.feed["x"] + 1},))
    base = Wish(net.graphs[FP32], FP32)
    wishes = [
        base,
        replace(base, precision=FP16),
        replace(base, model=net.graphs[FP16]),
        replace(base, placement=Placement(gpu=1)),
        replace(base, placement=Placement(Unit.DLA)),
        replace(base, placement=Placement(Unit.DLA, core=1)),
        replace(base, placement=Placement(stretches=(Stretch(0, 3, Unit.DLA),))),
        replace(base, placement=Placement(stretches=(Stretch(0, 4, Unit.DLA),))),
        replace(base, placement=Placement(layers=(("first", Unit.DLA),))),
        replace(base, pools={"WORKSPACE": 1 << 20}),
        replace(base, precision=INT8, calibration=calibration),
        replace(base, precision=INT8, calibration=other),
    ]
    assert len({wish.key for wish in wishes}) == len(wishes)
    assert replace(base).key == base.key


def test_layer_times_are_learned_across_builds(install, model, files):
    world = install("10.3.0")
    load(model("normed"))
    first = files("*.timing")[0].read_bytes()
    load(model("normed"), FP16)
    assert first == b"t"
    assert files("*.timing")[0].read_bytes() == b"tt"
    assert world.called("IBuilderConfig", "set_timing_cache") == 2


def test_learned_times_that_are_not_taken_are_forgotten(install, model, files):
    world = install("10.3.0")
    load(model("normed"))
    world.faults.add("timing")
    load(model("normed"), FP16)
    assert files("*.timing")[0].read_bytes() == b"t"


def test_memory_limits_reach_the_builder(install, model):
    world = install("10.3.0")
    pools = {"WORKSPACE": 1 << 26, "DLA_MANAGED_SRAM": 1 << 20, "DLA_LOCAL_DRAM": 1 << 29, "DLA_GLOBAL_DRAM": 1 << 28}
    TensorRtBackend().engine(Wish(model("normed").graphs[FP32], FP32, pools=pools)).close()
    assert world.called("IBuilderConfig", "set_memory_pool_limit") == 4


def test_a_full_disk_is_one_sentence(install, model, monkeypatch):
    install("10.3.0")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("inference.backends.tensorrt.files._write", full)
    with pytest.raises(EngineError, match="No space left on device"):
        load(model("normed"))
