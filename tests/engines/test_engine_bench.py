from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from engines import bench, machine, own_time, peak, yardsticks
from engines.library import find
from inference.errors import BackendMissing, JobCancelled
from inference.result import Progress


def test_every_engine_has_a_row_against_the_baseline(small_bundle):
    seen: list[Progress] = []
    found = bench.report([bench.of_bundle(small_bundle)], seconds=0.2, progress=seen.append)
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
    assert len({row.runs for row in bench.measure(bench.of_bundle(small_bundle), seconds=0.1)}) == 1


def test_the_later_half_of_a_turn_counts():
    waits = iter([0.1, *[0.001] * 1000])
    runner = bench.Runner("abacus", "1", "CPU", bench.Precision.FP32, "native", lambda _: time.sleep(next(waits)))
    runner.run({})
    assert 0.001 <= runner.seconds[0] < 0.1


def test_no_time_is_one_turn(small_bundle):
    assert {row.runs for row in bench.measure(bench.of_bundle(small_bundle), seconds=0.0)} == {1}


def test_it_stops_when_asked(small_bundle):
    with pytest.raises(JobCancelled):
        bench.report([bench.of_bundle(small_bundle)], cancelled=lambda: True)


def test_no_baseline_no_ratio(small_bundle, monkeypatch):
    monkeypatch.setattr(bench, "BASELINE", ("abacus", bench.Precision.FP32))
    assert {row.ratio for row in bench.measure(bench.of_bundle(small_bundle), seconds=0.0)} == {None}


def test_a_rival_is_the_baseline_of_all(small_bundle):
    subject = bench.of_bundle(small_bundle)
    asked = []
    rival = bench.Rival("abacus", "1", lambda feed: asked.append(feed))
    beside = bench.Subject(subject.name, subject.model, subject.sha256, subject.calibration, rival)
    rows = bench.measure(beside, seconds=0.0)
    assert rows[0].backend == "abacus"
    assert len(asked) > rows[0].runs
    assert {row.baseline for row in rows} == {"pytorch eager fp32"}


def test_what_is_emulated_can_be_left_out(small_bundle):
    subject = replace(bench.of_bundle(small_bundle), emulated=False)
    rows = bench.measure(subject, seconds=0.0)
    assert {row.precision_kind for row in rows} == {"native"}
    assert ("onnxruntime", "fp32") in {(row.backend, row.precision) for row in rows}


def test_the_bound_is_the_work_over_the_rate(small_bundle, monkeypatch):
    monkeypatch.setattr(bench, "describe", lambda *_: {"gmac": 2.0})
    rows = bench.measure(bench.of_bundle(small_bundle), seconds=0.0, rates={"fp32": 0.5})
    for row in rows:
        assert row.gmac == 2.0
        native = (row.precision, row.precision_kind) == ("fp32", "native")
        assert row.bound_ms == (pytest.approx(1e3 * row.gmac / 0.5, abs=1e-3) if native else None)


def test_peak_rates_are_told_for_what_is_native(monkeypatch):
    monkeypatch.setattr(peak, "ROUNDS", 1)
    rates = peak.rates()
    assert rates["fp32"] > 0
    assert rates["int8"] > 0
    assert abs(peak.GMAC - 4 * 256 * 256 * 9 * 32 * 32 / 1e9) < 1e-9


def test_yardsticks_are_made_once_and_the_same(monkeypatch, tmp_path):
    small = yardsticks.Yardstick("pix2pix-54m", (1, 3, 256, 256), eager=False)
    np.testing.assert_array_equal(small.example(), small.example())
    assert small.example().shape == small.shape
    monkeypatch.setenv("INSULA_CACHE", str(tmp_path))
    with np.load(small.calibration) as stored:
        np.testing.assert_array_equal(stored["input"], small.example())


def test_without_torch_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(yardsticks.importlib.util, "find_spec", lambda name: None)
    assert tuple(yardsticks.usable()) == ()
    with pytest.raises(BackendMissing, match="PyTorch"):
        yardsticks.require_torch()


class Slow:
    """An engine that takes a while and answers nothing."""

    inputs = outputs = ()

    def infer(self, feed):
        time.sleep(0.02)
        return {}

    def cancel(self):
        raise AssertionError

    def close(self):
        raise AssertionError


def test_the_engines_own_time_is_told_apart():
    watched = own_time.Watched(Slow())
    watched.infer({})
    watched.infer({})
    assert 0.04 <= watched.seconds < 1


@pytest.mark.slow
def test_a_whole_volume_has_a_row_with_the_share_around_the_engine(monkeypatch):
    monkeypatch.setattr(own_time, "ROUNDS", 1)
    volumes = own_time.phantom()
    assert {channel.value for channel in volumes} == {"CT", "DWI", "ADC"}
    only_ct = {channel: volume for channel, volume in volumes.items() if channel.value == "CT"}
    rows = own_time.rows([find("ct-to-mri"), find("stroke-lesion")], only_ct)
    assert [(row.model, row.precision) for row in rows] == [("ct-to-mri volume", p) for p in ("fp32", "int8")]
    for row in rows:
        assert row.around_percent == pytest.approx(100 * (1 - row.ratio), abs=0.1)
        assert 0 < row.around_percent < 90


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
