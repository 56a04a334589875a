"""A bundle of two labels that touch and a channel that the study lacks, from the command line to its files."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import SimpleITK as sitk
from onnx import TensorProto, helper

from viewer.cli import main

MANIFEST = """
schema = 1
name = "layers"
title = "Rim and core"
version = "1.0.0"
kind = "mask"
region = "head"
intended_use = "Tests of the command line."
notice = "Not for diagnostic use"
licence = "Apache-2.0"
[model]
file = "model.onnx"
sha256 = "{sha256}"
input = "input"
outputs = ["logits"]
[[channels]]
name = "DWI"
normalise = "zscore"
[[channels]]
name = "T1C"
normalise = "zscore"
optional = true
[[channels]]
name = "ADC"
normalise = "adc"
optional = true
[sampling]
kind = "tiles"
spacing_mm = [3.5, 3.5, 3.0]
size = [32, 32, 32]
[output]
labels = ["tissue", "bright"]
pieces = "structures"
[test_vector]
file = "vector.npz"
"""


def network() -> bytes:
    """Logits 0, 20 (DWI z-score) and 60 (DWI z-score - 3): tissue with something bright inside it."""
    weights = np.array([[0, 0, 0], [20, 0, 0], [80, 0, 0]], np.float32).reshape(3, 3, 1, 1, 1)
    graph = helper.make_graph(
        [helper.make_node("Conv", ["input", "w", "b"], ["logits"], kernel_shape=[1, 1, 1])],
        "layers",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, 32, 32, 32])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 3, 32, 32, 32])],
        [
            onnx.numpy_helper.from_array(weights, "w"),
            onnx.numpy_helper.from_array(np.array([0, 14, -180], np.float32), "b"),
        ],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(made.SerializeToString())


@pytest.fixture(scope="module")
def layers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("layers")
    model = network()
    (folder / "model.onnx").write_bytes(model)
    (folder / "manifest.toml").write_text(MANIFEST.format(sha256=hashlib.sha256(model).hexdigest()))
    (folder / "card.md").write_text("# A test")
    given = np.zeros((1, 1, 3, 32, 32, 32), np.float32)
    np.savez(folder / "vector.npz", input=given, logits=np.zeros_like(given))
    return folder


def answer(capsys: pytest.CaptureFixture[str], *words: object) -> dict:
    code = main([*(str(w) for w in words), "--json"])
    document = json.loads(capsys.readouterr().out)
    assert code == 0, document
    return document


def test_labels_notes_and_inputs_stand_in_the_report(capsys, stroke_folder, layers, tmp_path):
    found = answer(capsys, "run", stroke_folder, "--out", tmp_path / "o", "--task", layers)
    assert found == json.loads((tmp_path / "o" / "report.json").read_text()) | {"results": found["results"]}
    (result,) = found["results"]
    assert "T1C was not in the study; the network ran without it." in result["notes"]
    assert result["missing"] == ["T1C"]
    assert [one["channel"] for one in result["inputs"]] == ["DWI", "ADC"]
    assert result["inputs"][0]["series_instance_uid"] == result["source_series_instance_uid"]
    assert result["labels"] == {"1": "tissue", "2": "bright"}
    assert result["pieces"] == "structures"
    tissue, bright = result["findings"]
    assert (tissue["label"], bright["label"]) == ("tissue", "bright")
    assert (tissue["side"], bright["side"]) == ("M", "R")
    voxels = sitk.GetArrayFromImage(sitk.ReadImage(result["file"]))
    assert set(np.unique(voxels)) == {0, 1, 2}
    for value, one in ((1, tissue), (2, bright)):
        assert np.count_nonzero(voxels == value) * 3.5 * 3.0 * 3.0 / 1000 == pytest.approx(one["volume_ml"], abs=0.01)
    assert bright["volume_ml"] == pytest.approx(4 / 3 * np.pi * 1.4**3, rel=0.25)


def test_two_precisions_are_compared_label_by_label(capsys, stroke_folder, layers):
    found = answer(capsys, "compare", stroke_folder, "--task", layers, "--precisions", "fp32,fp16")
    assert [one["label"] for one in found["labels"]] == ["tissue", "bright"]
    assert all(one["dice"] > 0.99 for one in found["labels"])
    assert sum(one["volume_ml_a"] for one in found["labels"]) == pytest.approx(found["volume_ml_a"])


def test_inspect_says_which_series_feeds_which_channel(capsys, stroke_folder, layers, monkeypatch, tmp_path):
    (tmp_path / "layers").symlink_to(layers)
    monkeypatch.setenv("INSULA_MODELS", str(tmp_path))
    tasks = {one["task"]: one for one in answer(capsys, "inspect", stroke_folder)["tasks"]}
    fed = tasks["layers"]
    assert fed["allowed"]
    assert [(one["channel"], one["description"]) for one in fed["inputs"]] == [("DWI", "case_dwi"), ("ADC", "case_adc")]
    assert fed["missing"] == [{"channel": "T1C", "reason": "The study has no T1C series."}]
    assert not tasks["ct-to-mri"]["allowed"]
    assert tasks["ct-to-mri"]["reason"] == "The study has no CT series."
    assert main(["inspect", str(stroke_folder)]) == 0
    assert "T1C     missing: The study has no T1C series." in capsys.readouterr().out
