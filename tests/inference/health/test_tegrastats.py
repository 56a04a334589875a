"""Lines as boards write them, and lines as nobody would: what is told is read exactly, garbage is nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.health.reading import Part
from inference.health.tegrastats import parse

NANO = (
    "RAM 1520/3956MB (lfb 200x4MB) SWAP 0/1978MB (cached 0MB) CPU [21%@1224,11%@1224,10%@1224,8%@1224] "
    "EMC_FREQ 0% GR3D_FREQ 12% PLL@21C CPU@24.5C PMIC@100C GPU@23C AO@33.5C thermal@23.75C "
    "POM_5V_IN 2532/2540 POM_5V_GPU 80/80 POM_5V_CPU 540/530"
)
XAVIER_AGX = (
    "RAM 3020/31919MB (lfb 6000x4MB) SWAP 0/15959MB (cached 0MB) CPU [3%@1190,off,1%@1190,0%@1190,off,off,off,off] "
    "EMC_FREQ 0%@2133 GR3D_FREQ 37%@1377 APE 150 MTS fg 0% bg 0% AO@35C GPU@36.5C Tboard@36C Tdiode@38.75C AUX@35C "
    "CPU@36C thermal@35.75C PMIC@100C GPU 1550/1500 CPU 620/620 SOC 1240/1240 CV 310/310 VDDRQ 155/155 SYS5V 1844/1844"
)
XAVIER_NX = (
    "RAM 2100/7773MB (lfb 300x4MB) CPU [12%@1190,9%@1190,off,off,off,off] EMC_FREQ 4%@1600 GR3D_FREQ 99%@1109 "
    "NVDLA0_FREQ @1100 VIC_FREQ 0%@115 APE 150 AUX@42.5C CPU@43C thermal@42.9C AO@42.5C GPU@43.5C iwlwifi@48C PMIC@50C "
    "VDD_IN 9876mW/8000mW VDD_CPU_GPU_CV 5432mW/4000mW VDD_SOC 1456mW/1400mW"
)
ORIN_NANO = (
    "12-23-2025 22:54:11 RAM 3162/7620MB (lfb 4x2MB) SWAP 0/3810MB (cached 0MB) "
    "CPU [1%@729,0%@729,0%@729,0%@729,off,off] GR3D_FREQ 1% "
    "cpu@62.843C soc2@61.968C soc0@60.625C gpu@61.687C tj@62.843C soc1@61.687C cv0@-256C "
    "VDD_IN 3913mW/3922mW VDD_CPU_GPU_CV 598mW/598mW VDD_SOC 1238mW/1237mW"
)
ORIN_AGX = (
    "RAM 9000/62800MB (lfb 8x4MB) SWAP 0/31400MB (cached 0MB) CPU [100%@2201,50%@2201] EMC_FREQ 1%@2133 "
    "GR3D_FREQ 14%@[407,611] VIC_FREQ 115 NVENC off NVDEC off NVDLA0_FREQ @1600 APE 174 CV0@73.625C CPU@77.281C "
    "Tboard@62C tj@77.281C VDD_GPU_SOC 3150mW/2971mW VDD_CPU_CV 14312mW/12415mW VIN_SYS_5V0 4968mW/5048mW "
    "VDDQ_VDD2_1V8AO 1091mW/1091mW"
)
JETPACK_7 = (
    "07-25-2026 09:08:28 RAM 20642/62817MB (lfb 1x2MB) CPU [23%@2201,10%@2201] EMC_FREQ 3%@3199 "
    "GR3D_FREQ 0%@[1300,1300] NVENC0 off NVDEC0 off APE 174 cpu@52.968C/52.968C gpu@49C/50C"
)


def told(line: str) -> Part:
    part = parse(line)
    assert part is not None
    return part


@pytest.mark.parametrize(
    ("line", "watts", "gpu_percent", "gpu_mhz", "hottest", "used_mib"),
    [
        (NANO, 2.532, 12, None, 33.5, 1520),
        (XAVIER_AGX, 1.55 + 0.62 + 1.24 + 0.31 + 0.155 + 1.844, 37, 1377, 38.75, 3020),
        (XAVIER_NX, 9.876, 99, 1109, 48, 2100),
        (ORIN_NANO, 3.913, 1, None, 62.843, 3162),
        (ORIN_AGX, 3.15 + 14.312 + 4.968, 14, 611, 77.281, 9000),
        (JETPACK_7, None, 0, 1300, 52.968, 20642),
    ],
    ids=["nano", "xavier-agx", "xavier-nx", "orin-nano", "orin-agx", "jetpack-7"],
)
def test_each_board_is_read(line, watts, gpu_percent, gpu_mhz, hottest, used_mib):
    part = told(line)
    assert part.watts == (None if watts is None else pytest.approx(watts))
    assert (part.watts is None) == bool(part.watts_absent)
    loads = {load.name: load.percent for load in part.loads}
    clocks = {clock.name: clock.mhz for clock in part.clocks}
    assert loads["GR3D"] == gpu_percent
    assert clocks.get("GR3D") == gpu_mhz
    assert max(one.celsius for one in part.temperatures) == hottest
    assert part.memories[0].used_bytes == used_mib << 20


def test_the_constant_power_chip_and_sensors_without_power_are_no_temperatures():
    names = {one.name for line in (NANO, XAVIER_AGX, XAVIER_NX, ORIN_NANO) for one in told(line).temperatures}
    assert "cv0" not in names
    assert not any(name.startswith("PMIC") for name in names)


def test_a_core_that_is_off_tells_nothing_and_a_clock_is_no_load():
    part = told(ORIN_AGX)
    assert {clock.name: clock.mhz for clock in part.clocks}["NVDLA0"] == 1600
    assert "NVDLA0" not in {load.name for load in part.loads}
    assert [load.name for load in told(XAVIER_AGX).loads if load.name.startswith("CPU")] == ["CPU 0", "CPU 2", "CPU 3"]


def test_memory_and_swap_are_no_rails():
    assert [rail.name for rail in told(XAVIER_NX).rails] == ["VDD_IN", "VDD_CPU_GPU_CV", "VDD_SOC"]
    assert [rail.counted for rail in told(XAVIER_NX).rails] == [True, False, False]


@given(st.text())
def test_garbage_never_raises(line):
    parse(line)


@given(st.text(alphabet="0123456789%@[],/mWCGPURAVDINoff_ .-", max_size=300))
def test_garbage_of_the_right_letters_never_raises_and_never_tells_a_negative_power(line):
    part = parse(line)
    assert part is None or part.watts is None or part.watts >= 0


@given(st.lists(st.sampled_from(XAVIER_NX.split(" VDD_")[0].split(" ")), max_size=40))
def test_words_without_a_rail_never_tell_power(words):
    part = parse(" ".join(words))
    assert part is None or part.watts is None


@given(st.data())
def test_a_line_cut_anywhere_never_tells_more_power_than_the_whole(data):
    cut = XAVIER_AGX[: data.draw(st.integers(0, len(XAVIER_AGX)))]
    part, whole = parse(cut), told(XAVIER_AGX).watts
    assert whole is not None
    assert part is None or part.watts is None or part.watts <= whole + 1e-9


@settings(max_examples=50)
@given(
    st.dictionaries(
        st.from_regex(r"\A[A-Z][A-Z0-9_]{1,12}\Z").filter(lambda name: name not in ("RAM", "SWAP", "VIN", "VDD_IN")),
        st.tuples(st.integers(0, 99_999), st.integers(0, 99_999)),
        min_size=1,
    ),
    st.booleans(),
)
def test_rails_survive_a_round_through_text(rails, with_unit):
    unit = "mW" if with_unit else ""
    part = told(" ".join(f"{name} {now}{unit}/{mean}{unit}" for name, (now, mean) in rails.items()))
    assert {rail.name: round(rail.watts * 1e3) for rail in part.rails} == {
        name: now for name, (now, _) in rails.items()
    }
