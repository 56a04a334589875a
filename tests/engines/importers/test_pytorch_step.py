"""The whole ladder of an imported nnU-Net, its PyTorch network in front: export and runtime lose nothing."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch

from engines.importers import pytorch_door, pytorch_step
from engines.importers.nnunet_recipe import Recipe
from engines.importers.pytorch_step import NnUnetStep
from engines.library import find
from inference.errors import EngineError, InputRefused
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


def test_a_task_of_another_kind_has_no_such_step(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="not made by nnU-Net"):
        NnUnetStep(tmp_path, find("stroke-lesion").task)


class Harm:
    """Makes a file when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.file,)


@pytest.fixture
def harmful(make, tmp_path: Path):  # type: ignore[no-untyped-def]
    """An imported model whose checkpoint afterwards got something to run, and the file that it would make."""
    made = make(RECIPE, tmp_path)
    file = made.folder / "fold_0" / "checkpoint_final.pth"
    checkpoint = torch.load(file, weights_only=False)
    torch.save({**checkpoint, "logging": Harm(tmp_path / "harm")}, file)
    return made, tmp_path / "harm"


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Open the model in this process: the same code without the seconds of a new one, and without its walls."""

    def talk(_door: str, given: str) -> None:
        try:
            pytorch_door.opened(pytorch_door.Order(**json.loads(given)))
        except ValueError as error:
            raise EngineError(f"pytorch_door failed: {error}.", "") from error

    monkeypatch.setattr(pytorch_step, "Talk", talk)


def test_another_folder_is_refused(make, tmp_path: Path, here: None) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputRefused, match="not the folder"):
        NnUnetStep(tmp_path, make(RECIPE, tmp_path / "in").bundle.task).run({})


def test_code_in_a_checkpoint_is_not_run(harmful, here: None) -> None:  # type: ignore[no-untyped-def]
    made, harm = harmful
    step = NnUnetStep(made.folder, made.bundle.task)
    with pytest.raises(InputRefused, match="more than weights and plain data") as refused:
        step.run({})
    assert "--trust" in refused.value.hint
    assert not harm.exists()


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="walls are Linux's")
def test_trusted_code_has_nowhere_to_go(harmful) -> None:  # type: ignore[no-untyped-def]
    """It runs in the real process, and fails at the wall; so nothing is answered either."""
    made, harm = harmful
    with pytest.raises(InputRefused):
        NnUnetStep(made.folder, made.bundle.task, trust=True).run({})
    assert not harm.exists()


def test_without_walls_the_same_code_would_run(harmful) -> None:  # type: ignore[no-untyped-def]
    """The two tests above see harm that is there."""
    made, harm = harmful
    pytorch_door.opened(pytorch_door.Order(str(made.folder), ("0",), trust=True))
    assert harm.exists()


@pytest.mark.parametrize("key", ["network_class_name", "norm_op"])
def test_a_class_from_elsewhere_is_not_made(make, tmp_path: Path, key: str) -> None:  # type: ignore[no-untyped-def]
    made = make(RECIPE, tmp_path)
    plans = json.loads((made.folder / "plans.json").read_text(encoding="utf-8"))
    (network,) = (c["architecture"] for c in plans["configurations"].values() if "architecture" in c)
    (network if key in network else network["arch_kwargs"])[key] = "subprocess.Popen"
    (made.folder / "plans.json").write_text(json.dumps(plans), encoding="utf-8")
    with pytest.raises(ValueError, match=r"subprocess\.Popen, which is not one of nnU-Net's"):
        pytorch_door.opened(pytorch_door.Order(str(made.folder), ("0",), trust=True))
