"""A process that answers arrays, also when it does not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engines.talk import Talk
from inference.errors import EngineError

PARTNER = """
import sys
from engines.talk import received, send
factor = float(sys.stdin.buffer.readline())
print("loading", file=sys.stderr)
if factor == 0:
    sys.exit("It will not start.")
sys.stdout.buffer.write(b"ready\\n")
sys.stdout.buffer.flush()
while True:
    array = received(sys.stdin.buffer)
    if array.size == 1:
        sys.exit("One number is too few.")
    if array.size == 2:
        sys.stdout.buffer.write((16).to_bytes(8, "little") + bytes(16))
    send(sys.stdout.buffer, array * array.dtype.type(factor))
"""


@pytest.fixture(autouse=True)
def partner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "talk_partner.py").write_text(PARTNER, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))


def test_arrays_come_back_in_turn_and_one_that_it_cannot_answer_ends_it() -> None:
    talk = Talk("talk_partner", "3")
    for shape in ((1, 2, 30, 40), (5,), (300, 400)):
        asked = np.random.default_rng(0).normal(size=shape).astype(np.float32)
        np.testing.assert_array_equal(talk.answer(asked.T), asked.T * 3)
    with pytest.raises(EngineError, match=r"talk_partner failed: One number is too few\."):
        talk.answer(np.zeros(1, np.float32))
    talk.close()


def test_what_does_not_start_says_why() -> None:
    with pytest.raises(EngineError, match=r"talk_partner failed: It will not start\."):
        Talk("talk_partner", "0")


def test_what_is_no_array_is_no_answer() -> None:
    talk = Talk("talk_partner", "1")
    with pytest.raises(EngineError, match="talk_partner failed: it said something else than an array"):
        talk.answer(np.zeros(2, np.float32))
