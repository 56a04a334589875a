"""A bundle is whole and says what the network says, or it is not there."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from engines.architectures.detector import GridDetector
from engines.architectures.pix2pix import Generator
from engines.architectures.unet3d import UNet3d
from engines.training.export import answers, export_bundle, to_onnx
from engines.training.recipe import read_recipe
from inference.errors import EngineError, ManifestInvalid
from inference.task import read_task


def _example(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.5, shape).astype(np.float32)


def _detector() -> GridDetector:
    torch.manual_seed(0)
    return GridDetector(5, (4, 4, 8, 8, 8), 8)


def test_a_bundle_reads_back_and_its_vector_is_the_models_answer(tmp_path: Path) -> None:
    manifest = read_recipe("hemorrhage-detection").manifest
    folder = export_bundle(_detector(), manifest, _example(1, 1, 320, 320), "# card", tmp_path / "b")
    task = read_task(folder)
    assert sorted(f.name for f in folder.iterdir()) == ["card.md", "manifest.toml", "model.onnx", "test_vector.npz"]
    with np.load(task.vector_path) as stored:
        found = answers(task.model_path, stored["input"])
        for name in task.model.outputs:
            np.testing.assert_allclose(stored[name], found[name], atol=2.0**-11)
    assert [f.name for f in tmp_path.iterdir()] == ["b"]


def test_a_failed_export_leaves_the_older_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = dict(read_recipe("hemorrhage-detection").manifest)
    folder = export_bundle(_detector(), manifest, _example(1, 1, 320, 320), "# first", tmp_path / "b")
    with pytest.raises(ManifestInvalid):
        export_bundle(_detector(), {**manifest, "kind": "song"}, _example(1, 1, 320, 320), "# second", folder)
    assert (folder / "card.md").read_text() == "# first"
    assert [f.name for f in tmp_path.iterdir()] == ["b"]


def test_a_model_that_answers_otherwise_is_not_shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def shifted(file: Path, example: np.ndarray) -> dict[str, np.ndarray]:
        return {name: value + 0.01 for name, value in answers(file, example).items()}

    monkeypatch.setattr("engines.training.export.answers", shifted)
    manifest = read_recipe("hemorrhage-detection").manifest
    with pytest.raises(EngineError, match="differs"):
        export_bundle(_detector(), manifest, _example(1, 1, 320, 320), "# card", tmp_path / "b")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("network", "shape", "names", "ops"),
    [
        (lambda: Generator(width=4), (1, 1, 256, 256), ["output"], {"Conv", "ConvTranspose", "Slice", "LeakyRelu"}),
        (lambda: UNet3d(2, 2, (4, 8, 8)), (1, 2, 16, 16, 16), ["logits"], {"Conv", "InstanceNormalization"}),
        (_detector, (1, 1, 64, 64), ["p8", "p16", "p32"], {"Conv", "MaxPool", "Resize", "Concat"}),
    ],
)
def test_graphs_are_static_and_made_of_plain_operations(tmp_path, network, shape, names, ops) -> None:  # type: ignore[no-untyped-def]
    torch.manual_seed(0)
    made = network().eval()
    to_onnx(made, _example(*shape), ("input", names), tmp_path / "m.onnx")
    graph = onnx.load(tmp_path / "m.onnx").graph
    found = {node.op_type for node in graph.node}
    assert ops <= found
    assert not found & {"Shape", "Gather", "Reshape", "Pad", "Loop", "If"}
    dims = [d for value in [*graph.input, *graph.output] for d in value.type.tensor_type.shape.dim]
    assert all(d.HasField("dim_value") for d in dims)
    with torch.no_grad():
        said = made(torch.from_numpy(_example(*shape)))
    first = said[0] if isinstance(said, tuple) else said
    np.testing.assert_allclose(answers(tmp_path / "m.onnx", _example(*shape))[names[0]], first.numpy(), atol=1e-4)
