"""The rate falls from 1e-3 to 1e-6 in equal factors."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.training.rates import step_decay


def test_as_published() -> None:
    rates = [1e-3 * step_decay(epoch, 80) for epoch in (0, 19, 20, 39, 40, 59, 60, 79)]
    assert rates == pytest.approx([1e-3, 1e-3, 1e-4, 1e-4, 1e-5, 1e-5, 1e-6, 1e-6])


@given(st.integers(1, 500), st.floats(1e-6, 1.0), st.integers(2, 8))
def test_it_never_rises_and_ends_where_it_should(steps: int, last: float, stages: int) -> None:
    shares = [step_decay(step, steps, last, stages) for step in range(steps)]
    assert shares[0] == 1
    assert all(a >= b for a, b in pairwise(shares))
    assert min(shares) >= last * (1 - 1e-9)
    assert steps < stages or shares[-1] == pytest.approx(last)
