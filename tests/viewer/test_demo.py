"""The demo study against its own truth."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pydicom
import pytest

from engines.phantom.head import make_head
from inference.errors import JobCancelled
from inference.result import Progress
from inference.volume import Channel
from viewer.demo import DEMO_PLAN, DemoTruth, demo_grid, make_demo
from viewer.dicom.write_series import StudyNotWritten
from viewer.loading import scan

STEP_MM = 1.6


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoTruth:
    return make_demo(tmp_path_factory.mktemp("demo"), step_mm=STEP_MM)


@pytest.mark.slow
def test_the_demo_holds_what_an_emergency_examination_holds(demo: DemoTruth) -> None:
    study = scan(demo.study)
    wanted = {"CT", "DWI", "ADC", "T2", "FLAIR", "T1"}
    assert {s.channel.value for s in study.series} == wanted
    assert len({s.frame_of_reference for s in study.series}) == 1
    assert study.files_found == sum(s.files for s in study.series)
    with pytest.raises(StudyNotWritten):
        make_demo(demo.study.parent)


@pytest.mark.slow
def test_the_truth_is_written_beside(demo: DemoTruth) -> None:
    document = json.loads((demo.study.parent / "truth.json").read_text("utf-8"))
    assert [one["ml"] for one in document["lesions"]] == [one.ml for one in demo.lesions]
    for lesion, spec in zip(demo.lesions, DEMO_PLAN.specs, strict=True):
        assert lesion.ml == pytest.approx(spec.ml, rel=0.03)
        assert lesion.side == spec.side.value
        assert lesion.label == spec.kind.value


@pytest.mark.slow
def test_lesions_are_where_the_truth_says(demo: DemoTruth) -> None:
    ct = sorted((pydicom.dcmread(f) for f in (demo.study / "series-01").glob("*.dcm")), key=lambda d: d.InstanceNumber)
    clot = next(one for one in demo.lesions if one.label == "IPH")
    x, y, z = clot.centroid_lps_mm
    nearest = min(ct, key=lambda d: abs(float(d.ImagePositionPatient[2]) - z))
    i = round((x - float(nearest.ImagePositionPatient[0])) / float(nearest.PixelSpacing[1]))
    j = round((y - float(nearest.ImagePositionPatient[1])) / float(nearest.PixelSpacing[0]))
    hu = nearest.pixel_array[j - 4 : j + 5, i - 4 : i + 5] + float(nearest.RescaleIntercept)
    assert 50 < np.median(hu) < 85


@pytest.mark.slow
def test_the_same_seed_gives_the_same_pixels(demo: DemoTruth) -> None:
    file = sorted((demo.study / "series-02").glob("*.dcm"))[20]
    data = pydicom.dcmread(file)
    head = make_head(demo.seed, lesions=DEMO_PLAN, step_mm=STEP_MM)
    again = head.render(Channel.DWI, demo_grid(head, Channel.DWI), bias=0.6).voxels[20]
    np.testing.assert_array_equal(data.pixel_array, np.rint(again).astype(np.uint16))


def test_cancel_and_progress(tmp_path: Path) -> None:
    seen: list[Progress] = []
    with pytest.raises(JobCancelled):
        make_demo(tmp_path, progress=seen.append, cancelled=lambda: True)
    assert list(tmp_path.iterdir()) == []
