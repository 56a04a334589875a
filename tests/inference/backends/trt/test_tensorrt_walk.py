"""From ONNX to a checked answer on the stand-in of every TensorRT version."""

from __future__ import annotations

import threading

import numpy as np
import onnx
import pytest
from standin.verbs import computed
from standin.wheels import VERSIONS
from standin.world import DESKTOP, OLD, Card, World

from engines import half, int8
from inference.backends.tensorrt.backend import TensorRtBackend
from inference.backends.tensorrt.build import STAGE
from inference.backends.tensorrt.inspection import CORES
from inference.backends.tensorrt.placement import Border, Placement, Stretch, Unit
from inference.backends.tensorrt.wish import Calibration, Wish
from inference.errors import EngineError, JobCancelled, PrecisionAbsent
from inference.result import Precision, PrecisionKind

FP32, FP16, BF16, INT8 = Precision.FP32, Precision.FP16, Precision.BF16, Precision.INT8
TOLERANCE = {FP32: 1e-6, BF16: 1e-6, FP16: 2e-3, INT8: 6e-2}
# What a version is taken for where its own builds for no DLA; the names are the same.
DLA_VERSIONS = [("8.6.1", None), ("8.6.1", "8.5.2"), ("10.3.0", None), ("10.7.0", None), ("11.4.0.106", "11.4.1")]


def close_to(answer, net, precision):
    assert np.ptp(answer["y"]) > 0.5
    return np.abs(answer["y"] - net.answer).max() <= TOLERANCE[precision]


def run(wish, net):
    engine = TensorRtBackend().engine(wish)
    try:
        return engine.infer(net.feed), engine.inspection
    finally:
        engine.close()


@pytest.mark.parametrize("integrated", [True, False], ids=["jetson", "desktop"])
@pytest.mark.parametrize("precision", [FP32, FP16, INT8], ids=lambda p: p.value)
@pytest.mark.parametrize("version", VERSIONS)
def test_on_the_gpu(version, precision, integrated, install, model):
    install(version, World() if integrated else World(cards=[DESKTOP], dla_cores=0))
    net = model("normed")
    engine = TensorRtBackend().load(net.graphs[precision], precision, "GPU")
    assert close_to(engine.infer(net.feed), net, precision)
    assert close_to(engine.infer(net.feed), net, precision)
    engine.close()
    assert (engine.inspection.loadables, len(engine.inspection.gpu) > 0) == (0, True)


@pytest.mark.parametrize(("card", "copies"), [(Card(), (0, 0)), (DESKTOP, (2, 2))], ids=["jetson", "desktop"])
def test_what_shares_memory_copies_nothing(card, copies, install, model):
    world = install("10.3.0", World(cards=[card]))
    net = model("normed")
    engine = TensorRtBackend().load(net.graphs[FP32], FP32, "GPU")
    assert close_to(engine.infer(net.feed), net, FP32)
    assert close_to(engine.infer(net.feed), net, FP32)
    engine.close()
    assert (world.called("pycuda", "upload"), world.called("pycuda", "download")) == copies


@pytest.mark.parametrize("precision", [FP16, INT8], ids=lambda p: p.value)
@pytest.mark.parametrize(("version", "taken_for"), DLA_VERSIONS)
def test_on_a_dla_core(version, taken_for, precision, install, model):
    world = install(version, as_version=taken_for)
    net = model("legal")
    placement = Placement(Unit.DLA, core=1, border=Border.NATIVE, direct=True)
    answer, inspection = run(Wish(net.graphs[precision], precision, placement), net)
    assert close_to(answer, net, precision)
    assert inspection.gpu == ()
    assert inspection.loadables == 1
    assert inspection.dla[0].endswith("...tanh]}")
    assert world.called("IBuilderConfig", "can_run_on_DLA") == 7
    assert world.called("Runtime", "DLA_core=") == 1


@pytest.mark.parametrize("border", [Border.DLA_LINEAR, Border.DLA_HWC4], ids=lambda b: b.value)
@pytest.mark.parametrize("precision", [FP16, INT8], ids=lambda p: p.value)
@pytest.mark.parametrize("version", ["8.6.1", "10.3.0"])
def test_the_borders_that_only_a_dla_has(version, precision, border, install, model):
    install(version)
    net = model("legal")
    placement = Placement(Unit.DLA, border=border, direct=True)
    answer, inspection = run(Wish(net.graphs[precision], precision, placement), net)
    assert close_to(answer, net, precision)
    assert inspection.gpu == ()


@pytest.mark.parametrize("precision", [FP16, INT8], ids=lambda p: p.value)
@pytest.mark.parametrize(("version", "taken_for"), DLA_VERSIONS)
def test_two_halves_of_a_model_meet_without_conversion(version, taken_for, precision, install, model, tmp_path):
    """Cut at one tensor: what the GPU hands over is what the DLA takes."""
    world = install(version, as_version=taken_for)
    net = model("legal")
    front, back = (tmp_path / f"{name}.onnx" for name in ("front", "back"))
    onnx.utils.extract_model(str(model("legal").graphs[FP32]), str(front), ["x"], ["b"])
    onnx.utils.extract_model(str(model("legal").graphs[FP32]), str(back), ["b"], ["y"])
    between = computed(front.read_bytes(), net.feed)
    np.savez(tmp_path / "front.npz", **net.feed, **between)
    np.savez(tmp_path / "back.npz", **between, y=net.answer)
    for path in (front, back):
        if precision is FP16:
            half.write(path, path.with_suffix(".made"))
        else:
            int8.write(path, path.with_suffix(".npz"), path.with_suffix(".made"))
    backend = TensorRtBackend()
    first = backend.engine(Wish(front.with_suffix(".made"), precision, Placement(border=Border.NATIVE)))
    second = backend.engine(Wish(back.with_suffix(".made"), precision, Placement(Unit.DLA, border=Border.NATIVE)))
    answer = second.infer(first.infer(net.feed))
    first.close()
    second.close()
    assert close_to(answer, net, precision)
    assert second.inspection.gpu == ()
    assert world.memory.leaked == 0


@pytest.mark.parametrize("precision", [FP16, INT8], ids=lambda p: p.value)
@pytest.mark.parametrize(("version", "taken_for"), DLA_VERSIONS)
def test_layer_by_layer(version, taken_for, precision, install, model):
    install(version, as_version=taken_for)
    net = model("normed")
    weak = taken_for != "11.4.1"
    # A strongly typed graph brings its casts and Q/DQ nodes along, so its layers are told by their names.
    legal = ("first", "relu", "pool", "up", "skip", "last", "tanh")
    by_index = Placement(stretches=(Stretch(0, 0, Unit.DLA), Stretch(2, 7, Unit.DLA)))
    by_name = Placement(layers=tuple((name, Unit.DLA) for name in legal))
    answer, inspection = run(Wish(net.graphs[precision], precision, by_index if weak else by_name), net)
    assert close_to(answer, net, precision)
    assert "norm" in inspection.gpu
    assert inspection.loadables >= 2
    assert not set(inspection.gpu) & set(legal)


@pytest.mark.parametrize("version", ["8.6.1", "10.3.0", "10.7.0"])
def test_calibrated_from_real_inputs(version, install, model):
    world = install(version)
    net = model("normed")
    other = {"x": net.feed["x"] * np.float32(0.5)}
    wish = Wish(net.graphs[FP32], INT8, calibration=Calibration((net.feed, other)))
    answer, _ = run(wish, net)
    assert close_to(answer, net, INT8)
    assert np.abs(answer["y"] - net.answer).max() > 1e-4, "nothing was rounded to 8 bits"
    assert world.called("IBuilderConfig", "int8_calibrator=") == 1


def test_the_strongly_typed_one_does_not_calibrate(install, model):
    install("11.4.0.106")
    net = model("normed")
    with pytest.raises(PrecisionAbsent, match="does not calibrate"):
        TensorRtBackend().engine(Wish(net.graphs[FP32], INT8, calibration=Calibration((net.feed,))))


WEAK_FLAGS = {
    FP32: set(),
    FP16: {"FP16", "OBEY_PRECISION_CONSTRAINTS"},
    INT8: {"INT8", "FP16", "OBEY_PRECISION_CONSTRAINTS"},
}


@pytest.mark.parametrize("precision", WEAK_FLAGS, ids=lambda p: p.value)
@pytest.mark.parametrize("version", VERSIONS)
def test_the_flags_of_a_build(version, precision, install, model):
    """Nothing else is set; TF32, which is on by itself, is taken off."""
    world = install(version)
    run(Wish(model("normed").graphs[precision], precision), model("normed"))
    assert world.flags == (set() if version.startswith("11") else WEAK_FLAGS[precision])


@pytest.mark.parametrize("direct", [True, False])
@pytest.mark.parametrize("fallback", [True, False])
def test_the_flags_of_a_dla(fallback, direct, install, model):
    world = install("10.3.0")
    placement = Placement(Unit.DLA, fallback=fallback, direct=direct, border=Border.NATIVE)
    run(Wish(model("legal").graphs[FP16], FP16, placement), model("legal"))
    wished = {"GPU_FALLBACK": fallback, "DIRECT_IO": direct}
    assert world.flags == WEAK_FLAGS[FP16] | {name for name, on in wished.items() if on}


@pytest.mark.parametrize(("version", "kept"), [("8.6.1", 1), ("10.7.0", 1), ("11.4.0.106", 0)])
def test_norms_stay_in_single_precision(version, kept, install, model):
    """Weak typing pins the layer; a strongly typed graph says it itself."""
    world = install(version)
    run(Wish(model("normed").graphs[FP16], FP16), model("normed"))
    assert world.called("ILayer", "precision=") == kept
    assert world.called("ILayer", "set_output_type") == kept


@pytest.mark.parametrize(
    ("version", "taken_for", "asked"), [("8.6.1", "8.5.2", 0), ("8.6.1", None, 1), ("10.3.0", None, 0)]
)
def test_norms_are_layers_where_the_parser_makes_such(version, taken_for, asked, install, model):
    """8.5 knows a plugin only, 8.6 must be asked, 10 does so by itself; all of them are pinned to single precision."""
    world = install(version, as_version=taken_for)
    answer, _ = run(Wish(model("normed").graphs[FP16], FP16), model("normed"))
    assert close_to(answer, model("normed"), FP16)
    assert world.called("OnnxParser", "set_flag") == asked
    assert world.called("ILayer", "precision=") == 1


@pytest.mark.parametrize("version", ["8.6.1", "10.3.0"])
def test_bf16_where_the_builder_knows_it(version, install, model):
    install(version)
    backend = TensorRtBackend()
    net = model("normed")
    if version == "8.6.1":
        assert backend.support(BF16, "GPU").kind is PrecisionKind.ABSENT
        with pytest.raises(PrecisionAbsent):
            backend.load(net.graphs[BF16], BF16, "GPU")
    else:
        assert close_to(run(Wish(net.graphs[BF16], BF16), net)[0], net, BF16)


@pytest.mark.parametrize("version", VERSIONS)
def test_layer_times(version, install, model):
    world = install(version)
    net = model("normed")
    engine = TensorRtBackend().load(net.graphs[FP32], FP32, "GPU")
    times = engine.profile(net.feed, runs=3)
    assert [time.name for time in times] == list(engine.inspection.gpu)
    assert times[1].ms == 0.5
    assert world.called("IExecutionContext", "report_to_profiler") == 4
    assert close_to(engine.infer(net.feed), net, FP32)
    engine.close()


def test_every_thread_may_ask_and_close(install, model):
    install("10.3.0")
    net = model("normed")
    engine = TensorRtBackend().load(net.graphs[FP32], FP32, "GPU")
    answers = []
    for _ in range(3):
        worker = threading.Thread(target=lambda: answers.append(engine.infer(net.feed)["y"]))
        worker.start()
        worker.join(30)
    closer = threading.Thread(target=engine.close)
    closer.start()
    closer.join(30)
    assert len(answers) == 3
    assert all(np.array_equal(answer, answers[0]) for answer in answers)
    engine.close()
    with pytest.raises(EngineError, match="closed"):
        engine.infer(net.feed)


def test_a_running_answer_can_be_cancelled(install, model):
    world = install("10.3.0", World(slow_queries=10**9))
    net = model("normed")
    engine = TensorRtBackend().load(net.graphs[FP32], FP32, "GPU")
    outcome = []

    def ask():
        try:
            engine.infer(net.feed)
        except JobCancelled:
            outcome.append("cancelled")

    worker = threading.Thread(target=ask)
    worker.start()
    while not outcome and worker.is_alive():
        engine.cancel()
        worker.join(0.01)
    assert outcome == ["cancelled"]
    world.slow_queries = 1
    assert close_to(engine.infer(net.feed), net, FP32)
    engine.close()


@pytest.mark.parametrize("version", ["10.3.0", "10.7.0", "11.4.0.106"])
def test_a_build_tells_how_far_it_is_and_can_be_stopped(version, install, model, tmp_path):
    world = install(version)
    net = model("normed")
    seen, stop = [], []
    backend = TensorRtBackend(seen.append, lambda: bool(stop))
    backend.load(net.graphs[FP32], FP32, "GPU").close()
    assert [step.done for step in seen if step.stage == "Timing tactics"] == [0, 1, 2]
    assert (seen[0].stage, seen[-1].stage, seen[-1].done) == (STAGE, STAGE, 1)
    world.on_step = lambda: stop.append(True)
    with pytest.raises(JobCancelled):
        backend.load(net.graphs[FP16], FP16, "GPU")
    assert len(list((tmp_path / "cache").rglob("*.engine"))) == 1


def test_what_the_devices_offer(install):
    install("10.3.0", World(cards=[DESKTOP, OLD], dla_cores=2))
    backend = TensorRtBackend()
    assert backend.why_not() is None
    assert backend.devices() == ("GPU", "GPU1", "DLA0", "DLA1")
    kinds = {(p, d): backend.support(p, d).kind.value for p in Precision for d in backend.devices()}
    assert {device for (p, device), kind in kinds.items() if p is FP16 and kind == "absent"} == {"GPU1"}
    assert {device for (p, device), kind in kinds.items() if p is FP32 and kind == "absent"} == {"DLA0", "DLA1"}
    assert kinds[(INT8, "GPU1")] == "native"
    assert kinds[(BF16, "GPU")] == "native"
    assert kinds[(BF16, "DLA0")] == "absent"
    assert backend.support(FP32, "GPU7").kind is PrecisionKind.ABSENT


def test_places_on_a_core_are_given_back(install, model):
    install("10.3.0")
    net = model("legal")
    engines = [TensorRtBackend().load(net.graphs[FP16], FP16, "DLA0") for _ in range(2)]
    assert CORES.taken(0) == 2
    for engine in engines:
        engine.close()
    assert CORES.taken(0) == 0
