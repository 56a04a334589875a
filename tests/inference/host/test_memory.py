"""What a job will need, what is free, and the sentence that refuses."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from engines.library import find
from inference.errors import MemoryRefused
from inference.host import memory
from inference.host.cost import Cost, cost_of
from inference.host.memory import Need
from inference.result import Kind
from inference.volume import Geometry

GIB = 1 << 30
COST = Cost(weight_bytes=4_000, live_bytes=2_000, answer_bytes=500, macs=1)
MEASURE = """
import re, sys
from pathlib import Path
import numpy as np
from inference.backends import graph, registry
from inference.result import Precision
def peak():
    return int(re.search("VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024
before = peak()
path = Path(sys.argv[1])
border = graph.read(path)
engine = registry.named(sys.argv[2]).load(path, Precision.FP32, "CPU")
engine.infer({one.name: np.random.default_rng(0).normal(size=one.shape).astype("f4") for one in border.inputs})
print(peak() - before)
"""


def test_a_loaded_engine_asks_for_its_grids_alone(mask_task):
    grid = Geometry.from_axes((10, 20, 30), (6.0, 6.0, 6.0))
    cold, warm = (memory.need_of(mask_task, grid, COST, loaded) for loaded in (False, True))
    assert cold.engine == 2 * 4_000 + memory.ENGINE_BYTES
    assert cold.activations == 3_000
    assert (warm.engine, warm.activations) == (0, 0)
    assert warm.grids == cold.grids == warm.total


def test_finer_grids_and_more_labels_ask_for_more(mask_task):
    grid = Geometry.from_axes((10, 20, 30), (6.0, 6.0, 6.0))
    fine = replace(mask_task, sampling=replace(mask_task.sampling, spacing_mm=(1.0, 1.0, 1.0)))
    many = replace(mask_task, output=replace(mask_task.output, labels=("a", "b", "c")))
    plain = memory.need_of(mask_task, grid, COST, False).grids
    assert memory.need_of(fine, grid, COST, False).grids > 100 * plain
    assert memory.need_of(many, grid, COST, False).grids > plain
    assert memory.need_of(replace(mask_task, kind=Kind.BOXES), grid, COST, False).grids == COST.answer_bytes


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("backend", ["openvino", "onnxruntime"])
def test_the_estimate_covers_what_an_engine_takes_and_not_ten_times_it(backend):
    bundle = find("stroke-lesion")
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(bundle.model), backend], capture_output=True, text=True, check=True
    )
    cost = cost_of(bundle.model)
    estimate = memory.WEIGHT_COPIES * cost.weight_bytes + memory.ENGINE_BYTES + memory.LIVE_SLACK * cost.live_bytes
    assert int(done.stdout) < estimate < 10 * int(done.stdout)


def test_what_does_not_fit_is_refused_with_both_figures():
    with pytest.raises(MemoryRefused) as told:
        memory.require(Need(3 * GIB, GIB, GIB), 4 * GIB, "Stroke lesion outline")
    assert told.value.message == "Stroke lesion outline needs about 5.6 GB of memory and 4.3 GB are free."
    assert told.value.code == "memory_refused"


def test_what_fits_passes_and_so_does_everything_where_nothing_is_known():
    memory.require(Need(GIB, GIB, GIB), 4 * GIB, "T")
    memory.require(Need(1000 * GIB, GIB, GIB), None, "T")


def test_the_tightest_limit_counts(tmp_path: Path):
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal:       32000000 kB\nMemAvailable:    8000000 kB\n")
    nowhere = tmp_path / "none"
    assert memory.free_bytes(meminfo, nowhere) == 8_000_000 * 1024
    (tmp_path / "memory.max").write_text("3000000000\n")
    (tmp_path / "memory.current").write_text("2000000000\n")
    (tmp_path / "memory.stat").write_text("anon 7\ninactive_file 500000000\n")
    assert memory.free_bytes(meminfo, tmp_path) == 1_500_000_000
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.free_bytes(meminfo, tmp_path) == 8_000_000 * 1024
    assert memory.free_bytes(nowhere, nowhere) is None


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_this_machine_has_some_memory_free():
    free = memory.free_bytes()
    assert free is not None
    assert 0 < free < 1 << 50
