"""What both real runtimes must do alike."""

from __future__ import annotations

import sys
import threading
import time

import numpy as np
import pytest

from engines.derive import model_for
from inference import cache
from inference.backends import onnxruntime as ort_room
from inference.backends import openvino as ov_room
from inference.backends.base import checked_answer, halved
from inference.errors import BackendMissing, BadOutput, EngineError, JobCancelled, PrecisionAbsent
from inference.result import Precision, PrecisionKind

BACKENDS = {"openvino": ov_room.OpenVinoBackend, "onnxruntime": ort_room.OnnxRuntimeBackend}
LIBRARIES = {"openvino": ov_room._core, "onnxruntime": ort_room._library}


@pytest.fixture(params=BACKENDS)
def backend(request):
    return BACKENDS[request.param](threads=1)


@pytest.fixture
def graph_of(net, feed, tmp_path):
    """A function from a network's name and a precision to the derived graph."""

    def find(name, precision):
        vector = tmp_path / f"{name}.npz"
        np.savez(vector, **feed(name))
        return model_for(net(name), cache.sha256(net(name)), precision, vector)

    return find


def answer(backend, path, precision, given):
    engine = backend.load(path, precision, "CPU")
    try:
        return engine.infer(given)["y"]
    finally:
        engine.close()


@pytest.fixture
def truth(net, feed):
    """A function from a network's name to what ONNX Runtime says node by node."""
    strict = ort_room.OnnxRuntimeBackend(threads=1, optimise=False)
    return lambda name: answer(strict, net(name), Precision.FP32, feed(name))


@pytest.mark.parametrize("name", ["flat", "solid"])
def test_fp32_is_the_reference_to_1e_4_of_the_range(backend, net, feed, truth, name):
    found, expected = answer(backend, net(name), Precision.FP32, feed(name)), truth(name)
    assert found.shape == expected.shape
    assert found.dtype == np.float32
    assert np.ptp(expected) > 0.5
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * np.ptp(expected))


@pytest.mark.parametrize("name", ["flat", "solid"])
def test_fp16_differs_in_bits_and_stays_close(backend, graph_of, feed, truth, name):
    found, expected = answer(backend, graph_of(name, Precision.FP16), Precision.FP16, feed(name)), truth(name)
    extent = np.ptp(expected)
    assert 2e-5 * extent < np.abs(found - expected).max() < 2e-3 * extent


def test_emulated_fp16_has_a_half_border(backend, graph_of, feed):
    if backend.support(Precision.FP16, "CPU").kind is not PrecisionKind.EMULATED:
        pytest.skip("fp16 is native here")
    path, given = graph_of("flat", Precision.FP16), feed("flat")
    found = answer(backend, path, Precision.FP16, given)
    np.testing.assert_array_equal(found, halved({"y": found})["y"])
    np.testing.assert_array_equal(found, answer(backend, path, Precision.FP16, halved(given)))


@pytest.mark.parametrize("name", ["flat", "solid"])
def test_int8_differs_more_than_fp16_and_stays_close(backend, graph_of, feed, truth, name):
    found, expected = answer(backend, graph_of(name, Precision.INT8), Precision.INT8, feed(name)), truth(name)
    extent = np.ptp(expected)
    assert 1e-3 * extent < np.abs(found - expected).max() < 5e-2 * extent


def test_fp32_of_openvino_is_not_its_bf16(net, feed, truth):
    backend = ov_room.OpenVinoBackend(threads=1)
    if backend.support(Precision.BF16, "CPU").kind is PrecisionKind.ABSENT:
        pytest.skip("no bf16 here")
    single = np.abs(answer(backend, net("solid"), Precision.FP32, feed("solid")) - truth("solid")).max()
    brain = np.abs(answer(backend, net("solid"), Precision.BF16, feed("solid")) - truth("solid")).max()
    assert brain > 100 * single


def test_openvino_never_takes_bf16_for_fp16(graph_of):
    """Where fp16 is not in the capability list the library would grant the hint f16 with bf16."""
    backend = ov_room.OpenVinoBackend()
    if backend.support(Precision.FP16, "CPU").kind is PrecisionKind.NATIVE:
        pytest.skip("fp16 is native here")
    compiled = backend._compiled(graph_of("flat", Precision.FP16), "CPU", "f16")
    with pytest.raises(PrecisionAbsent, match="would compute in"):
        ov_room._require_granted(compiled, *ov_room._REDUCED[Precision.FP16])


def test_the_same_feed_gives_the_same_bits(backend, net, feed):
    engine = backend.load(net("solid"), Precision.FP32, "CPU")
    first = engine.infer(feed("solid"))["y"]
    other = engine.infer({"x": np.zeros_like(feed("solid")["x"])})["y"]
    assert not np.array_equal(first, other)
    np.testing.assert_array_equal(first, engine.infer(feed("solid"))["y"])


def test_the_feed_is_left_alone_and_may_be_any_layout(backend, net, feed):
    engine = backend.load(net("flat"), Precision.FP32, "CPU")
    given = feed("flat")["x"]
    kept = given.copy()
    fortran = np.asfortranarray(given.astype(np.float64))
    np.testing.assert_array_equal(engine.infer({"x": given})["y"], engine.infer({"x": fortran})["y"])
    np.testing.assert_array_equal(given, kept)


@pytest.mark.parametrize(
    "wrong", [{}, {"x": (1, 3, 32, 31)}, {"z": (1, 3, 32, 32)}, {"x": (1, 3, 32, 32), "z": (1,)}], ids=str
)
def test_a_wrong_feed_is_an_error(backend, net, wrong):
    engine = backend.load(net("flat"), Precision.FP32, "CPU")
    with pytest.raises(EngineError):
        engine.infer({name: np.zeros(shape, np.float32) for name, shape in wrong.items()})


@pytest.mark.parametrize(("value", "broken"), [(-1.0, "NaN"), (0.0, "infinity")])
def test_broken_numbers_never_become_a_picture(backend, net, value, broken):
    engine = backend.load(net("dense"), Precision.FP32, "CPU")
    with pytest.raises(BadOutput):
        engine.infer({"x": np.full((1, 12), value, np.float32)})
    assert np.allclose(engine.infer({"x": np.ones((1, 12), np.float32)})["y"], 0, atol=1e-6)


def test_checked_answer_passes_what_is_finite():
    arrays = {"y": np.ones(3, np.float32)}
    assert checked_answer(arrays) == arrays


@pytest.mark.parametrize("fault", ["text", "absent", "dynamic", "unknown"])
def test_a_file_that_is_no_model_is_an_error_with_a_cause(backend, odd_graph, fault):
    with pytest.raises(EngineError) as error:
        backend.load(odd_graph(fault), Precision.FP32, "CPU")
    assert error.value.hint
    assert fault == "dynamic" or error.value.__cause__ is not None


@pytest.mark.parametrize("precision", [Precision.FP32, Precision.BF16, Precision.FP16, Precision.INT8])
def test_an_unknown_device_has_nothing(backend, net, precision):
    assert backend.support(precision, "DLA7").kind is PrecisionKind.ABSENT
    with pytest.raises(PrecisionAbsent):
        backend.load(net("flat"), precision, "DLA7")


def test_onnxruntime_has_no_bf16_on_the_cpu(net):
    with pytest.raises(PrecisionAbsent, match="bf16"):
        ort_room.OnnxRuntimeBackend().load(net("flat"), Precision.BF16, "CPU")


def test_every_emulation_says_what_it_is(backend):
    for precision in Precision:
        support = backend.support(precision, "CPU")
        assert support.note or support.kind is PrecisionKind.NATIVE


@pytest.mark.parametrize("name", BACKENDS)
def test_a_missing_library_is_named(monkeypatch, net, name):
    LIBRARIES[name].cache_clear()
    monkeypatch.setitem(sys.modules, name, None)
    try:
        hidden = BACKENDS[name]()
        assert f"pip install {name}" in hidden.why_not()
        with pytest.raises(BackendMissing, match="not installed"):
            hidden.load(net("flat"), Precision.FP32, "CPU")
    finally:
        monkeypatch.undo()
        LIBRARIES[name].cache_clear()
    assert BACKENDS[name]().why_not() is None


def test_a_running_pass_can_be_cancelled(backend, net):
    engine = backend.load(net("deep"), Precision.FP32, "CPU")
    given = {"x": np.zeros((1, 16, 64, 64, 64), np.float32)}
    caught: list[BaseException] = []

    def work():
        try:
            engine.infer(given)
        except JobCancelled as error:
            caught.append(error)

    worker = threading.Thread(target=work)
    worker.start()
    while worker.is_alive():
        time.sleep(0.02)
        engine.cancel()
    worker.join()
    assert len(caught) == 1
    engine.cancel()
    assert engine.infer(given)["y"].shape == (1, 16, 64, 64, 64)


def test_threads_take_turns(backend, net, feed):
    engine = backend.load(net("solid"), Precision.FP32, "CPU")
    feeds = [{"x": feed("solid")["x"] * scale} for scale in (0.5, 1.0, 2.0, 4.0)]
    alone = [engine.infer(given)["y"] for given in feeds]
    together: dict[int, np.ndarray] = {}

    def work(index):
        for _ in range(5):
            together[index] = engine.infer(feeds[index])["y"]

    workers = [threading.Thread(target=work, args=(index,)) for index in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for index, expected in enumerate(alone):
        np.testing.assert_array_equal(together[index], expected)


def test_a_closed_engine_refuses(backend, net, feed):
    engine = backend.load(net("flat"), Precision.FP32, "CPU")
    engine.close()
    engine.close()
    engine.cancel()
    with pytest.raises(EngineError, match="closed"):
        engine.infer(feed("flat"))


def test_versions_are_told(backend):
    assert backend.version[0].isdigit()
