"""Trees of small files as Linux shows them, built under a temporary root."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

Grow = Callable[[Mapping[str, object]], Path]


@pytest.fixture
def grow(tmp_path: Path) -> Grow:
    """Write files by their path under a root; what is there already is overwritten."""

    def make(files: Mapping[str, object]) -> Path:
        for name, content in files.items():
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"{content}\n", encoding="utf-8")
        return tmp_path

    return make


def rail(chip: str, channel: int, label: str, millivolts: int, milliamperes: int) -> dict[str, object]:
    """One channel of an INA3221."""
    folder = f"sys/class/hwmon/{chip}"
    return {
        f"{folder}/name": "ina3221",
        f"{folder}/in{channel}_label": label,
        f"{folder}/in{channel}_input": millivolts,
        f"{folder}/curr{channel}_input": milliamperes,
    }


@pytest.fixture
def orin_agx(grow: Grow) -> Path:
    """Two monitors: three rails, and one that the third of them feeds; shunt voltages and a sum beside them."""
    files = (
        rail("hwmon3", 1, "VDD_GPU_SOC", 20_000, 400)
        | rail("hwmon3", 2, "VDD_CPU_CV", 20_000, 150)
        | rail("hwmon3", 3, "VIN_SYS_5V0", 5_000, 1_000)
        | rail("hwmon4", 1, "NC", 0, 0)
        | rail("hwmon4", 2, "VDDQ_VDD2_1V8AO", 5_000, 200)
    )
    extra = {"in4_input": 800, "in7_input": 2_000, "in7_label": "sum of shunt voltages", "curr4_input": 1_550}
    return grow(files | {f"sys/class/hwmon/hwmon3/{name}": value for name, value in extra.items()})
