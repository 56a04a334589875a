"""The demo as a stranger sees it: one command, a picture of four panes, a report that can be held against the truth."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from viewer.scene.theme import theme

pytestmark = [pytest.mark.slow, pytest.mark.gui, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    out = tmp_path_factory.mktemp("demo")
    words = ["demo", "--out", str(out), "--screenshot", str(out / "demo.png"), "--json"]
    run = subprocess.run(
        [sys.executable, "-m", "viewer.cli", *words], capture_output=True, text=True, timeout=380, env=dict(os.environ)
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stderr == ""
    return json.loads(run.stdout), out


def results(document: dict[str, Any], task: str, precision: str = "fp32") -> list[dict[str, Any]]:
    (result,) = [r for r in document["results"] if r["task"] == task and r["precision"] == precision]
    findings: list[dict[str, Any]] = result["findings"]
    return findings


def test_every_task_ran_in_two_precisions_on_one_study(demo):
    document, _ = demo
    made = {(r["task"], r["precision"]) for r in document["results"]}
    assert made == {(t, p) for t in ("ct-to-mri", "hemorrhage-detection", "stroke-lesion") for p in ("fp32", "fp16")}
    assert document["skipped"] == []
    assert all(Path(r["file"]).is_file() for r in document["results"])


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_every_infarct_of_the_head_is_listed_within_ten_per_cent(demo, precision):
    document, _ = demo
    infarcts = [one for one in document["truth"]["lesions"] if one["label"] == "infarct"]
    assert len(infarcts) == 2
    found = results(document, "stroke-lesion", precision)
    for truth in infarcts:
        (match,) = [f for f in found if f["true_volume_ml"] == truth["volume_ml"]]
        assert match["volume_ml"] == pytest.approx(truth["volume_ml"], rel=0.10)
        assert match["side"] == truth["side"]


def test_the_bleeds_are_boxed_and_named(demo):
    document, _ = demo
    found = {f["label"] for f in results(document, "hemorrhage-detection") if f["true_volume_ml"] is not None}
    assert found >= {"IPH", "SDH"}
    assert all(f["volume_ml"] is None for f in results(document, "hemorrhage-detection"))


def test_the_picture_shows_four_panes(demo):
    _, out = demo
    with Image.open(out / "demo.png") as image:
        assert image.size == (1920, 1080)
        pixels = np.asarray(image.convert("RGB")).astype(int)
    left, right, top, bottom = 255, 1598, 46, 974
    middle_x, middle_y = (left + right) // 2, (top + bottom) // 2
    for rows in ((top, middle_y), (middle_y, bottom)):
        for columns in ((left, middle_x), (middle_x, right)):
            pane = pixels[rows[0] + 60 : rows[1] - 60, columns[0] + 60 : columns[1] - 60]
            assert pane.std() > 15
    look = theme()
    synthetic = (pixels[top:middle_y, middle_x:right] == look.synthetic).all(axis=2)
    assert synthetic.sum() > 2000
    lesion = np.abs(pixels[middle_y:bottom, middle_x:right] - np.array([230, 75, 55])).sum(axis=2) < 90
    assert lesion.sum() > 200
