from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from inference import sidecar
from inference.errors import ManifestInvalid
from inference.nnunet.plan import Function, LabelPlan, Plan, Resampling, faults, read_plan


def test_a_written_plan_is_read_as_it_was(plan: Plan, tmp_path: Path) -> None:
    rules = replace(plan.resampling_data, force_separate_z=True, separate_z_anisotropy_threshold=2.5)
    rich = replace(
        plan,
        transpose_forward=(1, 2, 0),
        transpose_backward=(2, 0, 1),
        resampling_data=rules,
        labels=(LabelPlan("whole", (1, 2)), LabelPlan("core", (2,))),
        regions_class_order=(1, 2),
    )
    (tmp_path / "nnunet.json").write_text(sidecar.text(rich))
    assert read_plan(tmp_path / "nnunet.json") == rich


def test_unknown_missing_and_wrong_fields_are_named(plan: Plan, tmp_path: Path) -> None:
    file, table = tmp_path / "nnunet.json", json.loads(sidecar.text(plan))
    file.write_text(json.dumps({**table, "colour": "red"}))
    with pytest.raises(ManifestInvalid, match="unknown: colour"):
        read_plan(file)
    file.write_text(json.dumps({key: value for key, value in table.items() if key != "patch_size"}))
    with pytest.raises(ManifestInvalid, match="missing: patch_size"):
        read_plan(file)
    table["resampling_data"]["function"] = "resample_torch_fornnunet"
    file.write_text(json.dumps(table))
    with pytest.raises(ManifestInvalid, match="resampling_data: function has a wrong value"):
        read_plan(file)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"schema": 2}'])
def test_a_broken_file_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "nnunet.json").write_text(text)
    with pytest.raises(ManifestInvalid):
        read_plan(tmp_path / "nnunet.json")


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"transpose_backward": (1, 0, 2)}, "transpose_backward"),
        ({"spacing": (1.0, 1.0)}, "spacing"),
        ({"patch_size": (8,)}, "patch_size"),
        ({"channels": ()}, "channels"),
        ({"labels": ()}, "labels"),
        ({"regions_class_order": (1, 2)}, "regions_class_order"),
        ({"regions_class_order": (300,)}, "255"),
        ({"allowed_mirroring_axes": (3,)}, "mirroring"),
        ({"tile_step_size": 1.5}, "tile_step_size"),
        ({"resampling_probabilities": Resampling(Function.DEFAULT, order=6)}, "spline"),
    ],
)
def test_rules_between_fields(plan: Plan, change: dict, word: str) -> None:
    assert any(word in fault for fault in faults(replace(plan, **change)))
    assert faults(plan) == []


def test_names_follow_painting(plan: Plan) -> None:
    two = (LabelPlan("whole", (1, 2)), LabelPlan("core", (2,)))
    regions = replace(plan, labels=two, regions_class_order=(5, 3))
    assert regions.names == {5: "whole", 3: "core"}
    assert regions.heads == 2
    assert replace(plan, labels=two).names == {1: "whole", 2: "core"}
    assert replace(plan, labels=two).heads == 3
