"""Masks against the real nnU-Net: models made by its own code, images labelled by its own predictor.

nnU-Net adds logits up in half precision even on a CPU. Ours are summed in float32, so two comparisons are made: with
nnU-Net's sums raised to float32, where the masks must be equal, and with nnU-Net exactly as it is installed, where
rounding decides voxels whose logits tie - many with random weights, hardly any after training.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from engines.derive import graph_of
from engines.importers import nnunet_reference as reference
from engines.importers.nnunet_recipe import Recipe
from inference.backends.openvino import OpenVinoBackend
from inference.nnunet.plan import Spacing, read_plan
from inference.nnunet.predict import Network, predict
from inference.result import Precision

pytestmark = pytest.mark.filterwarnings("ignore")

ZSCORE, CT = "ZScoreNormalization", "CTNormalization"
NONE, RESCALE = "NoNormalization", "RescaleTo01Normalization"


@contextmanager
def float32_sums() -> Iterator[None]:
    """Inside this block nnU-Net adds logits up in float32."""
    half = torch.half
    torch.half = torch.float32
    try:
        yield
    finally:
        torch.half = half


@dataclass(frozen=True)
class Setting:
    """A model, how long it is trained, and the images it labels: (shape, mm along k, j, i)."""

    recipe: Recipe
    steps: int
    images: tuple[tuple[tuple[int, int, int], Spacing], ...]
    folds: tuple[str, ...] = ("0",)


SETTINGS = {
    "two channels, anisotropic, trained": Setting(
        Recipe(("DWI", "ADC"), {"lesion": 1}, (12, 12, 12), (1.5, 1.5, 1.5), (6, 12), (ZSCORE,) * 2, (True, True)),
        60,
        (((12, 30, 26), (5.0, 1.2, 1.3)), ((22, 20, 18), (1.7, 1.5, 2.1))),
    ),
    "four channels, regions, trained": Setting(
        Recipe(
            ("T1", "T1C", "T2", "FLAIR"),
            {"whole": (1, 2, 3), "core": (2, 3), "enhancing": 3},
            (12, 12, 12),
            (2.0, 1.0, 1.0),
            (6, 12),
            (ZSCORE,) * 4,
            (True,) * 4,
            regions_class_order=(1, 2, 3),
            mirroring=(0, 2),
        ),
        60,
        (((14, 24, 26), (2.0, 1.0, 1.0)), ((20, 22, 18), (1.1, 1.4, 1.0))),
    ),
    "CT, turned axes, coarse axis, random": Setting(
        Recipe(
            ("CT",), {"a": 1, "b": 2}, (6, 24, 24), (5.0, 1.0, 1.0), (6, 12), (CT,), (False,),
            strides=((1, 1, 1), (1, 2, 2)), transpose=(1, 0, 2),
        ),
        0,
        (((40, 10, 44), (1.1, 6.0, 0.9)), ((30, 12, 26), (1.0, 5.0, 1.0))),
    ),
    "three channels, two folds, random": Setting(
        Recipe(("DWI", "ADC", "T1"), {"a": 1, "b": 2, "c": 3}, (12, 12, 12), (2.0, 2.0, 2.0), (6, 12),
               (NONE, RESCALE, ZSCORE), (False, False, False)),
        0,
        (((16, 22, 20), (2.4, 1.8, 1.9)), ((11, 12, 13), (2.0, 2.0, 2.0))),
        ("0", "1"),
    ),
    "slices, trained": Setting(
        Recipe(("T2",), {"lesion": 1}, (24, 20), (1.0, 1.0), (6, 12), (ZSCORE,), (False,), mirroring=(0, 1),
               configuration="2d"),
        60,
        (((6, 40, 30), (4.0, 0.9, 1.2)), ((5, 28, 20), (3.0, 1.0, 1.0))),
    ),
}  # fmt: skip


@pytest.fixture(scope="module", params=SETTINGS)
def setting(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, make) -> tuple[Setting, Any]:
    chosen = SETTINGS[request.param]
    return chosen, make(chosen.recipe, tmp_path_factory.mktemp("model"), chosen.steps, chosen.folds)


@pytest.mark.parametrize("mirror", [False, True])
def test_masks_are_nnunets(setting: tuple[Setting, Any], mirror: bool, picture) -> None:
    chosen, made = setting
    plan = replace(read_plan(made.bundle.task.plan_path), mirror=mirror)
    theirs = reference.predictor(made.folder, made.folds, mirror)
    exact: list[NDArray[np.bool_]] = []
    installed: list[NDArray[np.bool_]] = []
    graph = graph_of(made.bundle, Precision.FP32, "openvino")
    with closing(OpenVinoBackend().load(graph, Precision.FP32, "CPU")) as engine:
        network = Network(lambda tile: engine.infer({"input": tile})["logits"])
        for seed, (shape, spacing) in enumerate(chosen.images):
            image, _ = picture(shape, len(chosen.recipe.channels), seed)
            ours = predict(image, spacing, plan, network).labels
            assert 0 < np.mean(ours > 0) < 1
            installed.append((ours == reference.predict(theirs, image, spacing)).ravel())
            with float32_sums():
                exact.append((ours == reference.predict(theirs, image, spacing)).ravel())
    assert np.mean(np.concatenate(exact)) >= 0.9999
    assert np.mean(np.concatenate(installed)) >= (0.9999 if chosen.steps else 0.998)
