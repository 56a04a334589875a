"""Pictures of digital heads as cases: the shipped networks find in them what is there."""

from __future__ import annotations

import numpy as np
import pytest

from engines.library import find
from engines.parity.judge import judge_for
from engines.parity.phantoms import FIRST_SEED, phantoms
from inference.backends.onnxruntime import OnnxRuntimeBackend
from inference.result import Precision


@pytest.mark.slow
def test_the_stroke_network_outlines_what_the_head_has(monkeypatch: pytest.MonkeyPatch) -> None:
    task = find("stroke-lesion").task
    (case,) = phantoms(task, [FIRST_SEED])
    assert case.feed["input"].shape == (1, 2, 64, 64, 64)
    assert case.truth.shape == (64, 64, 64)
    assert case.truth.any()
    middle = np.argwhere(case.truth).mean(axis=0)
    assert np.abs(middle - 31.5).max() < 12
    judge = judge_for(task)
    engine = OnnxRuntimeBackend().load(task.model_path, Precision.FP32, "CPU")
    scores = judge.score(judge.read(engine.infer(case.feed)), case.truth)
    assert scores["dice"] > 0.5
    monkeypatch.setattr("engines.phantom.training.make_head", None)  # made once, then kept
    (again,) = phantoms(task, [FIRST_SEED])
    np.testing.assert_array_equal(again.feed["input"], case.feed["input"])
