"""Measured figures of the window: start, first slice, wheel step to pixels, memory."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from inference.errors import InsulaError
from inference.volume import Channel, Geometry, Volume

SLICES, SIDE = 300, 512
SPACING_MM = (0.45, 0.45, 0.6)
STEPS = 120
AIMS = {
    "start_to_window_s": 2.0,
    "folder_to_first_slice_s": 0.5,
    "folder_to_volume_s": 2.0,
    "wheel_to_pixels_p50_ms": 16.0,
    "wheel_to_pixels_p95_ms": 16.0,
    "peak_memory_ratio": 2.5,
}
PROGRAM = "import sys; from viewer.bench import measure_here; measure_here(sys.argv[1:])"


PLAIN_READ = (
    "import sys, SimpleITK as sitk; r = sitk.ImageSeriesReader();"
    "r.SetFileNames(r.GetGDCMSeriesFileNames(sys.argv[1])); r.Execute()"
)


class BenchFailed(InsulaError):
    """The measuring process ended without figures."""

    code = "bench_failed"


@dataclass(frozen=True, slots=True)
class Row:
    """One figure beside its aim and a baseline measured in the same run.

    Attributes:
        name, value, unit: What was measured; less is better.
        aim: What it should not exceed.
        baseline: What `ratio` compares with. ratio: value / baseline's value.
    """

    name: str
    value: float
    unit: str
    aim: float
    baseline: str
    baseline_value: float
    ratio: float


def bench_viewer(slices: int = SLICES, side: int = SIDE, steps: int = STEPS) -> dict[str, Any]:
    """Write a series, open it in a fresh process and measure.

    Args:
        slices, side: Size of the series; the aims are meant for 300 slices of 512x512.
        steps: Steps of the wheel.

    Returns:
        {"series": ..., "window": ..., "rows": [...]}, ready for JSON. Needs a display.

    Raises:
        BenchFailed: The measuring process ended with an error.
    """
    with tempfile.TemporaryDirectory(prefix="insula-bench-") as name:
        folder = Path(name) / "study"
        _write_series(folder, slices, side)
        blank = _timed([sys.executable, "-c", "from PySide6.QtWidgets import QApplication; QApplication([])"])
        plain_read = _timed([sys.executable, "-c", PLAIN_READ, str(_only_series(folder))])
        begun = time.time()
        figures = _measured_apart(folder, begun, steps)
    voxel_bytes = slices * side * side * 4
    rows = (
        _row("start_to_window_s", figures["start_s"], "s", "an empty Qt application starts and ends", blank),
        _row("folder_to_first_slice_s", figures["first_slice_s"], "s", "SimpleITK reads the series", plain_read),
        _row("folder_to_volume_s", figures["volume_s"], "s", "SimpleITK reads the series", plain_read),
        _row("wheel_to_pixels_p50_ms", figures["p50_ms"], "ms", "one frame at 60 Hz", 1000 / 60),
        _row("wheel_to_pixels_p95_ms", figures["p95_ms"], "ms", "one frame at 60 Hz", 1000 / 60),
        _row("peak_memory_ratio", figures["peak_bytes"] / voxel_bytes, "x voxel bytes", "the voxels in float32", 1.0),
    )
    return {
        "series": {"slices": slices, "rows": side, "columns": side, "voxel_bytes": voxel_bytes},
        "window": {"width": 1920, "height": 1080, "linked_panes": 3},
        "rows": [asdict(row) for row in rows],
    }


def text(found: dict[str, Any]) -> str:
    """The rows as lines for a person."""
    return "\n".join(
        f"{row['name']:<26} {row['value']:9.3f} {row['unit']:<14} aim {row['aim']:<6g} "
        f"{row['ratio']:6.2f}x {row['baseline']} ({row['baseline_value']:.3f})"
        for row in found["rows"]
    )


def measure_here(words: Sequence[str]) -> None:
    """Run in the measuring process: open the folder, turn the wheel, print the figures as JSON."""
    folder, begun, turns = Path(words[0]), float(words[1]), int(words[2])
    from viewer.app import Options, build_without_tasks
    from viewer.ui import measure

    application = build_without_tasks(Options(layout="3x1"))
    start_s = measure.seconds_to_window(application, begun)
    first_s, volume_s = measure.seconds_to_slices(application, folder)
    measure.show_three_planes(application)
    steps = measure.wheel_milliseconds(application, turns)
    application.close()
    figures = {"start_s": start_s, "first_slice_s": first_s, "volume_s": volume_s, "peak_bytes": _peak_bytes()}
    print(json.dumps(figures | {"p50_ms": percentile(steps, 0.50), "p95_ms": percentile(steps, 0.95)}))


def _peak_bytes() -> float:
    """Most memory this process ever held."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(peak if sys.platform == "darwin" else peak * 1024)


def _measured_apart(folder: Path, begun: float, steps: int) -> dict[str, float]:
    command = [sys.executable, "-c", PROGRAM, str(folder), str(begun), str(steps)]
    surroundings = os.environ | {"PYTHONPATH": os.pathsep.join(part for part in sys.path if part)}
    done = subprocess.run(command, capture_output=True, text=True, env=surroundings, check=False)
    if done.returncode != 0 or not done.stdout.strip():
        raise BenchFailed(
            f"The measuring process ended with exit status {done.returncode}.", "Check `insula doctor` for a display."
        )
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _timed(command: Sequence[str]) -> float:
    begin = time.perf_counter()
    subprocess.run(command, capture_output=True, check=False)
    return time.perf_counter() - begin


def _row(name: str, value: float, unit: str, baseline: str, baseline_value: float) -> Row:
    ratio = round(value / baseline_value, 3)
    return Row(name, round(value, 4), unit, AIMS[name], baseline, round(baseline_value, 4), ratio)


def percentile(values: Sequence[float], share: float) -> float:
    """Value below which a share (0..1) of the sorted values lies."""
    return statistics.quantiles(values, n=100, method="inclusive")[round(share * 100) - 1]


def _only_series(folder: Path) -> Path:
    """The folder in which the slices lie."""
    return next(file.parent for file in sorted(folder.rglob("*")) if file.is_file())


def _write_series(folder: Path, slices: int = SLICES, side: int = SIDE) -> None:
    """A head-sized ball of soft tissue with noise: what is in it does not change the times."""
    from viewer.dicom.write_series import SeriesToWrite, write_study

    write_study(folder, (SeriesToWrite((_volume(slices, side),), "bench"),))


def _volume(slices: int, side: int) -> Volume:
    k, j, i = np.ogrid[-1 : 1 : slices * 1j, -1 : 1 : side * 1j, -1 : 1 : side * 1j]
    inside = (k**2 + j**2 + i**2) < 0.8
    noise = np.random.default_rng(7).normal(0.0, 6.0, (side, side)).astype(np.float32)
    voxels = np.where(inside, np.float32(38.0), np.float32(-1000.0)) + noise
    return Volume(voxels, Geometry.from_axes((slices, side, side), SPACING_MM), Channel.CT, "HU", "bench")
