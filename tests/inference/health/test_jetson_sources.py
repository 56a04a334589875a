"""INA3221 monitors as files, and tegrastats as a real child process."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.health.ina3221 import Ina3221
from inference.health.rails import counted, total_watts
from inference.health.reading import Part, Rail
from inference.health.tegrastats_process import Tegrastats

ORIN_NANO = "RAM 3162/7620MB CPU [1%@729,off] GR3D_FREQ 1% VDD_IN 3913mW/3922mW VDD_SOC 1238mW/1237mW"
XAVIER_NX = "RAM 2100/7773MB CPU [12%@1190,off] GR3D_FREQ 99%@1109 VDD_IN 9876mW/8000mW VDD_SOC 1456mW/1400mW"
posix = pytest.mark.skipif(sys.platform == "win32", reason="tegrastats is a Linux program")


def test_rails_of_an_orin_add_up_without_counting_what_another_rail_feeds(orin_agx):
    part = Ina3221(orin_agx).read(0.0)
    assert {rail.name: (rail.watts, rail.counted) for rail in part.rails} == {
        "VDD_GPU_SOC": (8.0, True),
        "VDD_CPU_CV": (3.0, True),
        "VIN_SYS_5V0": (5.0, True),
        "VDDQ_VDD2_1V8AO": (1.0, False),
    }
    assert part.watts == pytest.approx(16.0)
    assert part.absent == ""


def test_a_measured_input_is_the_whole(grow):
    files = {"sys/class/hwmon/hwmon1/name": "ina3221"}
    for channel, (label, milliamperes) in enumerate((("VDD_IN", 2000), ("VDD_SOC", 300), ("VDD_CPU_GPU_CV", 900)), 1):
        files |= {
            f"sys/class/hwmon/hwmon1/in{channel}_label": label,
            f"sys/class/hwmon/hwmon1/in{channel}_input": 5000,
            f"sys/class/hwmon/hwmon1/curr{channel}_input": milliamperes,
        }
    assert Ina3221(grow(files)).read(0.0).watts == pytest.approx(10.0)


def test_a_disabled_channel_is_left_out(orin_agx, grow):
    grow({"sys/class/hwmon/hwmon3/in2_enable": 0})
    part = Ina3221(orin_agx).read(0.0)
    assert "VDD_CPU_CV" not in {rail.name for rail in part.rails}


@pytest.mark.parametrize("damage", ["empty", "words", "gone"])
def test_one_rail_that_cannot_be_read_makes_the_sum_absent_with_a_reason(orin_agx, damage):
    file = orin_agx / "sys/class/hwmon/hwmon3/curr2_input"
    if damage == "gone":
        file.unlink()
    else:
        file.write_text("" if damage == "empty" else "many\n")
    part = Ina3221(orin_agx).read(0.0)
    assert part.watts is None
    assert "curr2_input" in part.absent


def test_without_a_monitor_there_is_no_power_and_a_reason(tmp_path):
    part = Ina3221(tmp_path).read(0.0)
    assert (part.watts, part.rails) == (None, ())
    assert part.absent.endswith(".")


@given(
    st.dictionaries(st.sampled_from(["VDD_IN", "VIN", "A", "B", "VIN_SYS_5V0", "VDDQ_VDD2_1V8AO"]), st.floats(0, 60))
)
def test_no_rail_is_counted_twice(rails):
    found = counted(Rail(name, watts) for name, watts in rails.items())
    total = total_watts(found)
    assert (total is None) == (not rails)
    if total is not None:
        assert total <= sum(rails.values()) + 1e-9
        assert any(rail.counted for rail in found)
    if "VDD_IN" in rails:
        assert total == rails["VDD_IN"]


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], Path]:
    """Put a program called tegrastats into a root, and return the root."""

    def make(body: str) -> Path:
        program = tmp_path / "usr/bin/tegrastats"
        program.parent.mkdir(parents=True)
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(0o755)
        return tmp_path

    return make


def heard(source: Tegrastats, good: Callable[[Part], bool], patience_s: float = 10.0) -> Part:
    """Ask until the answer is good; the last answer when patience ends."""
    end = time.perf_counter() + patience_s
    while True:
        part = source.read(time.perf_counter())
        if good(part) or time.perf_counter() > end:
            return part
        time.sleep(0.01)


@posix
def test_the_newest_whole_line_counts(script):
    root = script(f"echo '{ORIN_NANO}'; echo 'no sense'; echo '{XAVIER_NX}'; printf 'VDD_IN 1mW/'; exec sleep 60")
    source = Tegrastats(root)
    try:
        part = heard(source, lambda told: told.watts == 9.876)
        assert part.watts == pytest.approx(9.876)
        again = source.read(time.perf_counter())
        assert again == part, "with no new line the last one still holds"
    finally:
        source.close()


@posix
def test_the_child_is_asked_for_its_interval_and_ends_with_its_reader(script):
    source = Tegrastats(script('echo $$ "$@" > "$0.words"; echo "VDD_IN 5000mW/5000mW"; exec sleep 60'))
    assert heard(source, lambda told: told.watts == 5.0).watts == 5.0
    said = next(Path(source._program or "").parent.glob("*.words")).read_text().split()
    assert said[1:] == ["--interval", "500"]
    source.close()
    with pytest.raises(ProcessLookupError):
        os.kill(int(said[0]), 0)
    assert source.read(time.perf_counter()).absent != ""


@posix
@pytest.mark.parametrize(
    ("body", "words"),
    [("exit 3", "ended"), ("exec sleep 60", "not said anything"), ("exit 0", "ended")],
)
def test_a_child_that_dies_or_says_nothing_is_absent(script, body, words):
    source = Tegrastats(script(body))
    try:
        part = heard(source, lambda told: words in told.absent)
        assert words in part.absent
        assert part.watts is None
    finally:
        source.close()


@posix
def test_a_child_that_falls_silent_is_not_believed_for_ever(script):
    source = Tegrastats(script("echo 'VDD_IN 5000mW/5000mW'; exec sleep 60"))
    try:
        assert heard(source, lambda told: told.watts == 5.0).watts == 5.0
        assert "silent" in source.read(time.perf_counter() + 6.0).absent
    finally:
        source.close()


@posix
def test_a_stubborn_child_is_ended_too(script):
    source = Tegrastats(script("trap '' TERM; echo 'VDD_IN 5000mW/5000mW'; while :; do sleep 0.2; done"))
    heard(source, lambda told: told.watts == 5.0)
    begin = time.perf_counter()
    source.close()
    assert time.perf_counter() - begin < 5.0


def test_without_the_program_it_is_absent(tmp_path):
    assert "Jetson" in Tegrastats(tmp_path).read(0.0).absent
