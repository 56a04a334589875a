from __future__ import annotations

import numpy as np
import pytest

from engines import vector
from engines.verify import GRAIN, checks, compare, verify_bundle, worst
from inference.backends import graph
from inference.backends.fake import FakeBackend, Fault
from inference.backends.openvino import OpenVinoBackend
from inference.errors import EngineError
from inference.result import Precision


def test_every_engine_here_passes(small_bundle):
    rows = checks(small_bundle)
    assert {row["backend"] for row in rows} == {"openvino", "onnxruntime"}
    assert {"fp32", "fp16", "int8"} <= {row["precision"] for row in rows}
    assert [row for row in rows if not row["passed"]] == []
    shares = {row["precision"]: row["max_rel"] for row in rows if row["backend"] == "openvino"}
    assert shares["fp32"] < 1e-5 < shares["fp16"] < shares["int8"] < 0.1


def test_another_model_is_noticed(small_bundle):
    with np.load(small_bundle.vector) as stored:
        arrays = dict(stored)
    arrays["logits"][2, 0, 1, 4, 4, 4] += 0.01
    np.savez(small_bundle.vector, **arrays)
    check = verify_bundle(small_bundle, OpenVinoBackend(), Precision.FP32)
    assert not check.passed
    assert check.max_abs == pytest.approx(0.01, rel=1e-3)
    assert [row["passed"] for row in checks(small_bundle) if row["precision"] == "fp32"] == [False, False]


def test_a_constant_answer_never_passes(small_bundle):
    check = verify_bundle(small_bundle, FakeBackend(Fault.CONSTANT), Precision.FP32)
    assert check.constant
    assert not check.passed
    assert "one value everywhere" in check.sentence


def test_a_damaged_bundle_is_a_row_that_failed(small_bundle):
    small_bundle.vector.write_bytes(b"nothing")
    rows = checks(small_bundle)
    assert rows
    assert all(not row["passed"] and "cannot be read" in row["sentence"] for row in rows)


def test_the_grain_of_storage_is_allowed_and_no_more():
    stored = np.linspace(0, 1e-6, 11, dtype=np.float32)
    assert compare(stored + np.float32(0.9 * GRAIN), stored, Precision.FP32).passed
    assert not compare(stored + np.float32(1.1 * GRAIN), stored, Precision.FP32).passed


def test_a_constant_fails_however_close_it_is():
    stored = np.linspace(0, 1e-6, 11, dtype=np.float32)
    assert not compare(np.zeros_like(stored), stored, Precision.FP32).passed
    assert compare(np.zeros_like(stored), np.zeros_like(stored), Precision.FP32).passed


def test_a_small_error_everywhere_fails_int8_and_a_large_one_once_does_not():
    stored = np.linspace(0, 1, 1000, dtype=np.float32)
    assert not compare(stored + np.float32(0.1), stored, Precision.INT8).passed
    once = stored.copy()
    once[500] += 0.2
    assert compare(once, stored, Precision.INT8).passed


def test_no_stored_output_is_no_proof():
    with pytest.raises(EngineError, match="stores no outputs"):
        worst([])


def test_samples_may_be_one_or_many(small_bundle, tmp_path):
    border = graph.read(small_bundle.model)
    many = vector.samples(small_bundle.vector, border)
    assert len(many) == 3
    np.savez(tmp_path / "one.npz", input=many[1].feed["input"])
    one = vector.samples(tmp_path / "one.npz", border)
    assert len(one) == 1
    assert one[0].answer == {}
    np.testing.assert_array_equal(one[0].feed["input"], many[1].feed["input"])


@pytest.mark.parametrize(
    ("shapes", "said"),
    [
        ({"logits": (1, 2, 8, 8, 8)}, "input is absent"),
        ({"input": (1, 1, 8, 8, 9)}, "has shape"),
        ({"input": (8, 8, 8)}, "has shape"),
        ({"input": (2, 2, 1, 1, 8, 8, 8)}, "has shape"),
        ({"input": (3, 1, 1, 8, 8, 8), "logits": (2, 1, 2, 8, 8, 8)}, "different numbers"),
    ],
)
def test_a_vector_that_does_not_fit_is_named(small_bundle, tmp_path, shapes, said):
    np.savez(tmp_path / "odd.npz", **{name: np.zeros(shape, np.float32) for name, shape in shapes.items()})
    with pytest.raises(EngineError, match=said):
        vector.samples(tmp_path / "odd.npz", graph.read(small_bundle.model))
