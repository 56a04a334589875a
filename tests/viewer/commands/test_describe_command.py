"""`insula engines describe` in words and in JSON."""

from __future__ import annotations

import json

import pytest

from viewer.cli import main


def test_json_has_the_promised_fields(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["engines", "describe", "nnunet", "--variant", "3d-fullres", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {"name", "variant", "parameters", "gmac", "inputs", "outputs"} <= set(found)
    assert found["inputs"] == [{"name": "input", "shape": [1, 2, 128, 128, 128]}]
    assert found["parameters"] == 31_196_458


def test_words_are_readable(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["engines", "describe", "pix2pix", "--variant", "cropping"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "parameters  54,425,859" in lines
    assert "inputs      input 1x3x256x256" in lines


def test_without_a_name_everything_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["engines", "describe"]) == 0
    text = capsys.readouterr().out
    assert "--variant cropping" in text
    assert "NERONE" in text
    assert "ct-to-mri" in text
    assert main(["engines", "describe", "--json"]) == 0
    networks = json.loads(capsys.readouterr().out)["networks"]
    assert [v["name"] for v in networks[0]["variants"]][:3] == ["original", "cropping", "convolution"]


def test_an_unknown_name_says_how_to_find_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["engines", "describe", "nope", "--json"]) == 3
    assert "engines describe" in json.loads(capsys.readouterr().out)["error"]["hint"]
