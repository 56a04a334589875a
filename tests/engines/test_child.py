from __future__ import annotations

import time

import pytest

from engines import child
from inference.errors import EngineError, JobCancelled


def test_what_it_prints_comes_back() -> None:
    assert child.run("json.tool", ["--compact"], given='{"a": [1, 2]}').strip() == '{"a":[1,2]}'


def test_its_last_words_stand_in_the_sentence() -> None:
    with pytest.raises(EngineError, match=r"tool failed: .*Expecting"):
        child.run("json.tool", [], given="{")


def test_cancelling_ends_it() -> None:
    begin = time.perf_counter()
    with pytest.raises(JobCancelled):
        child.run("timeit", ["-n", "1", "-s", "import time", "time.sleep(120)"], lambda: True)
    assert time.perf_counter() - begin < 60
