"""The organ network's figures: whose classes are whose, plain rules, and the exchanged sides that must cost it Dice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engines.describe import describe_named
from engines.library import find
from engines.phantom.trunk.patient import trunk_patient
from engines.training import measure_organs
from engines.training.measure_organs import FOLDER, SCANS, bone_rule, lung_rule, mirror, on_real, organs_of, read
from engines.training.measure_outlines import answer
from inference.backends.onnxruntime import OnnxRuntimeBackend
from inference.result import Precision
from inference.steps.region import Region
from inference.volume import Channel, Geometry, Volume

SMALL = 68
"""Seed of a digital trunk with few voxels."""

ORGANS = ("liver", "bladder", "lungs", "kidneys", "bone")
LEAST_DICE = {"liver": 0.8, "bladder": 0.75, "lungs": 0.75, "kidneys": 0.65, "bone": 0.75}


def test_classes_of_the_reference_become_the_tasks_labels() -> None:
    reference = np.array([[[1, 5, 21, 10, 14, 15, 2, 3, 25, 50, 51, 52, 77, 79, 91, 103, 116, 117]]], np.uint8)
    assert organs_of(reference, ORGANS).ravel().tolist() == [0, 1, 2, 3, 3, 0, 4, 4, 5, 5, 0, 0, 5, 0, 5, 5, 5, 0]
    assert organs_of(reference, ("bone", "liver")).max() == 2
    with pytest.raises(KeyError):
        organs_of(reference, ("spleen",))


@pytest.mark.parametrize(
    ("number", "ml", "hu"),
    [
        (0, {"liver": (1000, 1400), "bladder": (400, 550), "kidneys": (300, 360), "bone": (1400, 1800)}, (40, 50)),
        (1, {"liver": (600, 800), "bladder": (0, 0), "kidneys": (0, 0), "bone": (120, 180)}, (85, 100)),
    ],
)
def test_a_scan_and_its_reference_lie_on_each_other(
    shared_data: Callable[[str], Path], number: int, ml: dict[str, tuple[float, float]], hu: tuple[float, float]
) -> None:
    volume, truth = read(SCANS[number], shared_data(FOLDER), ORGANS)
    found = dict(zip(ORGANS, np.bincount(truth.ravel(), minlength=6)[1:] * volume.geometry.voxel_ml, strict=True))
    assert all(low <= found[name] <= high for name, (low, high) in ml.items())
    assert hu[0] < np.median(volume.voxels[truth == 1]) < hu[1]
    assert np.median(volume.voxels[truth == 5]) > 150


def test_plain_rules_find_bone_and_air_inside_the_body() -> None:
    hu = np.full((4, 40, 40), -1000, np.float32)
    hu[:, 5:35, 5:35] = 20
    hu[:, 10:20, 10:20] = -800
    hu[:, 25:30, 25:30] = 600
    assert bone_rule(hu).sum() == 4 * 25
    assert lung_rule(hu).sum() == 4 * 100
    assert not lung_rule(np.full((2, 8, 8), -1000, np.float32)).any()


def test_a_mirrored_volume_keeps_its_grid() -> None:
    hu = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    volume = Volume(hu, Geometry.from_axes((2, 3, 4), (1, 1, 1)), Channel.CT, "HU")
    turned = mirror(volume)
    assert np.array_equal(turned.voxels, hu[:, :, ::-1])
    assert turned.geometry is volume.geometry


def test_without_the_scan_there_are_no_figures(tmp_path: Path) -> None:
    engine = OnnxRuntimeBackend().load(find("organs").task.model_path, Precision.FP32, "CPU")
    try:
        assert on_real(find("organs").task, engine, tmp_path) == {}
    finally:
        engine.close()


def test_the_bundle_is_the_papers_network_on_slices_of_a_trunk() -> None:
    task, described = find("organs").task, describe_named("organs")
    assert described["inputs"] == [{"name": "input", "shape": [1, 1, 1, 144, 144]}]
    assert 480_000 < described["parameters"] < 490_000
    assert (task.region, task.output.labels) == (Region.TRUNK, ORGANS)
    assert sum(file.stat().st_size for file in task.folder.iterdir()) < 3_000_000


def test_the_shipped_network_outlines_a_real_ct(
    shared_data: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure_organs, "SCANS", SCANS[:1])
    data, task = shared_data(FOLDER).parent, find("organs").task
    engine = OnnxRuntimeBackend().load(task.model_path, Precision.FP32, "CPU")
    try:
        figures = on_real(task, engine, data)
    finally:
        engine.close()
    name = SCANS[0].name
    for organ, least in LEAST_DICE.items():
        assert figures[f"{name}: {organ}, Dice"] > least, organ
    liver = figures[f"{name}: liver, Dice"]
    assert figures[f"{name}: liver, Dice with left and right exchanged"] < liver - 0.2


def test_however_a_file_keeps_its_axes_the_outlines_are_the_same() -> None:
    volume = trunk_patient(SMALL).volumes[0]
    voxels, geometry = volume.voxels, volume.geometry
    last = geometry.world_from_index((voxels.shape[2] - 1, voxels.shape[1] - 1, voxels.shape[0] - 1))
    turned = Geometry.from_axes(voxels.shape, geometry.spacing_mm, last, -np.eye(3))
    task = find("organs").task
    engine = OnnxRuntimeBackend().load(task.model_path, Precision.FP32, "CPU")
    try:
        one, other = (
            answer(task, engine, {Channel.CT: Volume(np.ascontiguousarray(v), g, Channel.CT, "HU")}).mask
            for v, g in ((voxels, geometry), (voxels[::-1, ::-1, ::-1], turned))
        )
    finally:
        engine.close()
    assert one is not None
    assert other is not None
    assert {1, 5} <= set(np.unique(one.labels))
    assert np.mean(one.labels != other.labels[::-1, ::-1, ::-1]) < 1e-4
