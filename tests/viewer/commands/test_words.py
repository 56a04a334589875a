from __future__ import annotations

import io

import pytest

from inference.result import Precision, Progress
from viewer.commands.base import WrongWords
from viewer.commands.progress import Bar
from viewer.commands.words import precision, precisions, size


def test_precisions_are_read_in_order_and_once():
    assert precisions("fp32,FP16, fp32") == (Precision.FP32, Precision.FP16)
    with pytest.raises(WrongWords, match="'fp8' is not a precision"):
        precision("fp8")


def test_sizes_are_two_sensible_numbers():
    assert size("1920x1080") == (1920, 1080)
    for wrong in ("1920", "x", "10x10", "-5x900", "1e3x900", "99999x900"):
        with pytest.raises(WrongWords, match="window size"):
            size(wrong)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_bar_waits_two_seconds_and_then_tells_the_time_left(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("viewer.commands.progress.time.monotonic", lambda: now[0])
    stream = Terminal()
    bar = Bar("run", stream)
    bar(Progress("slices", 0, 10))
    now[0] = 1.0
    bar(Progress("slices", 2, 10))
    assert stream.getvalue() == ""
    now[0] = 4.0
    bar(Progress("slices", 4, 10))
    assert "40%" in stream.getvalue()
    assert "6 s left" in stream.getvalue()
    bar.finish()
    assert stream.getvalue().endswith("\x1b[K")


def test_the_bar_is_silent_in_a_pipe(monkeypatch):
    monkeypatch.setattr("viewer.commands.progress.time.monotonic", iter([0.0, 9.0, 9.0, 9.0]).__next__)
    stream = io.StringIO()
    bar = Bar("run", stream)
    bar(Progress("slices", 4, 10))
    assert stream.getvalue() == ""
