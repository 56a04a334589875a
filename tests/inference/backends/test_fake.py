from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from inference.backends.base import TensorSpec
from inference.backends.fake import NOTE, FakeBackend, Fault
from inference.errors import BadOutput, EngineError, JobCancelled, PrecisionAbsent
from inference.result import Precision, PrecisionKind

SPECS = ((TensorSpec("x", (1, 2, 4, 5)),), (TensorSpec("y", (1, 1, 4, 5)), TensorSpec("z", (1, 7))))
NOWHERE = Path("there-is-no-such-file.onnx")


def loaded(fault=Fault.NONE, precision=Precision.FP32):
    return FakeBackend(fault, SPECS).load(NOWHERE, precision, "CPU")


@pytest.fixture
def given():
    return {"x": np.random.default_rng(3).standard_normal((1, 2, 4, 5), np.float32)}


def test_it_says_that_it_is_fake():
    support = FakeBackend().support(Precision.FP16, "CPU")
    assert support.kind is PrecisionKind.EMULATED
    assert support.note == NOTE
    assert "FAKE ENGINE" in NOTE


def test_it_answers_the_mean_of_the_channels(given):
    answer = loaded().infer(given)
    np.testing.assert_array_equal(answer["y"][0, 0], given["x"][0].mean(axis=0))
    assert answer["z"].shape == (1, 7)


def test_fp16_differs_from_fp32(given):
    single, half = loaded().infer(given)["y"], loaded(precision=Precision.FP16).infer(given)["y"]
    assert 0 < np.abs(single - half).max() < 1e-2


def test_shapes_come_from_the_file(net, feed):
    engine = FakeBackend().load(net("solid"), Precision.FP32, "CPU")
    assert engine.infer(feed("solid"))["y"].shape == engine.outputs[0].shape


def test_it_knows_no_int8_and_no_gpu():
    assert FakeBackend().support(Precision.INT8, "CPU").kind is PrecisionKind.ABSENT
    with pytest.raises(PrecisionAbsent):
        FakeBackend(specs=SPECS).load(NOWHERE, Precision.FP32, "GPU")


def test_faults(given):
    with pytest.raises(BadOutput):
        loaded(Fault.NAN).infer(given)
    with pytest.raises(EngineError, match="on request"):
        loaded(Fault.RAISES).infer(given)
    assert np.ptp(loaded(Fault.CONSTANT).infer(given)["y"]) == 0


def test_hanging_ends_with_cancel(given):
    engine = loaded(Fault.HANGS)
    ended = threading.Event()

    def work():
        with pytest.raises(JobCancelled):
            engine.infer(given)
        ended.set()

    worker = threading.Thread(target=work)
    worker.start()
    assert not ended.wait(0.1)
    engine.cancel()
    assert ended.wait(5)
    worker.join()
