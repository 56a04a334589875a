"""The measuring of the window measures, and each figure stands beside its aim and a baseline."""

from __future__ import annotations

import json

import pytest

from viewer.bench import bench_viewer, percentile, text

NAMES = {
    "start_to_window_s",
    "folder_to_first_slice_s",
    "folder_to_volume_s",
    "wheel_to_pixels_p50_ms",
    "wheel_to_pixels_p95_ms",
    "peak_memory_ratio",
}


@pytest.mark.gui
@pytest.mark.slow
def test_a_small_series_is_measured_in_a_process_of_its_own() -> None:
    found = bench_viewer(slices=12, side=64, steps=10)
    rows = {row["name"]: row for row in json.loads(json.dumps(found))["rows"]}
    assert set(rows) == NAMES
    assert all(row["value"] > 0 and row["baseline"] and row["aim"] > 0 for row in rows.values())
    assert all(row["ratio"] == pytest.approx(row["value"] / row["baseline_value"], rel=0.02) for row in rows.values())
    assert rows["folder_to_first_slice_s"]["value"] <= rows["folder_to_volume_s"]["value"]
    assert all(name in text(found) for name in NAMES)


def test_percentiles() -> None:
    values = [float(value) for value in range(1, 101)]
    assert percentile(values, 0.50) == pytest.approx(50.5)
    assert percentile(values, 0.95) == pytest.approx(95.05)
