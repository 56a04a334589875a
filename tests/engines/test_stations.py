"""Lanes from words, and engines that keep to their lane's cores."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from engines import stations
from inference.backends.fake import FakeBackend
from inference.backends.onnxruntime import OnnxRuntimeBackend
from inference.errors import BackendMissing, InputRefused
from inference.result import Precision


def test_words_become_stations():
    core = min(stations.cores())
    cpu, gpu = stations.parse(f"cpu0=openvino/bf16@{core}, gpu=fake:GPU")
    assert (cpu.name, cpu.backend, cpu.precision, cpu.lane.cores) == (
        "cpu0",
        "openvino",
        Precision.BF16,
        frozenset({core}),
    )
    assert (gpu.name, gpu.lane.device, gpu.lane.cores) == ("gpu", "GPU", frozenset())
    assert cpu.sentence == f"cpu0 = openvino bf16 on CPU, core {core}"
    assert isinstance(gpu.make_backend(), FakeBackend)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("openvino", "names no lane"),
        ("a=openvino@9999", "may not use all cores"),
        ("a=openvino/fp8", "is no precision"),
        ("a=openvino/int8", "cannot run parts in int8"),
        ("a=openvino,a=fake", "one name"),
        ("", "names no lane"),
    ],
)
def test_wrong_words_are_refused_with_a_sentence(words, sentence):
    with pytest.raises(InputRefused, match=sentence):
        stations.parse(words)


def test_a_backend_that_is_not_there_is_named():
    (station,) = stations.parse("a=abacus")
    with pytest.raises(BackendMissing, match="abacus"):
        station.make_backend()


def test_the_usual_lanes_are_two_backends_on_cores_of_their_own():
    first, second = stations.usual()
    assert first.backend != second.backend
    assert len(first.lane.cores) == len(second.lane.cores) == 1
    if len(stations.cores()) > 1:
        assert not first.lane.cores & second.lane.cores


def test_a_lane_of_half_precision_derives_its_own_graph(small_bundle):
    (station,) = stations.parse("a=onnxruntime/fp16")
    feed = np.random.default_rng(4).standard_normal((1, 1, 8, 8, 8), np.float32)
    with stations.lanes((station,)) as lanes:
        engine = stations.load(station, lanes["a"], small_bundle.model)
        half = engine.infer({"input": feed})["logits"]
    single = OnnxRuntimeBackend().load(small_bundle.model, Precision.FP32, "CPU").infer({"input": feed})["logits"]
    assert 0 < np.abs(half - single).max() < 0.02


PROGRAM = """
import json, os, sys
from pathlib import Path
import numpy as np
from engines import library, stations

def threads():
    found = {}
    for task in os.listdir("/proc/self/task"):
        text = Path(f"/proc/self/task/{task}/status").read_text()
        cores = text.split("Cpus_allowed_list:")[1].split()[0]
        ticks = Path(f"/proc/self/task/{task}/stat").read_text().rsplit(")")[-1].split()[11:13]
        found[task] = cores, sum(map(int, ticks))
    return found

report = {}
placed = stations.parse(sys.argv[1])
with stations.lanes(placed) as lanes:
    for station in placed:
        before = threads()
        engine = stations.load(station, lanes[station.name], library.find("hemorrhage-detection").model)
        feed = {spec.name: np.zeros(spec.shape, np.float32) for spec in engine.inputs}
        loaded = threads()
        lanes[station.name].submit("run", lambda: [engine.infer(feed) for _ in range(12)]).result()
        after = threads()
        report[station.name] = {
            "begun": sorted({cores for task, (cores, _) in after.items() if task not in before}),
            "worked": sorted({c for task, (c, n) in after.items() if n > loaded.get(task, (c, 0))[1] + 1}),
        }
print(json.dumps(report))
"""


@pytest.mark.slow
@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="only Linux shows each thread's cores")  # noqa: PTH112
def test_every_thread_that_computes_keeps_to_its_lanes_cores():
    cores = sorted(stations.cores())
    if len(cores) < 2:
        pytest.skip("one core only")
    first, second = cores[0], cores[-1]
    words = f"a=openvino@{first},b=onnxruntime@{second},c=openvino@{second},d=onnxruntime@{first}"
    done = subprocess.run([sys.executable, "-c", PROGRAM, words], capture_output=True, text=True, check=True)
    report = json.loads(done.stdout)
    for lane, core in {"a": first, "b": second, "c": second, "d": first}.items():
        assert report[lane]["worked"] == [str(core)], f"lane {lane} computed elsewhere"
    for lane, core in {"b": second, "d": first}.items():  # OpenVINO's pool is the process's; it computes nothing here
        assert report[lane]["begun"] == [str(core)], f"lane {lane} started threads elsewhere"
