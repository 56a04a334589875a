"""The organ network's figures: whose classes are whose, plain rules, and the exchanged sides that must cost it Dice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engines.library import find
from engines.training.measure_organs import FOLDER, SCANS, bone_rule, lung_rule, mirror, on_real, organs_of, read
from inference.backends.onnxruntime import OnnxRuntimeBackend
from inference.result import Precision
from inference.volume import Channel, Geometry, Volume

ORGANS = ("liver", "bladder", "lungs", "kidneys", "bone")
LEAST_DICE = {"liver": 0.85, "bladder": 0.6, "lungs": 0.7, "kidneys": 0.6, "bone": 0.7}


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


def test_the_shipped_network_outlines_a_real_ct(shared_data: Callable[[str], Path]) -> None:
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
