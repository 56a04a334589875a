"""The whole ladder of an imported nnU-Net, its PyTorch network in front: export and runtime lose nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engines.importers.nnunet_recipe import Recipe
from engines.importers.pytorch_step import NnUnetStep
from engines.library import find
from inference.errors import InputRefused
from viewer.cli import main

RECIPE = Recipe(
    ("DWI", "ADC"), {"lesion": 1}, (16, 16, 16), (2.0, 2.0, 2.0), (6, 12), ("ZScoreNormalization",) * 2, (True, True)
)


def test_pytorch_stands_first_and_the_graph_says_the_same(make, tmp_path: Path, capsys) -> None:  # type: ignore[no-untyped-def]
    made = make(RECIPE, tmp_path, folds=("0", "1"))
    words = ["engines", "verify", str(made.bundle.folder), "--heads", "0", "--pytorch", str(made.folder), "--json"]
    main(words)
    found = json.loads(capsys.readouterr().out)
    rows = {row["step"]: row for row in found["checks"]}
    assert next(iter(rows)) == "pytorch fp32"
    assert rows["pytorch fp32"]["backend"] == "pytorch"
    assert rows["pytorch fp32"]["gates"] == []
    assert len(rows["pytorch fp32"]["readings"]) == len(found["bundles"][0]["cases"])
    assert rows["onnxruntime as written"]["max_rel"] < 1e-4
    assert rows["onnxruntime as written"]["passed"]
    with pytest.raises(InputRefused, match="not the folder"):
        NnUnetStep(tmp_path, made.bundle.task).run({})


def test_a_task_of_another_kind_has_no_such_step(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="not made by nnU-Net"):
        NnUnetStep(tmp_path, find("stroke-lesion").task)
