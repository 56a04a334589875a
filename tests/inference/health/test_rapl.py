"""Energy counters: differences, one round of the counter, packages and memory, and permission."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.health.rapl import Rapl

TOP = 262_143_328_850
POWERCAP = "sys/class/powercap"


def zone(name: str, label: str, microjoules: int, top: int = TOP) -> dict[str, object]:
    folder = f"{POWERCAP}/{name}"
    return {f"{folder}/name": label, f"{folder}/energy_uj": microjoules, f"{folder}/max_energy_range_uj": top}


def test_power_is_energy_over_time_of_packages_and_memory_alone(grow):
    zones = zone("intel-rapl:0", "package-0", 0) | zone("intel-rapl:0:0", "core", 0) | zone("intel-rapl:0:2", "dram", 0)
    zones |= zone("intel-rapl:1", "psys", 0) | zone("intel-rapl-mmio:0", "package-0", 0)
    source = Rapl(grow(zones))
    first = source.read(10.0)
    assert (first.watts, first.absent) == (None, "")
    assert "second reading" in first.watts_absent
    for name, microjoules in (("0", 30_000_000), ("0:0", 20_000_000), ("0:2", 4_000_000), ("1", 90_000_000)):
        grow({f"{POWERCAP}/intel-rapl:{name}/energy_uj": microjoules})
    grow({f"{POWERCAP}/intel-rapl-mmio:0/energy_uj": 30_000_000})
    part = source.read(12.0)
    assert part.watts == pytest.approx(17.0)
    assert part.joules == pytest.approx(34.0)
    assert {rail.name: rail.watts for rail in part.rails} == {"package-0": 15.0, "dram-0": 2.0}


@settings(max_examples=40)
@given(
    top=st.integers(10**6, 2**40),
    start=st.integers(0, 2**40),
    steps=st.lists(st.tuples(st.floats(0.05, 100.0), st.floats(0.0, 0.99)), min_size=1, max_size=8),
)
def test_energy_is_right_through_any_number_of_rounds(tmp_path_factory, top, start, steps):
    """The true energy is known; the counter shows it modulo its range, less than one round a step."""
    root = tmp_path_factory.mktemp("rapl")
    folder = root / POWERCAP / "intel-rapl:0"
    folder.mkdir(parents=True)
    (folder / "name").write_text("package-0\n")
    (folder / "max_energy_range_uj").write_text(f"{top}\n")
    true, now = start % top, 0.0

    def show(microjoules: int) -> None:
        (folder / "energy_uj").write_text(f"{microjoules % top}\n")

    show(true)
    source = Rapl(root)
    source.read(now)
    begin = true
    for seconds, share in steps:
        grown = int(share * top)
        true, now = true + grown, now + seconds
        show(true)
        part = source.read(now)
        assert part.watts == pytest.approx(grown / 1e6 / seconds, rel=1e-6, abs=1e-9)
    assert part.joules == pytest.approx((true - begin) / 1e6, rel=1e-9)


def test_two_looks_at_once_tell_the_same_and_lose_nothing(grow):
    root = grow(zone("intel-rapl:0", "package-0", 0))
    source = Rapl(root)
    source.read(0.0)
    grow({f"{POWERCAP}/intel-rapl:0/energy_uj": 5_000_000})
    settled = source.read(1.0)
    grow({f"{POWERCAP}/intel-rapl:0/energy_uj": 5_500_000})
    assert source.read(1.001) == settled
    assert source.read(2.0).joules == pytest.approx(5.5)


def test_a_processor_that_appears_starts_the_count_anew(grow):
    root = grow(zone("intel-rapl:0", "package-0", 7))
    source = Rapl(root)
    source.read(0.0)
    grow(zone("intel-rapl:1", "package-1", 900_000_000))
    assert source.read(1.0).watts is None


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs POSIX permissions")
def test_a_counter_for_root_alone_says_what_it_needs(grow, monkeypatch):
    root = grow(zone("intel-rapl:0", "package-0", 1))
    counter = root / POWERCAP / "intel-rapl:0/energy_uj"
    counter.chmod(0)
    if os.geteuid() == 0:  # root reads everything: let the system call refuse as it does for others
        real = Path.read_text

        def refuse(self: Path, *words: object, **more: object) -> str:
            if self == counter:
                raise PermissionError(13, "Permission denied")
            return real(self, *words, **more)

        monkeypatch.setattr(Path, "read_text", refuse)
    part = Rapl(root).read(0.0)
    assert part.watts is None
    assert "needs read permission" in part.absent


@pytest.mark.parametrize("text", ["", "nan", "12.5", "-", "9" * 40, "１２"])
def test_a_counter_with_garbage_is_absent(grow, text):
    root = grow(zone("intel-rapl:0", "package-0", 1) | {f"{POWERCAP}/intel-rapl:0/energy_uj": text})
    part = Rapl(root).read(0.0)
    assert (part.watts, part.joules) == (None, None)
    assert "energy_uj holds no number" in part.absent


def test_without_counters_it_is_absent(tmp_path):
    assert Rapl(tmp_path).read(0.0).absent.endswith(".")
