"""From a model made elsewhere to boxes and masks: `engines import`, then `run`, as a user types them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from inference.volume import Geometry
from viewer.cli import main
from viewer.export import write_nifti

GRID = Geometry.from_axes((6, 96, 120), (0.9, 0.9, 5.0), (55.0, 30.0, 12.0), np.diag([-1, -1, 1]))
SQUARE = slice(2, 4), slice(20, 41), slice(70, 95)
SIDE = 128


def ask(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, dict]:
    code = main([str(w) for w in words] + ["--json"])
    return code, json.loads(capsys.readouterr().out)


def finder(file: Path) -> Path:
    """A detector that answers [1, 300, 6]: corners of what is brighter than half, from its rows' and columns' ends."""
    ramp = np.arange(SIDE, dtype=np.float32)
    stored = {
        "zero": np.array([0]), "one": np.array([1]), "flat": np.array([1, 1, SIDE]), "half": np.float32(0.5),
        "up": ramp + 1, "down": SIDE - ramp, "side": np.float32(SIDE), "kind": np.zeros((1, 1, 1), np.float32),
        "rest": np.array([0, 0, 0, 0, 299, 0]), "none": np.float32(0),
    }  # fmt: skip
    nodes = [
        helper.make_node("Slice", ["images", "zero", "one", "one"], ["grey"]),
        helper.make_node("Greater", ["grey", "half"], ["lit"]),
        helper.make_node("Cast", ["lit"], ["bright"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMax", ["bright"], ["any"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Reshape", ["any", "cube"], ["score"]),
    ]
    stored["cube"] = np.array([1, 1, 1])
    for name, axis in (("x", 2), ("y", 3)):
        nodes += [
            helper.make_node("ReduceMax", ["bright"], [f"{name}line4"], axes=[axis], keepdims=1),
            helper.make_node("Reshape", [f"{name}line4", "flat"], [f"{name}line"]),
            helper.make_node("Mul", [f"{name}line", "up"], [f"{name}up"]),
            helper.make_node("ReduceMax", [f"{name}up"], [f"{name}1"], axes=[2], keepdims=1),
            helper.make_node("Mul", [f"{name}line", "down"], [f"{name}down"]),
            helper.make_node("ReduceMax", [f"{name}down"], [f"{name}away"], axes=[2], keepdims=1),
            helper.make_node("Sub", ["side", f"{name}away"], [f"{name}0"]),
        ]
    nodes += [
        helper.make_node("Concat", ["x0", "y0", "x1", "y1", "score", "kind"], ["row"], axis=2),
        helper.make_node("Pad", ["row", "rest", "none"], ["output0"]),
    ]
    values = [numpy_helper.from_array(v.astype(np.int64) if v.dtype.kind == "i" else v, n) for n, v in stored.items()]
    inputs = [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, SIDE, SIDE])]
    outputs = [helper.make_tensor_value_info("output0", TensorProto.FLOAT, [1, 300, 6])]
    graph = helper.make_graph(nodes, "finder", inputs, outputs, values)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    helper.set_model_props(model, {"names": "{0: 'square'}"})
    onnx.save(model, file)
    return file


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_models_are_imported_and_find_what_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A detector and a MONAI bundle, each through its own process with walls; then both in one run."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "engines" / "importers"))
    import monai_bundles

    file = finder(tmp_path / "finder.onnx")
    code, said = ask(capsys, "engines", "import", file, "-o", tmp_path / "boxes", "--window=-200,200")
    assert (code, said["kind"], said["bundle"]) == (0, "detector", str(tmp_path / "boxes"))
    assert any("end-to-end" in one for one in said["found"])
    assert any("CT" in one for one in said["assumed"])
    monai_bundles.write(tmp_path / "bright", script=monai_bundles.Bright())
    code, said = ask(capsys, "engines", "import", tmp_path / "bright", "-o", tmp_path / "mask")
    assert (code, said["kind"]) == (0, "monai")
    voxels = np.full(GRID.shape, -1000.0, np.float32)
    voxels[SQUARE] = 1108.0
    (tmp_path / "study").mkdir()
    write_nifti(tmp_path / "study" / "case_ct.nii.gz", voxels, GRID)
    monkeypatch.chdir(tmp_path)  # folders of tasks may be named from here, though engines run elsewhere
    tasks = ("--task", "boxes", "--task", "mask")
    code, said = ask(capsys, "run", tmp_path / "study", "--out", tmp_path / "out", *tasks)
    assert code == 0
    found = {result["kind"]: result["findings"] for result in said["results"]}
    (box,), (blob,) = found["boxes"], found["mask"]
    corners = GRID.world_from_index([[70 - 0.5, 20 - 0.5, 1.5], [95 - 0.5, 41 - 0.5, 3.5]])
    assert np.abs(np.array(box["box_lps_mm"]) - np.sort(corners, axis=0)).max() <= 0.45
    assert (box["label"], blob["label"]) == ("square", "blob")
    (centre,) = GRID.world_from_index([[82.0, 30.0, 2.5]])
    assert np.abs(np.array(blob["centroid_lps_mm"]) - centre).max() < 0.8
    assert blob["volume_ml"] == pytest.approx(2 * 21 * 25 * GRID.voxel_ml, rel=0.35)


def test_what_is_no_model_is_refused_in_one_sentence(tmp_path: Path, capsys) -> None:
    (tmp_path / "model.onnx").write_bytes(b"nothing")
    code, said = ask(capsys, "engines", "import", tmp_path / "model.onnx", "-o", tmp_path / "b", "--window=0,80")
    assert code == 3
    assert "no ONNX file" in said["error"]["message"]
    assert not (tmp_path / "b").exists()
    code, said = ask(capsys, "engines", "import", tmp_path, "-o", tmp_path / "b")
    assert (code, said["error"]["code"]) == (3, "input_refused")
    assert "MONAI" in said["error"]["hint"]
    code, said = ask(capsys, "engines", "import", tmp_path / "model.onnx", "-o", tmp_path / "b", "--window", "dark")
    assert code == 2
