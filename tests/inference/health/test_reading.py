"""One reading out of many parts: what counts, what is absent and why, and the document that says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.health.reading import Clock, Memory, Part, Rail, Reading, Scope, Temperature, Throttle, Throttled
from inference.health.sampler import Sampler, read_once
from inference.health.words import energy_document, part_documents, part_lines, reading_document

BOARD = Part("ina3221", scope=Scope.BOARD, watts=16.0, rails=(Rail("VDD_IN", 16.0),))
TEXT = Part("tegrastats", scope=Scope.BOARD, watts=15.0)
CPU = Part("rapl", scope=Scope.PROCESSOR, watts=30.0)
GPU = Part("nvml", scope=Scope.GPU, watts=70.0)
NO_GPU = Part("nvml", "There is no NVIDIA driver on this machine.", Scope.GPU)
NO_CPU = Part("rapl", "energy_uj needs read permission.", Scope.PROCESSOR)


@pytest.mark.parametrize(
    ("parts", "watts", "covers"),
    [
        ((BOARD, TEXT, CPU, GPU), 16.0, ("ina3221",)),
        ((TEXT, GPU), 15.0, ("tegrastats",)),
        ((CPU, GPU), 100.0, ("rapl", "nvml")),
        ((CPU, NO_GPU), 30.0, ("rapl",)),
        ((NO_CPU, GPU), 70.0, ("nvml",)),
    ],
)
def test_the_total_says_what_it_covers(parts, watts, covers):
    reading = Reading(0.0, parts)
    assert (reading.watts, reading.covers, reading.watts_absent) == (watts, covers, "")


def test_no_power_carries_every_reason_and_is_never_zero():
    reading = Reading(0.0, (NO_CPU, NO_GPU, Part("memory")))
    assert reading.watts is None
    assert reading.watts_absent == f"{NO_CPU.absent} {NO_GPU.absent}"
    assert Reading(0.0, ()).watts_absent != ""


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ((Throttled.NO, Throttled.YES, Throttled.UNKNOWN), Throttled.YES),
        ((Throttled.UNKNOWN, Throttled.NO), Throttled.NO),
        ((Throttled.UNKNOWN,), Throttled.UNKNOWN),
        ((), Throttled.UNKNOWN),
    ],
)
def test_one_source_that_throttles_is_enough(states, expected):
    parts = tuple(Part(str(n), throttle=Throttle(state, f"Because of {n}.")) for n, state in enumerate(states))
    throttle = Reading(0.0, parts).throttle
    assert throttle.state is expected
    assert throttle.reason.endswith(".")


def test_the_machines_own_memory_wins_over_what_another_program_says_of_it():
    parts = (Part("tegrastats", memories=(Memory("RAM", 1, 9),)), Part("memory", memories=(Memory("RAM", 2, 9, 1),)))
    memory = Reading(0.0, parts).memory
    assert memory is not None
    assert memory.own_bytes == 1


FINITE = st.floats(0, 1e4)


@given(st.lists(st.tuples(st.sampled_from(Scope), st.none() | FINITE, st.text(max_size=5)), max_size=6))
def test_the_document_is_json_and_a_missing_figure_is_null_with_a_reason(rows):
    parts = tuple(
        Part(f"s{n}", absent, scope, watts, temperatures=(Temperature("cpu", 40.0),), clocks=(Clock("CPU 0", 1.0),))
        for n, (scope, watts, absent) in enumerate(rows)
    )
    document = reading_document(Reading(0.0, parts))
    json.dumps(document, allow_nan=False)
    assert (document["watts"] is None) == bool(document["watts_absent"])
    assert (document["watts"] is None) == (not document["covers"])


class Broken:
    """A source that fails in a way nobody foresaw."""

    name = "broken"

    def read(self, now_s: float) -> Part:
        raise ZeroDivisionError

    def close(self) -> None:
        return


def test_a_source_that_fails_is_absent_and_the_others_still_tell():
    class Good(Broken):
        name = "good"

        def read(self, now_s: float) -> Part:
            return CPU

    reading = Sampler((Broken(), Good())).read()
    assert reading.watts == 30.0
    assert reading.absent() == {"broken": "The source failed unexpectedly (ZeroDivisionError)."}


def test_an_empty_machine_says_why_for_every_figure(tmp_path):
    reading = read_once(tmp_path, settle_s=0.0)
    assert set(reading.absent()) >= {"ina3221", "tegrastats", "rapl", "thermal", "clocks", "throttling", "memory"}
    assert (reading.hottest, reading.cpu_mhz, reading.memory) == (None, None, None)
    assert reading.throttle.state is Throttled.UNKNOWN
    lines = list(part_lines(part_documents(reading)))
    assert all(len(line.split(None, 1)) == 2 for line in lines)


def test_a_whole_board_is_read_from_its_files(orin_agx):
    reading = read_once(orin_agx, settle_s=0.0)
    assert reading.watts == pytest.approx(16.0)
    assert reading.covers == ("ina3221",)
    entry = next(one for one in part_documents(reading) if one["source"] == "ina3221")
    assert entry["absent"] is None
    assert "VDD_GPU_SOC 8.0" in entry["tells"]


@pytest.mark.skipif(not Path("/proc/meminfo").exists(), reason="needs Linux")
def test_this_machine_is_read_sanely():
    reading = read_once()
    memory = reading.memory
    assert memory is not None
    assert 0 < (memory.own_bytes or 0) < memory.used_bytes < memory.total_bytes
    assert memory.total_bytes > 1 << 28
    assert reading.watts is None or 0.1 < reading.watts < 5000
    assert reading.cpu_mhz is None or 100 < reading.cpu_mhz < 8000
    assert reading.hottest is None or -20 < reading.hottest.celsius < 130
    assert all(0 <= load.percent <= 100 for load in reading.loads)
    for part in reading.parts:
        told = part.watts_absent, part.rails, part.temperatures, part.clocks, part.loads, part.memories, part.throttle
        assert bool(part.absent) != any(told), f"{part.source} neither tells anything nor says why"
        assert part.absent == "" or part.absent.endswith(".")


def test_energy_of_no_slices_divides_by_nothing():
    from inference.health.energy import Energy

    document = energy_document(Energy(2.0, 30.0, ("rapl",)), 0, 0.0)
    assert (document["joules_per_slice"], document["fps"]) == (None, None)
    assert (document["joules_per_volume"], document["mean_watts"]) == (30.0, 15.0)
