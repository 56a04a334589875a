"""Boxes against YOLOX itself: its network and head, exported as its own tool does, read by its own demo.

YOLOX is no dependency of the project; these run where it is installed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engines.importers.sources import import_any
from engines.importers.wish import Wish
from engines.library import find
from inference.backends.onnxruntime import OnnxRuntimeBackend
from inference.result import Precision
from inference.steps import heads
from inference.steps.letterbox import Letterbox, Place, fit

pytestmark = pytest.mark.filterwarnings("ignore")
SIDE, STRIDES = 128, (8, 16, 32)


@pytest.fixture(scope="module")
def theirs() -> Any:
    return pytest.importorskip("yolox.models", reason="YOLOX is not installed", exc_type=ImportError)


@pytest.fixture
def exported(theirs: Any, tmp_path: Path) -> Path:
    """YOLOX-nano of random weights, as tools/export_onnx.py writes it: not decoded, its own SiLU."""
    from yolox.models.network_blocks import SiLU
    from yolox.utils import replace_module

    torch.manual_seed(0)
    parts = {"in_channels": [256, 512, 1024], "depthwise": True}
    model = theirs.YOLOX(theirs.YOLOPAFPN(0.33, 0.25, **parts), theirs.YOLOXHead(2, 0.25, **parts)).eval()
    model = replace_module(model, torch.nn.SiLU, SiLU)
    model.head.decode_in_inference = False
    file = tmp_path / "nano.onnx"
    torch.onnx.export(model, (torch.randn(1, 3, SIDE, SIDE),), str(file), input_names=["images"],
                      output_names=["output"], opset_version=17, dynamo=False)  # fmt: skip
    return file


def test_boxes_and_pictures_are_yoloxs(exported: Path, tmp_path: Path, door_here: None) -> None:
    from yolox.data.data_augment import preproc
    from yolox.utils.demo_utils import demo_postprocess

    made = import_any(exported, tmp_path / "bundle", Wish(window=(0, 255)))
    assert "style yolox" in made.found[0]
    assert "pixels already" not in " ".join(made.assumed)
    task = find(str(made.folder)).task
    engine = OnnxRuntimeBackend().load(task.model_path, Precision.FP32, "CPU")
    rng = np.random.default_rng(0)
    for shape in [(90, 120), (200, 131), (128, 128), (77, 300)]:
        grey = rng.integers(0, 256, shape).astype(np.uint8)
        picture, _ = preproc(np.repeat(grey[..., None], 3, axis=2), (SIDE, SIDE))
        rows, columns = fit(shape, (SIDE, SIDE), Place.CORNER)
        assert np.abs(Letterbox(rows, columns, (0,)).pick(grey.astype(np.float32)) - picture[0]).max() <= 1
        raw = engine.infer({task.model.input: picture[None]})[task.model.outputs[0]]
        ours = heads.detections(task.output.head, [raw], (SIDE, SIDE), task.output.strides)
        wanted = demo_postprocess(raw.astype(np.float64), (SIDE, SIDE))[0]
        corners = np.concatenate([wanted[:, :2] - wanted[:, 2:4] / 2, wanted[:, :2] + wanted[:, 2:4] / 2], axis=1)
        assert ours.boxes == pytest.approx(corners, abs=1e-3)
        assert ours.scores == pytest.approx((wanted[:, 4:5] * wanted[:, 5:]).max(axis=1), abs=1e-6)
    engine.close()
