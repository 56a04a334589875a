"""What goes wrong on a device is one sentence here, and leaves no memory, no context and no file behind."""

from __future__ import annotations

import numpy as np
import pytest
from standin.wheels import VERSIONS
from standin.world import Misuse, World

from inference.backends.tensorrt import cuda
from inference.backends.tensorrt.backend import TensorRtBackend
from inference.backends.tensorrt.inspection import CORES, LOADABLES, _where
from inference.backends.tensorrt.placement import Border, Placement, PlacementRefused, Stretch, Unit, on
from inference.backends.tensorrt.wish import Wish
from inference.errors import BackendMissing, BadOutput, EngineError
from inference.result import Precision

FP32, FP16 = Precision.FP32, Precision.FP16
FP32_TYPE = np.dtype(np.float32)


def cached(tmp_path):
    return [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("build", "could not build fp32.onnx: Error Code 2"),
        ("parse", "cannot read fp32.onnx: a made-up parse error"),
        ("deserialise", "does not take the engine file: Error Code 1"),
        ("context", "no memory to run the engine"),
        ("memory", "has no 0 MiB left"),
        ("address", "does not take the memory for x"),
    ],
)
def test_an_engine_that_cannot_be_made(version, fault, sentence, install, model):
    world = install(version, World(faults={fault}))
    backend = TensorRtBackend()
    with pytest.raises(EngineError, match=sentence) as error:
        backend.load(model("normed").graphs[FP32], FP32, "GPU")
    assert error.value.hint
    world.faults.clear()
    backend.load(model("normed").graphs[FP32], FP32, "GPU").close()


@pytest.mark.parametrize("fault", ["build", "parse"])
def test_a_failed_build_leaves_no_file(fault, install, model, tmp_path):
    install("10.3.0", World(faults={fault}))
    with pytest.raises(EngineError):
        TensorRtBackend().load(model("normed").graphs[FP32], FP32, "GPU")
    assert cached(tmp_path) == []


def test_nan_is_never_an_answer(install, model):
    world = install("10.3.0")
    net = model("normed")
    engine = TensorRtBackend().load(net.graphs[FP16], FP16, "GPU")
    world.faults.add("nan")
    with pytest.raises(BadOutput, match="not numbers"):
        engine.infer(net.feed)
    world.faults.clear()
    engine.infer(net.feed)
    engine.close()


def test_a_run_that_is_not_taken(install, model):
    world = install("10.3.0")
    net = model("normed")
    engine = TensorRtBackend().load(net.graphs[FP32], FP32, "GPU")
    world.faults.add("enqueue")
    with pytest.raises(EngineError, match="could not run the engine: enqueue failed"):
        engine.infer(net.feed)
    world.faults.clear()
    engine.infer(net.feed)
    engine.close()


@pytest.mark.parametrize("version", ["8.6.1", "10.3.0", "10.7.0"])
def test_a_dla_lane_refuses_to_fall_back(version, install, model):
    install(version)
    with pytest.raises(PlacementRefused, match="1 of the model's layers cannot run on the DLA, the first is norm"):
        TensorRtBackend().load(model("normed").graphs[FP16], FP16, "DLA0")


@pytest.mark.parametrize("version", ["8.6.1", "10.3.0", "10.7.0"])
def test_an_allowed_fallback_is_counted(version, install, model):
    world = install(version)
    placement = Placement(Unit.DLA, fallback=True)
    engine = TensorRtBackend().engine(Wish(model("normed").graphs[FP16], FP16, placement))
    assert engine.inspection.gpu == ("norm",)
    assert engine.inspection.loadables == 2
    assert engine.inspection.sentence == "1 layers on the GPU, 2 of 16 DLA loadables"
    assert world.called("ILayer", "precision=") == 1, "what falls back is kept in single precision too"
    engine.close()


def test_a_fallback_that_only_the_engine_shows_is_refused(install, model, monkeypatch):
    """The library may move a layer that it called legal."""
    world = install("10.3.0")
    net = model("normed")
    world.classes["IBuilderConfig"].can_run_on_DLA = lambda self, layer: True
    monkeypatch.setattr("standin.behaviour._refusal", lambda *_: "")
    with pytest.raises(PlacementRefused, match="1 of the model's layers run on the GPU, the first is norm"):
        TensorRtBackend().load(net.graphs[FP16], FP16, "DLA0")
    assert CORES.taken(0) == 0


def test_a_core_has_sixteen_places(install, model):
    install("10.3.0")
    backend, net = TensorRtBackend(), model("legal")
    engines = [backend.load(net.graphs[FP16], FP16, "DLA0") for _ in range(LOADABLES)]
    with pytest.raises(PlacementRefused, match="needs 1 loadables and DLA core 0 has 0 of 16 left"):
        backend.load(net.graphs[FP16], FP16, "DLA0")
    backend.load(net.graphs[FP16], FP16, "DLA1").close()
    engines.pop().close()
    engines.append(backend.load(net.graphs[FP16], FP16, "DLA0"))
    for engine in engines:
        engine.close()
    assert CORES.taken(0) == CORES.taken(1) == 0


def test_an_engine_of_too_many_pieces(install, model, monkeypatch):
    install("10.3.0")
    rows = [{"Name": f"{{ForeignNode[{index}]}}", "LayerType": "DLA"} for index in range(LOADABLES + 1)]
    monkeypatch.setattr("standin.behaviour._fused", lambda *_: rows)
    with pytest.raises(PlacementRefused, match="needs 17 loadables"):
        TensorRtBackend().load(model("legal").graphs[FP16], FP16, "DLA0")
    assert CORES.taken(0) == 0


def test_names_alone_are_enough_to_count(install, model):
    install("8.6.1", World(faults={"names"}))
    engine = TensorRtBackend().engine(
        Wish(model("normed").graphs[FP16], FP16, Placement(stretches=(Stretch(2, 7, Unit.DLA),)))
    )
    assert (engine.inspection.gpu, engine.inspection.loadables) == (("first", "norm"), 1)
    engine.close()


def test_the_gpus_own_fused_pieces_are_not_the_dlas():
    rows = [
        {"Name": "{ForeignNode[a...b]}", "LayerType": "Myelin"},
        {"Name": "{ForeignNode[c...d]}", "LayerType": "DLA"},
        {"Name": "{ForeignNode[e...f]}", "LayerType": "Dla"},
        {"Name": "c to nvm", "LayerType": "Copy"},
        {"Name": "g", "LayerType": "CaskConvolution"},
    ]
    mixed = Placement(stretches=(Stretch(0, 1, Unit.DLA),))
    assert [_where(row["Name"], row["LayerType"], mixed) for row in rows] == ["gpu", "dla", "dla", "moves", "gpu"]
    assert _where("{ForeignNode[a...b]}", "", Placement()) == "gpu"


def test_five_axes_have_no_place_on_a_dla(install, net):
    install("10.3.0")
    with pytest.raises(PlacementRefused, match="5 axes"):
        TensorRtBackend().engine(Wish(net("solid"), FP32, Placement(border=Border.NATIVE)))


def test_no_gpu_is_one_sentence(install):
    install("10.3.0", World(cards=[], dla_cores=0))
    assert "finds no NVIDIA GPU" in TensorRtBackend().why_not()
    assert TensorRtBackend().devices() == ()


def test_a_driver_that_does_not_start_is_one_sentence(install):
    install("10.3.0", World(faults={"init"}))
    assert "CUDA cannot start" in TensorRtBackend().why_not()
    with pytest.raises(BackendMissing):
        TensorRtBackend().devices()


def test_without_the_libraries_it_says_what_to_do():
    why = TensorRtBackend().why_not()
    assert why is not None
    assert "packaging/jetson.sh" in why


def test_an_unknown_device():
    with pytest.raises(PlacementRefused, match="knows no device NPU"):
        on("NPU")


def test_the_watch_on_memory_sees_a_leak_and_a_late_use(install, model):
    """The promises above rest on this."""
    world = install("10.3.0")
    with cuda.gpu(0).current():
        memory = cuda.buffer((4,), FP32_TYPE, mapped=False)
        address = memory.address
        assert world.memory.leaked == 32
        memory.free()
    with pytest.raises(Misuse, match="after it was freed"):
        world.memory.at(address, 4)
    with pytest.raises(Misuse, match="freed twice"), cuda.gpu(0).current():
        memory.free()


def test_nothing_works_without_a_current_context(install):
    world = install("10.3.0")
    with pytest.raises(world.error, match="invalid device context"):
        cuda.driver().mem_alloc(16)
    with pytest.raises(world.error, match="pop"):
        cuda.driver().Context.pop()
    with cuda.gpu(0).current():
        memory = cuda.driver().mem_alloc(16)
    with pytest.raises(Misuse, match="outside the context"):
        memory.free()
    with cuda.gpu(0).current():
        memory.free()
