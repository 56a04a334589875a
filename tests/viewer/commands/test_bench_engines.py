"""The words of `insula bench engines` and what it prints."""

from __future__ import annotations

import pytest

from viewer.commands.base import WrongWords
from viewer.commands.bench_engines import _parts, _text

ROW = {"model": "net", "backend": "openvino", "precision": "int8", "median_ms": 12.5, "baseline": "pytorch eager fp32"}
MACHINE = {
    "cpu": "A Processor",
    "cores": 2,
    "cpu_flags": ("avx2", "avx512_vnni"),
    "versions": {"openvino": "1"},
    "peak_gmac_per_s": {"int8": 466.0},
}


def test_parts_are_told_apart() -> None:
    assert _parts("shipped, yardsticks") == ("shipped", "yardsticks")


@pytest.mark.parametrize("text", ["", "shiped", "shipped,all"])
def test_unknown_parts_are_wrong_words(text: str) -> None:
    with pytest.raises(WrongWords, match="no models called"):
        _parts(text)


def test_a_line_holds_ratio_bound_and_share() -> None:
    rows = [
        {**ROW, "ratio": 6.2, "bound_ms": 10.0},
        {**ROW, "ratio": None, "bound_ms": None},
        {**ROW, "ratio": 0.9, "around_percent": 7.5},
    ]
    lines = _text({"machine": MACHINE, "rows": rows}).splitlines()
    assert lines[0] == "A Processor, 2 cores, avx2 avx512_vnni; openvino 1"
    assert "int8 466" in lines[1]
    assert "6.20x pytorch eager fp32  (at best 10.0 ms)" in lines[2]
    assert "x pytorch" not in lines[3]
    assert lines[4].endswith("7.5 % around the engine")
