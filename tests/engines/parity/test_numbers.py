"""Figures of a difference, and tests over subjects, against what numpy and scipy say themselves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from engines.parity.numbers import differ
from engines.parity.statistics import friedman, wilcoxon
from inference.errors import EngineError


def test_one_wrong_value_of_a_thousand_is_seen_by_the_largest_and_not_by_the_percentile() -> None:
    reference = np.linspace(-1, 3, 10_000, dtype=np.float32)
    answer = reference.copy()
    answer[17] += 0.4
    found = differ({"y": answer}, {"y": reference})
    assert found.max_abs == pytest.approx(0.4, rel=1e-5)
    assert found.max_rel == pytest.approx(0.1, rel=1e-5)
    assert found.rms_rel == pytest.approx(0.1 / 100, rel=1e-5)
    assert found.p999_rel < 1e-6
    assert 1 - 1e-4 < found.cosine < 1
    assert not found.constant


def test_the_worst_output_counts_and_a_constant_one_is_told() -> None:
    ramp = np.linspace(0, 1, 100, dtype=np.float32)
    found = differ({"a": ramp, "b": np.zeros(100, np.float32)}, {"a": ramp, "b": ramp})
    assert found.max_rel == 1.0
    assert found.constant
    assert found.cosine == 0.0


def test_other_outputs_or_shapes_are_refused() -> None:
    ramp = np.linspace(0, 1, 10, dtype=np.float32)
    for other in ({"z": ramp}, {"y": ramp[:5]}):
        with pytest.raises(EngineError, match="other outputs"):
            differ(other, {"y": ramp})


@given(st.floats(1e-3, 1e3), st.integers(0, 50))
def test_shares_do_not_depend_on_the_unit(unit: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((2, 500), np.float32)
    plain, scaled = differ({"y": a}, {"y": b}), differ({"y": a * np.float32(unit)}, {"y": b * np.float32(unit)})
    assert scaled.max_rel == pytest.approx(plain.max_rel, rel=1e-4)
    assert scaled.rms_rel == pytest.approx(plain.rms_rel, rel=1e-4)
    assert scaled.cosine == pytest.approx(plain.cosine, abs=1e-5)


def test_friedman_finds_a_step_that_is_always_worse_and_nothing_among_equals() -> None:
    rng = np.random.default_rng(3)
    subjects = rng.uniform(0.6, 0.9, 12)
    table = np.stack([subjects, subjects + rng.normal(0, 1e-3, 12), subjects - 0.1], axis=1)
    assert friedman(table) == pytest.approx(float(stats.friedmanchisquare(*table.T).pvalue))
    assert friedman(table) < 1e-3  # type: ignore[operator]
    assert friedman(np.stack([subjects] * 3, axis=1)) == 1.0
    assert friedman(table[:2]) is None
    assert friedman(table[:, :2]) is None


def test_wilcoxon_needs_six_subjects() -> None:
    rng = np.random.default_rng(4)
    a = rng.uniform(0.6, 0.9, 12)
    b = a - rng.uniform(0.05, 0.1, 12)
    assert wilcoxon(a, b) < 0.01  # type: ignore[operator]
    assert wilcoxon(a, a) == 1.0
    assert wilcoxon(a[:5], b[:5]) is None
