"""NVML through NVIDIA's own Python binding, against a small C library that answers like a driver with two GPUs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from inference.health.nvml import Nvml

# Each answer is 0 (success) or NVML's code for "not supported" (3), "driver not loaded" (9), "GPU is lost" (15).
DRIVER = r"""
#include <stdlib.h>
#include <string.h>
typedef unsigned int u32; typedef unsigned long long u64;
static int set(const char *name) { return getenv(name) != NULL; }
static int code(const char *name, int wrong) { return set(name) ? wrong : 0; }
static u32 index_of(void *gpu) { return (u32)(size_t)gpu - 1; }
const char *nvmlErrorString(int code) { return code ? "wrong" : "success"; }
int nvmlInitWithFlags(u32 flags) { return code("NO_DRIVER", 9); }
int nvmlShutdown(void) { return 0; }
int nvmlDeviceGetCount_v2(u32 *n) { *n = set("NO_GPU") ? 0 : 2; return code("LOST", 15); }
int nvmlDeviceGetHandleByIndex_v2(u32 i, void **gpu) { *gpu = (void *)(size_t)(i + 1); return 0; }
int nvmlDeviceGetPowerUsage(void *gpu, u32 *mw) { *mw = 61500 + 1000 * index_of(gpu);
  return index_of(gpu) == 1 ? code("NO_POWER", 3) : 0; }
int nvmlDeviceGetTotalEnergyConsumption(void *gpu, u64 *mj) { *mj = 7000000; return code("NO_ENERGY", 3); }
int nvmlDeviceGetTemperature(void *gpu, int sensor, u32 *c) { *c = 41 + index_of(gpu); return sensor ? 2 : 0; }
int nvmlDeviceGetClockInfo(void *gpu, int kind, u32 *mhz) { *mhz = kind == 1 ? 1980 : kind == 2 ? 2619 : 0; return 0; }
int nvmlDeviceGetUtilizationRates(void *gpu, u32 *rates) { rates[0] = 87; rates[1] = 12; return 0; }
int nvmlDeviceGetMemoryInfo(void *gpu, u64 *m) {
  m[0] = 150ULL << 30; m[1] = 149ULL << 30; m[2] = 1ULL << 30; return 0; }
int nvmlDeviceGetCurrentClocksThrottleReasons(void *gpu, u64 *bits) {
  const char *held = getenv("HELD"); *bits = held && index_of(gpu) == 1 ? strtoull(held, NULL, 16) : 0x1;
  return code("NO_REASONS", 3); }
"""
ASK = """
import json, sys
from dataclasses import asdict
from inference.health.nvml import Nvml
source = Nvml()
part = source.read(0.0)
source.close()
json.dump(asdict(part) | {"after": source.read(1.0).absent}, sys.stdout, default=lambda found: found.value)
"""
Ask = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with a libnvidia-ml.so.1."""
    compiler = shutil.which("cc")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("needs a C compiler on Linux")
    folder = tmp_path_factory.mktemp("driver")
    (folder / "nvml.c").write_text(DRIVER)
    words = [compiler, "-shared", "-fPIC", "-o", str(folder / "libnvidia-ml.so.1"), str(folder / "nvml.c")]
    subprocess.run(words, check=True, capture_output=True)
    return folder


@pytest.fixture
def ask(driver: Path, root: Path) -> Ask:
    """What the reader says in a process of its own that finds this driver."""

    def run(**scene: str) -> dict[str, Any]:
        env = {**os.environ, **scene, "LD_LIBRARY_PATH": str(driver)}
        done = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, env=env, cwd=root)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    return run


def test_two_gpus_are_read_through_the_real_binding(ask):
    part = ask()
    assert part["absent"] == ""
    assert part["watts"] == pytest.approx(61.5 + 62.5)
    assert part["joules"] == pytest.approx(14_000.0)
    assert [one["celsius"] for one in part["temperatures"]] == [41.0, 42.0]
    clocks = {one["name"]: one["mhz"] for one in part["clocks"]}
    assert clocks == {"GPU 0 SM": 1980, "GPU 0 memory": 2619, "GPU 1 SM": 1980, "GPU 1 memory": 2619}
    assert [one["percent"] for one in part["loads"]] == [87.0, 87.0]
    assert [(one["used_bytes"], one["total_bytes"]) for one in part["memories"]] == [(1 << 30, 150 << 30)] * 2
    assert part["throttle"]["state"] == "no", "an idle GPU is not held down"
    assert part["after"] == "The reader was closed."


@pytest.mark.parametrize(
    ("bits", "state", "words"),
    [("4", "yes", "power limit"), ("60", "yes", "temperature limit"), ("2", "no", "nothing"), ("101", "no", "nothing")],
)
def test_one_gpu_held_down_is_enough(ask, bits, state, words):
    throttle = ask(HELD=bits)["throttle"]
    assert throttle["state"] == state
    assert words in throttle["reason"]
    assert ("GPU 1" in throttle["reason"]) or state == "no"


def test_a_gpu_that_does_not_tell_its_power_makes_the_sum_absent_not_smaller(ask):
    part = ask(NO_POWER="1", NO_ENERGY="1", NO_REASONS="1")
    assert (part["watts"], part["joules"]) == (None, None)
    assert part["watts_absent"] != ""
    assert len(part["temperatures"]) == 2
    assert part["throttle"]["state"] == "unknown"


@pytest.mark.parametrize(
    ("scene", "words"),
    [("NO_DRIVER", "no NVIDIA driver"), ("NO_GPU", "finds no GPU"), ("LOST", "no NVIDIA driver")],
)
def test_no_driver_and_no_gpu_are_one_sentence(ask, scene, words):
    part = ask(**{scene: "1"})
    assert words in part["absent"]
    assert part["absent"].count(".") == 1
    assert part["watts"] is None


def test_here_the_driver_is_read_or_said_to_be_absent():
    source = Nvml()
    part = source.read(0.0)
    source.close()
    if part.absent:
        assert part.absent.endswith(".")
        assert (part.watts, part.rails, part.clocks) == (None, (), ())
    else:
        assert part.watts is None or 0.5 < part.watts < 2000
