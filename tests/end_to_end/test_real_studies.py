"""Real scanners' files through the whole road. Skipped by name where they are not at hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image

from engines.library import shipped
from inference.steps.region import Region
from viewer.cli import main


def answer(capsys, *words: object) -> dict:
    code = main([*(str(w) for w in words), "--json"])
    document = json.loads(capsys.readouterr().out)
    assert code == 0, document
    return document


def test_the_tilted_ct_is_recognised_and_accounted_for(capsys, shared_data):
    found = answer(capsys, "inspect", shared_data("ct-head-ge-tilt"))
    assert found["files_found"] == found["files_in_series"] + len(found["set_aside"])
    (ct,) = [s for s in found["series"] if s["kind"] == "volume"]
    assert ct["modality"] == "CT"
    assert ct["files"] == 28
    assert ct["gantry_tilt_deg"] == pytest.approx(18.5, abs=0.3)
    assert ct["geometry"] == "corrected"
    assert {4.0, 7.0} <= {round(step, 1) for step in ct["steps_mm"]}
    assert any("18.5" in r for r in ct["reasons"])
    assert any("4.00" in r and "7.00" in r for r in ct["reasons"])


@pytest.mark.slow
def test_both_ct_tasks_run_on_a_real_tilted_head(capsys, shared_data, tmp_path):
    folder = shared_data("ct-head-ge-tilt")
    shape = next(s["shape_kji"] for s in answer(capsys, "inspect", folder)["series"] if s["kind"] == "volume")
    found = answer(capsys, "run", folder, "--out", tmp_path, "--precision", "fp32,fp16")
    made = {(r["task"], r["precision"]): r for r in found["results"]}
    assert set(made) == {(t, p) for t in ("ct-to-mri", "hemorrhage-detection") for p in ("fp32", "fp16")}
    others = ["blood-cells", "organs", "prostate-zones", "stroke-lesion", "tumour-regions"]
    assert [s["task"] for s in found["skipped"]] == others
    for result in found["results"]:
        assert Path(result["file"]).is_file()
        assert "corrected grid" in result["source_grid"]
        assert result["precision_kind"] in ("native", "emulated")
    synthetic = sitk.ReadImage(made["ct-to-mri", "fp32"]["file"])
    assert list(synthetic.GetSize())[::-1] == shape
    assert made["ct-to-mri", "fp32"]["synthetic"]
    assert "SYNTHETIC" in Path(made["ct-to-mri", "fp32"]["file"]).name
    voxels = sitk.GetArrayFromImage(synthetic)
    assert voxels[len(voxels) // 2].std() > 20


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "unit"), [("stroke-deepisles-case0001", "1e-3 mm2/s"), ("stroke-ads-jhu/Subject02", "mm2/s")]
)
def test_the_stroke_task_runs_on_real_dwi_and_adc_of_either_unit(capsys, shared_data, tmp_path, case, unit):
    found = answer(capsys, "run", shared_data(case), "--out", tmp_path, "--task", "stroke-lesion")
    (result,) = found["results"]
    assert any(f"ADC is in {unit} " in note for note in result["notes"])
    mask = sitk.ReadImage(result["file"])
    voxels = sitk.GetArrayFromImage(mask)
    ml = np.count_nonzero(voxels) * np.prod(mask.GetSpacing()) / 1000
    assert ml == pytest.approx(sum(f["volume_ml"] for f in result["findings"]), abs=0.01)
    dwi = next(p for p in sorted(shared_data(case).glob("*.nii.gz")) if p.name.lower().endswith("dwi.nii.gz"))
    source = sitk.ReadImage(str(dwi))
    assert mask.GetSize() == source.GetSize()
    assert mask.GetOrigin() == pytest.approx(source.GetOrigin(), abs=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("study", "region"),
    [
        ("prostate-prostatex", Region.PELVIS),
        ("ct-body-totalseg", Region.TRUNK),
        ("pairs-ct-mr-pet-sarcoma/dicom", None),
    ],
)
def test_a_pelvis_a_belly_and_a_leg_never_get_anothers_answer(capsys, shared_data, tmp_path, study, region):
    others = [bundle.task.name for bundle in shipped() if bundle.task.region is not region]
    words = [word for name in others for word in ("--task", name)]
    found = answer(capsys, "run", shared_data(study), "--out", tmp_path / "o", *words)
    assert found["results"] == []
    assert {one["task"] for one in found["skipped"]} == set(others) >= {"ct-to-mri", "stroke-lesion"}
    assert not (tmp_path / "o").exists()


@pytest.mark.slow
@pytest.mark.gui
def test_the_picture_of_a_real_ct_shows_a_head_the_right_way_up(capsys, shared_data, tmp_path):
    picture = tmp_path / "x.png"
    answer(capsys, "view", shared_data("ct-head-ge-tilt"), "--screenshot", picture, "--size", "1600x900")
    pixels = np.asarray(Image.open(picture).convert("L"), dtype=float)
    assert pixels.shape == (900, 1600)
    assert pixels.std() > 20


@pytest.mark.slow
@pytest.mark.parametrize("collection", ["dicom-odd", "dicom-vendors-dicom2nifti"])
def test_every_odd_file_is_accounted_for(capsys, shared_data, collection):
    root = shared_data(collection)
    found = answer(capsys, "inspect", root)
    files = sum(p.is_file() for p in root.rglob("*"))
    assert found["files_found"] == files
    assert found["files_found"] == found["files_in_series"] + len(found["set_aside"])
    assert all(a["reason"].endswith(".") for a in found["set_aside"])
