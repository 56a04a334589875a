from __future__ import annotations

import pytest

from engines import bench, machine
from inference.errors import JobCancelled
from inference.result import Progress


def test_every_engine_has_a_row_against_the_baseline(small_bundle):
    seen: list[Progress] = []
    found = bench.report([small_bundle], seconds=0.2, progress=seen.append)
    rows = {(row["backend"], row["precision"]): row for row in found["rows"]}
    assert {("openvino", "fp32"), ("openvino", "fp16"), ("onnxruntime", "fp32"), ("onnxruntime", "int8")} <= set(rows)
    against = rows["onnxruntime", "fp32"]
    assert against["ratio"] == 1
    for row in rows.values():
        assert row["model"] == "small-net"
        assert row["baseline"] == "onnxruntime fp32"
        assert row["median_ms"] > 0
        assert row["runs"] >= 1
        assert row["ratio"] == pytest.approx(against["median_ms"] / row["median_ms"], rel=0.1, abs=0.01)
    assert found["machine"]["cores"] >= 1
    assert seen[-1] == Progress("done", 1, 1)


def test_all_engines_take_equally_many_turns(small_bundle):
    assert len({row.runs for row in bench.measure(small_bundle, seconds=0.1)}) == 1


def test_no_time_is_one_turn(small_bundle):
    assert {row.runs for row in bench.measure(small_bundle, seconds=0.0)} == {1}


def test_it_stops_when_asked(small_bundle):
    with pytest.raises(JobCancelled):
        bench.report([small_bundle], cancelled=lambda: True)


def test_no_baseline_no_ratio(small_bundle, monkeypatch):
    monkeypatch.setattr(bench, "BASELINE", ("abacus", bench.Precision.FP32))
    assert {row.ratio for row in bench.measure(small_bundle, seconds=0.0)} == {None}


CPUINFO = (
    "processor\t: 0\nmodel name\t: A Processor\nflags\t\t: fpu avx2 avx512_bf16 amx_tile amx_bf16\n\nprocessor\t: 1\n"
)
MEMINFO = "MemTotal:       16777216 kB\nMemFree:         1 kB\nMemAvailable:    8388608 kB\n"


def test_machine_facts(tmp_path):
    (tmp_path / "cpu").write_text(CPUINFO)
    (tmp_path / "mem").write_text(MEMINFO)
    found = machine.facts(tmp_path / "cpu", tmp_path / "mem")
    assert found.cpu == "A Processor"
    assert found.cpu_flags == ("avx2", "avx512_bf16", "amx_bf16")
    assert (found.memory_gib, found.free_memory_gib) == (16.0, 8.0)


def test_machine_facts_where_linux_is_not(tmp_path):
    found = machine.facts(tmp_path / "none", tmp_path / "none")
    assert found.cpu_flags == ()
    assert found.memory_gib is None
    assert found.cores >= 1
