"""Calibration pictures: as the road makes them, with the class that the network sees, chosen evenly or balanced."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
import SimpleITK as sitk
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from engines.quantize.choose import choose
from engines.quantize.pictures import AIR_HU, Picture, image_volume, of_volumes
from inference.backends.onnxruntime import OnnxRuntimeBackend
from inference.errors import InputRefused
from inference.result import Precision
from inference.steps import normalise
from inference.steps.slices import slice_grid
from inference.task import Task, read_task
from inference.volume import Channel, Geometry, Volume
from viewer.cli import main
from viewer.study_pictures import study_pictures

MANIFEST = """
schema = 1
name = "small-slices"
title = "Small slices"
version = "0.1.0"
kind = "boxes"
intended_use = "Tests."
notice = "Demonstration model, not for diagnostic use"
licence = "Apache-2.0"
[model]
file = "model.onnx"
sha256 = "{digest}"
input = "input"
outputs = ["maps"]
[[channels]]
name = "CT"
normalise = "window"
low = 0.0
high = 80.0
[sampling]
kind = "slices"
spacing_mm = [4.0, 4.0]
size = [64, 64]
[output]
labels = ["dim", "bright"]
strides = [8]
score = 0.4
[test_vector]
file = "vector.npz"
"""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Task:
    """A detector whose class is the brightness of what it looks at."""
    folder = tmp_path_factory.mktemp("small-slices")
    weight = np.zeros((7, 1, 8, 8), np.float32)
    weight[4:] = np.array([1.0, -1.0, 1.0])[:, None, None, None] * np.array(1 / 4.0)
    bias = np.array([0, 0, 1, 1, 12.0, 0, 0], np.float32)
    node = helper.make_node("Conv", ["input", "w", "b"], ["maps"], strides=[8, 8])
    graph = helper.make_graph(
        [node],
        "eye",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, (1, 1, 64, 64))],
        [helper.make_tensor_value_info("maps", TensorProto.FLOAT, (1, 7, 8, 8))],
        [numpy_helper.from_array(weight, "w"), numpy_helper.from_array(bias, "b")],
    )
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), folder / "model.onnx"
    )
    (folder / "manifest.toml").write_text(MANIFEST.format(digest="0" * 64))
    return read_task(folder)


def head(level: float) -> Volume:
    """An ellipse of one grey value in air, 3 slices of 4 mm pixels."""
    j, i = np.mgrid[:64, :64] - 31.5
    inside = (j / 24) ** 2 + (i / 19) ** 2 < 1
    voxels = np.where(inside, level, -1000.0).astype(np.float32)
    return Volume(np.stack([voxels] * 3), Geometry.from_axes((3, 64, 64), (4.0, 4.0, 5.0)), Channel.CT, unit="HU")


def recorded(task: Task, volume: Volume) -> list[Picture]:
    engine = OnnxRuntimeBackend(1).load(task.model_path, Precision.FP32, "CPU")
    return of_volumes(task, {Channel.CT: volume}, engine, "study")


def test_pictures_are_what_the_task_shows_its_network(bundle: Task) -> None:
    volume = head(70.0)
    pictures = recorded(bundle, volume)
    grid = slice_grid(volume, (64, 64), (4.0, 4.0))
    assert len(pictures) == 3
    for picture, k in zip(pictures, grid.slices, strict=True):
        expected = normalise.window(grid.pick(volume.voxels, k, 0.0), 0.0, 80.0)
        np.testing.assert_array_equal(picture.feed["input"][0, 0], expected)


def test_the_class_is_what_the_network_itself_sees(bundle: Task) -> None:
    assert {picture.label for picture in recorded(bundle, head(75.0))} == {"bright"}
    assert {picture.source for picture in recorded(bundle, head(75.0))} == {"study"}


def test_what_the_task_refuses_gives_no_picture(bundle: Task) -> None:
    with pytest.raises(InputRefused, match="no air"):
        recorded(bundle, Volume(np.zeros((3, 64, 64), np.float32), head(1.0).geometry, Channel.CT))


def test_a_grey_picture_becomes_a_slice_in_the_tasks_window(bundle: Task, tmp_path: Path) -> None:
    grey = np.zeros((128, 128), np.uint8)
    grey[16:112, 26:102] = 128
    Image.fromarray(grey).save(tmp_path / "slice.png")
    volume = image_volume(tmp_path / "slice.png", bundle)
    assert volume.geometry.spacing_mm[:2] == (2.0, 2.0)
    assert volume.voxels[0, 0, 0] == AIR_HU
    assert volume.voxels[0, 64, 64] == pytest.approx(80.0 * 128 / 255, rel=1e-5)
    (picture,) = recorded(bundle, volume)
    assert picture.feed["input"][0, 0, 32, 32] == pytest.approx(2 * 128 / 255 - 1, abs=1e-5)
    (tmp_path / "broken.png").write_bytes(b"nothing")
    with pytest.raises(InputRefused, match="not a readable picture"):
        image_volume(tmp_path / "broken.png", bundle)


def labelled(labels: Sequence[str]) -> list[Picture]:
    return [Picture({}, label, str(n)) for n, label in enumerate(labels)]


@given(st.lists(st.sampled_from("abc"), min_size=2, max_size=60), st.integers(2, 40))
def test_a_balanced_choice_is_as_even_as_the_pool_allows(labels: list[str], count: int) -> None:
    pool = labelled(labels)
    if len(set(labels)) < 2:
        with pytest.raises(InputRefused, match="one class"):
            choose(pool, count, balanced=True, hold=False)
        return
    chosen = choose(pool, count, balanced=True, hold=False)
    room, share = Counter(labels), chosen.classes
    assert sum(share.values()) == min(count, len(pool))
    open_classes = [share.get(label, 0) for label in room if share.get(label, 0) < room[label]]
    if open_classes:
        assert max(share.values()) - min(open_classes) <= 1


@given(st.integers(1, 300), st.integers(1, 100))
def test_a_plain_choice_is_spread_and_keeps_its_order(size: int, count: int) -> None:
    chosen = choose(labelled(["a"] * size), count, hold=False).calibrate
    places = [int(picture.source) for picture in chosen]
    assert len(places) == min(size, count)
    assert places == sorted(set(places))
    assert max(np.diff(places), default=1) <= -(-size // count) + 1


def test_held_back_pictures_never_calibrate() -> None:
    chosen = choose(labelled(["a"] * 50), 40)
    assert len(chosen.held) == 8
    assert not {p.source for p in chosen.held} & {p.source for p in chosen.calibrate}
    with pytest.raises(InputRefused, match="none to measure with"):
        choose(labelled(["a"]), 40)
    with pytest.raises(InputRefused, match="gave no picture"):
        choose([], 40)


def test_the_command_reads_studies_and_balances_by_folder(
    bundle: Task, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for label, grey in (("dim", 60), ("bright", 250)):
        for n in range(3):
            picture = np.zeros((64, 64), np.uint8)
            picture[8:56, 13:51] = grey - n
            (tmp_path / "data" / label).mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture).save(tmp_path / "data" / label / f"{n}.png")
    words = ["engines", "quantize", str(bundle.model_path), "-o", str(tmp_path / "int8.onnx"), "--json"]
    words += ["--calibration", str(tmp_path / "data"), "--task", str(bundle.folder)]
    assert main([*words, "--balanced", "--count", "4"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["classes"] == {"bright": 2, "dim": 2}
    assert made["int8_layers"] == 1
    assert Path(made["file"]).is_file()
    # One folder alone names no classes: what the network sees does.
    words[words.index("--calibration") + 1] = str(tmp_path / "data" / "bright")
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out)["classes"] == {"bright": 3}
    (tmp_path / "data" / "bright").rename(tmp_path / "data" / "images")
    words[words.index("--calibration") + 1] = str(tmp_path / "data" / "images")
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out)["classes"] == {"bright": 3}


def test_the_command_reads_studies_and_leaves_out_what_the_task_refuses(
    bundle: Task, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["engines", "quantize", str(bundle.model_path), "-o", str(tmp_path / "int8.onnx"), "--json"]
    words += ["--calibration", str(tmp_path / "studies"), "--task", str(bundle.folder)]
    for name, volume in (("a", head(30.0)), ("b", head(70.0)), ("c", head(70.0))):
        image = sitk.GetImageFromArray(volume.voxels if name != "c" else volume.voxels * 0 + 7)
        image.SetSpacing(volume.geometry.spacing_mm)
        (tmp_path / "studies" / name).mkdir(parents=True)
        sitk.WriteImage(image, str(tmp_path / "studies" / name / "head_CT.nii.gz"))
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out)["calibrated"] == 6
    (tmp_path / "studies" / "a" / "head_CT.nii.gz").unlink()
    (tmp_path / "studies" / "b" / "head_CT.nii.gz").unlink()
    assert main(words) == 3
    assert "takes" in json.loads(capsys.readouterr().out)["error"]["message"]


def test_the_command_takes_npz_and_refuses_in_one_sentence(
    bundle: Task, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "inputs.npz", input=rng.standard_normal((9, 1, 1, 64, 64), np.float32))
    words = ["engines", "quantize", str(bundle.model_path), "-o", str(tmp_path / "int8.onnx")]
    assert main([*words, "--calibration", str(tmp_path / "inputs.npz"), "--budget", "5"]) == 0
    shown = capsys.readouterr().out
    assert "calibrated with 7 pictures" in shown
    assert "fewer than 100" in shown
    assert "points lost on 2 held-back pictures" in shown
    (tmp_path / "empty").mkdir()
    for wrong, code in (
        (["--calibration", str(tmp_path / "empty")], 2),
        (["--calibration", "x", "--target", "y"], 2),
        ([], 2),
    ):
        assert main([*words, *wrong]) == code
        assert capsys.readouterr().err.count("\n") == 1
    assert main([*words, "--calibration", str(tmp_path / "empty"), "--task", str(bundle.folder)]) == 3
    assert main([*words, "--heads", "2"]) == 2


def test_a_folder_with_a_patients_name_leaves_no_trace(
    bundle: Task, tmp_path: Path, canary: str, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = np.zeros((64, 64), np.uint8)
    picture[8:56, 13:51] = 200
    (tmp_path / canary).mkdir()
    Image.fromarray(picture).save(tmp_path / canary / f"{canary}.png")
    engine = OnnxRuntimeBackend(1).load(bundle.model_path, Precision.FP32, "CPU")
    found = study_pictures(tmp_path / canary, bundle, engine, None, lambda _: None, lambda: False)
    assert [one.source for one in found] == ["study 1"]
    assert canary not in capsys.readouterr().err
