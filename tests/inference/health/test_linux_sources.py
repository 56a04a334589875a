"""Temperatures, clocks, memory, load and throttling from the files of any Linux."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.health.linux import Clocks, MemoryAndLoad, Temperatures
from inference.health.reading import Reading, Throttled
from inference.health.throttling import Throttling

THERMAL = "sys/class/thermal"
HWMON = "sys/class/hwmon"
CPU = "sys/devices/system/cpu"


def cooling(number: int, kind: str, state: object) -> dict[str, object]:
    folder = f"{THERMAL}/cooling_device{number}"
    return {f"{folder}/type": kind, f"{folder}/cur_state": state}


def test_zones_and_chips_are_told_once_each(grow):
    root = grow(
        {
            f"{THERMAL}/thermal_zone0/type": "x86_pkg_temp",
            f"{THERMAL}/thermal_zone0/temp": 54_000,
            f"{THERMAL}/thermal_zone1/type": "cpu-thermal",
            f"{THERMAL}/thermal_zone1/temp": 51_500,
            f"{HWMON}/hwmon0/name": "cpu_thermal",
            f"{HWMON}/hwmon0/temp1_input": 51_500,
            f"{HWMON}/hwmon1/name": "coretemp",
            f"{HWMON}/hwmon1/temp1_input": 55_000,
            f"{HWMON}/hwmon1/temp1_label": "Package id 0",
            f"{HWMON}/hwmon2/name": "nvme",
            f"{HWMON}/hwmon2/temp1_input": 71_000,
        }
    )
    part = Temperatures(root).read(0.0)
    told = {one.name: one.celsius for one in part.temperatures}
    assert told == {"x86_pkg_temp": 54.0, "cpu-thermal": 51.5, "coretemp Package id 0": 55.0, "nvme": 71.0}
    hottest = Reading(0.0, (part,)).hottest
    assert hottest is not None
    assert hottest.celsius == 55.0, "a disk is no processor"


@pytest.mark.parametrize("value", ["-256000", "2000000", "warm", ""])
def test_a_sensor_without_power_or_sense_is_left_out(grow, value):
    root = grow({f"{THERMAL}/thermal_zone0/type": "cv0-thermal", f"{THERMAL}/thermal_zone0/temp": value})
    part = Temperatures(root).read(0.0)
    assert part.temperatures == ()
    assert part.absent.endswith(".")


def test_the_power_chip_that_always_says_100_is_left_out(grow):
    root = grow({f"{THERMAL}/thermal_zone0/type": "PMIC-Die", f"{THERMAL}/thermal_zone0/temp": 100_000})
    assert Temperatures(root).read(0.0).temperatures == ()


def test_clocks_come_from_cpufreq_before_cpuinfo(grow):
    root = grow(
        {
            f"{CPU}/cpu0/cpufreq/scaling_cur_freq": 2_201_600,
            f"{CPU}/cpu10/cpufreq/scaling_cur_freq": 729_600,
            f"{CPU}/cpu2/cpufreq/scaling_cur_freq": 1_190_400,
            "proc/cpuinfo": "cpu MHz\t\t: 2000.000",
            "sys/class/devfreq/17000000.gpu/cur_freq": 1_300_500_000,
            "sys/class/devfreq/15340000.vic/cur_freq": 115_200_000,
            "sys/kernel/debug/clk/dla0_core/clk_rate": 1_600_000_000,
        }
    )
    told = [(one.name, one.mhz) for one in Clocks(root).read(0.0).clocks]
    assert told == [("CPU 0", 2201.6), ("CPU 2", 1190.4), ("CPU 10", 729.6), ("GPU", 1300.5), ("dla0_core", 1600.0)]


def test_clocks_come_from_cpuinfo_where_cpufreq_is_absent(grow):
    root = grow({"proc/cpuinfo": "processor : 0\ncpu MHz\t\t: 2596.130\nprocessor : 1\ncpu MHz\t\t: 1800.5"})
    part = Clocks(root).read(0.0)
    assert [(one.name, one.mhz) for one in part.clocks] == [("CPU 0", 2596.13), ("CPU 1", 1800.5)]
    assert Reading(0.0, (part,)).cpu_mhz == pytest.approx((2596.13 + 1800.5) / 2)


def test_nothing_told_is_absent_for_each_source(tmp_path):
    for source in (Temperatures(tmp_path), Clocks(tmp_path), MemoryAndLoad(tmp_path), Throttling(tmp_path)):
        assert source.read(0.0).absent.endswith(".")


def test_memory_is_what_is_not_available_and_what_this_process_holds(grow):
    root = grow(
        {
            "proc/meminfo": "MemTotal:       32000 kB\nMemFree:  100 kB\nMemAvailable:    20000 kB",
            "proc/self/status": "Name:\tpython\nVmRSS:\t    1500 kB",
        }
    )
    (memory,) = MemoryAndLoad(root).read(0.0).memories
    assert (memory.used_bytes, memory.total_bytes, memory.own_bytes) == (12000 << 10, 32000 << 10, 1500 << 10)


def test_children_count_as_the_programs_own_without_what_they_share(grow):
    root = grow(
        {
            "proc/meminfo": "MemTotal: 32000 kB\nMemAvailable: 20000 kB",
            "proc/self/status": "VmRSS: 1500 kB\nRssShmem: 300 kB",
            "proc/self/task/7/children": "41 42 ",
            "proc/self/task/8/children": "",
            "proc/41/status": "VmRSS: 900 kB\nRssShmem: 300 kB",
        }
    )
    (memory,) = MemoryAndLoad(root).read(0.0).memories
    assert memory.own_bytes == 2100 << 10, "child 42 has ended meanwhile"


def test_load_is_measured_between_two_readings(grow):
    meminfo = {"proc/meminfo": "MemTotal: 2 kB\nMemAvailable: 1 kB"}
    source = MemoryAndLoad(grow(meminfo | {"proc/stat": "cpu  100 0 100 700 100 0 0 0 50 0\ncpu0 1 1 1 1"}))
    assert source.read(0.0).loads == ()
    grow({"proc/stat": "cpu  160 0 110 720 110 0 0 0 60 0"})
    (load,) = source.read(1.0).loads
    assert load.percent == pytest.approx(70.0)
    assert source.read(2.0).loads == (), "no time has passed on the counter"


@settings(max_examples=40)
@given(st.text(max_size=200), st.text(max_size=200))
def test_garbage_in_proc_never_raises(tmp_path_factory, stat, meminfo):
    root = tmp_path_factory.mktemp("proc")
    (root / "proc").mkdir()
    (root / "proc/stat").write_text(f"cpu {stat}", encoding="utf-8", errors="replace")
    (root / "proc/meminfo").write_text(f"MemTotal: {meminfo}", encoding="utf-8", errors="replace")
    source = MemoryAndLoad(root)
    assert source.read(0.0).memories == ()
    assert all(0.0 <= load.percent <= 100.0 for load in source.read(1.0).loads)


def state(source: Throttling) -> Throttled:
    throttle = source.read(0.0).throttle
    assert throttle is not None
    assert throttle.reason.endswith(".")
    return throttle.state


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("cpu-throttle-alert", 1, Throttled.YES),
        ("cpu-throttle-alert", 0, Throttled.NO),
        ("hot-surface-alert", 1, Throttled.YES),
        ("thermal-cpufreq-0", 3, Throttled.YES),
        ("Processor", 2, Throttled.YES),
        ("Processor", 0, Throttled.NO),
    ],
)
def test_cooling_that_takes_speed_is_throttling(grow, kind, value, expected):
    assert state(Throttling(grow(cooling(0, kind, value)))) is expected


@pytest.mark.parametrize("kind", ["pwm-fan", "Fan", "TCC Offset", "iwlwifi_1"])
def test_a_fan_that_turns_is_not_throttling(grow, kind):
    part = Throttling(grow(cooling(0, kind, 3))).read(0.0)
    assert part.throttle is None
    assert part.absent.endswith(".")


def test_where_alerts_are_the_steps_beside_them_do_not_count(grow):
    root = grow(cooling(0, "gpu-throttle-alert", 0) | cooling(1, "devfreq-gpu-gpc-0", 18))
    assert state(Throttling(root)) is Throttled.NO


@pytest.mark.parametrize(
    ("counter", "words"),
    [
        (f"{CPU}/cpu1/thermal_throttle/core_throttle_count", "core"),
        (f"{CPU}/cpu0/thermal_throttle/package_throttle_count", "processor"),
        (f"{HWMON}/hwmon5/oc1_event_cnt", "current"),
    ],
)
def test_a_counter_tells_only_when_it_grows_between_readings(grow, counter, words):
    source = Throttling(grow({counter: 41}))
    assert state(source) is Throttled.UNKNOWN
    assert state(source) is Throttled.NO
    grow({counter: 42})
    throttle = source.read(0.0).throttle
    assert throttle is not None
    assert throttle.state is Throttled.YES
    assert words in throttle.reason
    assert state(source) is Throttled.NO
