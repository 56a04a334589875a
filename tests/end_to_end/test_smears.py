"""A blood smear from its file to counted cells, with the network that ships."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engines.training.readers.voc import parse_annotation
from inference.result import Precision
from inference.steps.decode import iou_with
from viewer.headless import Ask, run_study
from viewer.report import document, text

PICTURE = "bccd/BCCD/JPEGImages/BloodImage_00011.jpg"
MARKS = "bccd/BCCD/Annotations/BloodImage_00011.xml"
CELLS = Ask(tasks=("blood-cells",), precisions=(Precision.FP32,))


def test_cells_of_a_real_smear_are_boxed_named_and_counted(shared_data: Callable[[str], Path], tmp_path: Path) -> None:
    outcome = run_study(shared_data(PICTURE), CELLS, tmp_path)
    found = document(outcome.ran, outcome.skipped)
    (result,) = found["results"]
    assert result["counts"]["WBC"] == 1
    assert 8 <= result["counts"]["RBC"] <= 18
    assert sum(result["counts"].values()) == len(result["findings"])
    for finding in result["findings"]:
        assert (finding["volume_ml"], finding["centroid_lps_mm"], finding["box_lps_mm"]) == (None, None, None)
    marks = parse_annotation(shared_data(MARKS).read_text(), "marks")
    (truth,) = (np.array(box) for name, box in marks if name == "WBC")
    white = next(np.ravel(f["box_pixels"]) for f in result["findings"] if f["label"] == "WBC")
    assert iou_with(truth, white[None])[0] > 0.5
    stored = json.loads(Path(result["file"]).read_text())["boxes"]
    assert len(stored) == len(result["findings"])
    assert np.ravel(result["findings"][0]["box_pixels"]) == pytest.approx(
        [stored[0][edge] + 0.5 for edge in ("i0", "j0", "i1", "j1")], abs=0.01
    )
    assert " mm" not in text(outcome.ran, outcome.skipped)


def test_a_picture_of_a_screen_is_refused_with_what_was_seen(tmp_path: Path) -> None:
    page = np.full((300, 400, 3), 250, np.uint8)
    page[40:260:10, 30:370] = 40
    Image.fromarray(page).save(tmp_path / "page.png")
    outcome = run_study(tmp_path / "page.png", CELLS, tmp_path)
    assert outcome.ran == ()
    assert [s.reason.split(".")[0] for s in outcome.skipped] == [
        "What lies on the picture's background is not pink or purple, as stained blood is"
    ]
