from __future__ import annotations

from pathlib import Path

import pytest

from inference.errors import ManifestInvalid
from inference.result import Kind, Pieces
from inference.steps.region import Region
from inference.task import read_task

GOOD = """
schema = 1
name = "stroke-lesion"
title = "Stroke lesion outline"
version = "0.1.0"
kind = "mask"
intended_use = "Demonstration."
notice = "Demonstration model, not for diagnostic use"
licence = "Apache-2.0"
[model]
file = "model.onnx"
sha256 = "00"
input = "input"
outputs = ["logits"]
[[channels]]
name = "DWI"
normalise = "zscore"
[sampling]
kind = "tiles"
spacing_mm = [2, 2.0, 2.0]
size = [64, 64, 64]
[output]
labels = ["ischaemic lesion"]
[test_vector]
file = "test_vector.npz"
"""


def bundle(folder: Path, text: str) -> Path:
    (folder / "manifest.toml").write_text(text)
    return folder


def test_a_good_manifest_is_read_whole(tmp_path):
    task = read_task(bundle(tmp_path, GOOD))
    assert task.kind is Kind.MASK
    assert task.sampling.spacing_mm == (2.0, 2.0, 2.0)
    assert task.sampling.overlap == 0.5
    assert task.model_path == tmp_path / "model.onnx"


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('title = "Stroke lesion outline"', "", "missing: title"),
        ('licence = "Apache-2.0"', 'licence = "Apache-2.0"\ncolour = "red"', "unknown: colour"),
        ('input = "input"', "", "model has wrong fields (missing: input)"),
        ('normalise = "zscore"', 'normalise = "magic"', "normalise 'magic'"),
        ('name = "DWI"', 'name = "XRAY"', "channel 'XRAY'"),
        ("size = [64, 64, 64]", "size = [64, 64]", "3 numbers"),
        ('kind = "mask"', 'kind = "poem"', "kind has a wrong value"),
        ('version = "0.1.0"', "version = 1", "version has a wrong value"),
        ('labels = ["ischaemic lesion"]', "", "labels is empty"),
        ("[output]", '[output]\ninside = "liver"', "inside 'liver'"),
        ("schema = 1", "schema = 9", "schema 1"),
        ('file = "model.onnx"', 'file = "../model.onnx"', "own folder"),
        ('normalise = "zscore"', 'normalise = "zscore"\noptional = true', "first channel cannot be optional"),
        ("[output]", '[output]\npieces = "crumbs"', "pieces has a wrong value"),
        ("[output]", '[output]\npaired = ["ischaemic lesion"]', "paired is for pieces"),
        ("[output]", '[output]\npieces = "structures"\npaired = ["ears"]', "paired must name labels"),
        ("schema = 1", 'schema = 1\nregion = "tail"', "region has a wrong value"),
        ("[model]", "[model", "cannot be read"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, old, new, named):
    assert old in GOOD
    with pytest.raises(ManifestInvalid) as error:
        read_task(bundle(tmp_path, GOOD.replace(old, new, 1)))
    assert named in str(error.value)


def test_a_folder_without_manifest_says_so(tmp_path):
    with pytest.raises(ManifestInvalid, match=r"no manifest\.toml"):
        read_task(tmp_path)


def test_regions_pieces_and_optional_channels_are_read(tmp_path):
    plain = read_task(bundle(tmp_path, GOOD))
    assert (plain.region, plain.output.pieces, plain.channels[0].optional) == (Region.HEAD, Pieces.LESIONS, False)
    second = '[[channels]]\nname = "T2"\nnormalise = "zscore"\noptional = true\n[sampling]'
    text = GOOD.replace("schema = 1", 'schema = 1\nregion = "trunk"').replace("[sampling]", second)
    text = text.replace("[output]", '[output]\npieces = "structures"\npaired = ["ischaemic lesion"]')
    task = read_task(bundle(tmp_path, text))
    assert (task.region, task.output.pieces) == (Region.TRUNK, Pieces.STRUCTURES)
    assert task.output.paired == ("ischaemic lesion",)
    assert [spec.optional for spec in task.channels] == [False, True]
