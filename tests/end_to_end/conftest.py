"""A small head as NIfTI and small bundles, for runs of the whole road in seconds."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from inference.volume import Geometry
from viewer.export import write_nifti

MANIFEST = """
schema = 1
name = "{name}"
title = "Bright and dark"
version = "1.0.0"
kind = "mask"
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
name = "ADC"
normalise = "adc"
[sampling]
kind = "tiles"
spacing_mm = [4.0, 4.0, 4.0]
size = [32, 32, 32]
[output]
labels = ["lesion"]
[test_vector]
file = "vector.npz"
"""


@pytest.fixture(scope="session")
def stroke_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """DWI and ADC (in mm2/s) of an elliptic head with a 14 mm lesion ball on the patient's right."""
    folder = tmp_path_factory.mktemp("stroke")
    grid = Geometry.from_axes((40, 60, 60), (3.0, 3.5, 3.0), (-90.0, -105.0, -60.0))
    k, j, i = np.indices(grid.shape)
    x, y, z = np.moveaxis(grid.world_from_index(np.stack([i, j, k], -1)), -1, 0)
    head = (x / 72) ** 2 + (y / 88) ** 2 + (z / 55) ** 2 < 1
    lesion = (x + 30) ** 2 + y**2 + z**2 < 14**2
    write_nifti(folder / "case_dwi.nii.gz", np.where(lesion, 300, head * 100).astype(np.float32), grid)
    write_nifti(folder / "case_adc.nii.gz", (np.where(lesion, 0.5, head * 0.9) * 1e-3).astype(np.float32), grid)
    return folder


@pytest.fixture
def make_bundle(tmp_path: Path) -> Callable[[str], Path]:
    """A bundle whose network says "lesion" where the DWI is bright: `good`, or broken on purpose: `nan`, `constant`."""

    def make(kind: str) -> Path:
        folder = tmp_path / f"bundle-{kind}"
        folder.mkdir()
        model = _network(kind).SerializeToString()
        (folder / "model.onnx").write_bytes(model)
        digest = hashlib.sha256(model).hexdigest()
        (folder / "manifest.toml").write_text(MANIFEST.format(name=f"bright-{kind}", sha256=digest))
        (folder / "card.md").write_text("# A test")
        given = np.random.default_rng(0).normal(4, 1, (1, 1, 2, 32, 32, 32)).astype(np.float32)
        said = 20 * (given[:, :, :1] - 4)
        np.savez(folder / "vector.npz", input=given, logits=np.concatenate([-said, said], axis=2))
        return folder

    return make


def _network(kind: str) -> onnx.ModelProto:
    """Logits (-w, w) with w = 20 (DWI z-score - 4): a 1x1x1 convolution; broken afterwards on wish."""
    weights = np.array([[-20.0, 0.0], [20.0, 0.0]], np.float32).reshape(2, 2, 1, 1, 1)
    if kind == "constant":
        weights[:] = 0.0
    nodes = [helper.make_node("Conv", ["input", "w", "b"], ["raw"], kernel_shape=[1, 1, 1])]
    last = (
        helper.make_node("Sqrt", ["raw"], ["logits"])
        if kind == "nan"
        else helper.make_node("Identity", ["raw"], ["logits"])
    )
    shape = [1, 2, 32, 32, 32]
    graph = helper.make_graph(
        [*nodes, last],
        "bright",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, shape)],
        [
            onnx.numpy_helper.from_array(weights, "w"),
            onnx.numpy_helper.from_array(np.array([80.0, -80.0], np.float32), "b"),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
