"""`insula bench pipeline` and `insula engines profile` from words to their documents."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image

from engines import stations
from inference.schedule.profile import read
from viewer.cli import main
from viewer.commands import bench_pipeline


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A NIfTI file with a drawn head."""
    k, j, i = np.indices((4, 100, 100))
    x, y = (i - 50) * 2.2, (j - 50) * 2.2
    voxels = np.full(k.shape, -1000, np.float32)
    voxels[(x / 75) ** 2 + (y / 90) ** 2 < 1] = 900
    voxels[(x / 68) ** 2 + (y / 83) ** 2 < 1] = 32
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing((2.2, 2.2, 6.0))
    image.SetOrigin((-109, -109, -9))
    sitk.WriteImage(image, str(tmp_path / "head_ct.nii.gz"))
    return tmp_path


@pytest.mark.slow
def test_a_stream_from_a_folder_is_measured_against_a_baseline(study, capsys):
    words = ["bench", "pipeline", str(study), "--scheme", "one-lane", "--scheme", "naive", "--slices", "4"]
    core = min(stations.cores())
    words += ["--lanes", f"a=openvino@{core},b=onnxruntime@{core}"]  # on one core: no wider baseline is run
    png = study / "lanes.png"
    assert main([*words, "--rounds", "1", "--pace", "0.01", "--png", str(png), "--json"]) == 0
    picture = np.asarray(Image.open(png).convert("RGB"))
    assert picture.shape[1] == 1600
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 20
    found = json.loads(capsys.readouterr().out)
    assert found["rows"][-1]["scheme"] == "naive"
    assert found["paced"][-1]["pace_s"] == 0.01
    for row in found["rows"]:
        assert row["slices"] == 4
        assert {"fps", "idle_percent", "lane", "busy_fps"} == set(row["lanes"][0])
        assert {one["ratio"] > 0 for one in row["ratios"].values()} == {True}
    text = bench_pipeline._text(found)
    assert "at full speed: 4 slices" in text
    assert "one slice every 0.01 s" in text
    assert "naive" in text


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["--slices", "2"], 2, "3 slices"),
        (["--scheme", "chaos"], 3, "'chaos' is no scheme"),
        (["--lanes", "abacus"], 3, "names no lane"),
        (["--task", "stroke-lesion"], 3, "DWI"),
    ],
)
def test_wrong_words_are_one_sentence(words, code, sentence, study, capsys):
    assert main(["bench", "pipeline", str(study), *words, "--json"]) == code
    assert sentence in json.loads(capsys.readouterr().out)["error"]["message"]


@pytest.mark.slow
def test_a_profile_is_written_and_read_again(tmp_path, capsys):
    file = tmp_path / "a.json"
    words = ["engines", "profile", "hemorrhage-detection", "-o", str(file), "--most", "1", "--rounds", "1", "--json"]
    assert main([*words, "--lanes", "x=onnxruntime,y=openvino"]) == 0
    document = json.loads(capsys.readouterr().out)
    found = read(file)
    assert found.model == document["model"] == "hemorrhage-detection"
    assert found.devices == ("x", "y")
    assert len(found.layers) == 2
    assert main(["engines", "schedule", "--profile", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["period_ms"] > 0


def test_a_profile_that_cannot_be_written_is_refused_in_a_sentence(tmp_path, capsys):
    words = ["engines", "profile", "hemorrhage-detection", "-o", str(tmp_path / "no" / "a.json")]
    assert main([*words, "--lanes", "x=onnxruntime", "--most", "1", "--rounds", "1", "--json"]) == 3
    assert "cannot be written" in json.loads(capsys.readouterr().out)["error"]["message"]
