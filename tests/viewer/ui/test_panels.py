"""What the panels say, as plain functions of the state."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inference.result import Finding, Kind, Pieces, Precision, PrecisionKind, Provenance, Result, Seconds
from inference.volume import Channel, Geometry, Volume
from viewer.jobs import ENGINE, READ, SCENE, Job, JobState, Lane, Request, Span
from viewer.scene.theme import Theme, theme
from viewer.state.catalogue import Catalogue
from viewer.state.compare import LabelComparison
from viewer.state.display import Agreement, FindingRow
from viewer.state.view import Window
from viewer.study import Frame, GeometryState, Series, SeriesKind
from viewer.ui.comparison_panel import figures, label_figures
from viewer.ui.findings_panel import cell_text, volume_text
from viewer.ui.histogram import counts, sample, span
from viewer.ui.jobs_panel import duration_text, listed, status_text
from viewer.ui.series_rows import ledger_lines, result_rows, series_rows
from viewer.ui.style import mixed, style_sheet
from viewer.ui.timing_strip import bars, idle_percent, rows

POINT = (0.0, 0.0, 0.0)


def series(**given: Any) -> Series:
    fields: dict[str, Any] = {
        "uid": "1",
        "modality": "CT",
        "description": "Doe^Jane head",
        "kind": SeriesKind.VOLUME,
        "frames": (Frame(Path("a")),) * 3,
        "files": 3,
        "number": 4,
    }
    return Series(**{**fields, **given})


@pytest.mark.parametrize(
    ("given", "badge", "kind", "can_open"),
    [
        ({}, "geometry ok", "ok", True),
        ({"state": GeometryState.CORRECTED, "gantry_tilt_deg": -18.46}, "tilt 18.5° corrected", "corrected", True),
        ({"state": GeometryState.CORRECTED, "steps_mm": (4.0, 7.0)}, "uneven steps corrected", "corrected", True),
        ({"state": GeometryState.BLOCKED}, "geometry blocked", "blocked", False),
        ({"kind": SeriesKind.LOCALIZER}, "localizer", "plain", False),
    ],
)
def test_a_badge_says_what_the_gate_found(
    make_loader: Any, given: dict[str, Any], badge: str, kind: str, can_open: bool
) -> None:
    (row,) = series_rows(study_of(make_loader, series(**given)))
    assert (row.badge, row.badge_kind, row.can_open) == (badge, kind, can_open)


def study_of(make_loader: Any, *found: Series) -> Any:
    from dataclasses import replace

    study = make_loader().scan(Path("whole"), progress=lambda _: None, cancelled=lambda: False)
    return replace(study, series=found, files_found=sum(one.files for one in found) + 1)


def test_a_description_is_patient_text(make_loader: Any) -> None:
    study = study_of(make_loader, series())
    assert series_rows(study)[0].title == "Doe^Jane head"
    assert series_rows(study, patient_text=False)[0].title == "CT 4"


def test_the_ledger_accounts_for_every_file(make_loader: Any) -> None:
    study = study_of(make_loader, series(), series(kind=SeriesKind.LOCALIZER), series(kind=SeriesKind.CAPTURE))
    assert ledger_lines(study) == (
        "10 files found",
        "3 shown in 1 series",
        "1 localizer · 1 capture · 1 file set aside",
    )


def test_cells_of_a_finding() -> None:
    lesion = FindingRow("t", Finding("IPH", 3.214, POINT, (POINT, POINT), 0.938, "L"), (1, 2, 3))
    assert [cell_text(lesion, column) for column in range(4)] == ["IPH", "L", "3.21", "0.94"]
    box = FindingRow("t", Finding("SDH", None, POINT, (POINT, POINT), 0.5, "M"), (1, 2, 3))
    assert [cell_text(box, column) for column in range(4)] == ["SDH", "mid", "–", "0.50"]
    assert [volume_text(ml) for ml in (0.0213, 999.994, 10862.5)] == ["0.021", "999.99", "10862"]


def test_figures_of_two_precisions() -> None:
    agreement = Agreement(Precision.FP32, Precision.FP16, 0.998, 4.21, 4.18, 1, 0, 1.9, 0.9)
    assert figures(agreement) == ("0.9980", "4.21 / 4.18 mL", "-0.030 mL", "1 / 0", "1.9 / 0.9 s")


def test_figures_of_one_label() -> None:
    assert label_figures(LabelComparison("liver", 0.98761, 1500.0, 1499.5)) == "0.9876   1500.00 / 1499.50 mL"


def test_a_result_says_what_fed_it_and_what_was_missing(make_loader: Any) -> None:
    study = study_of(make_loader, series(uid="f", modality="MR", description="Doe^Jane flair", channel=Channel.FLAIR))
    made = Provenance("parts", "1.0", "00", "openvino", "1", "CPU", Precision.FP32, PrecisionKind.NATIVE)
    result = Result("parts", Kind.MASK, (), made, Seconds(), pieces=Pieces.STRUCTURES)
    fed = {"parts": {Channel.FLAIR: "f", Channel.T1C: ""}}
    catalogue = Catalogue(study, results={("parts", Precision.FP32): result}, inputs=fed)
    (row,) = result_rows(catalogue)
    assert row.title == "Structures"
    assert row.subtitle == "FP32 · CPU · without T1C"
    assert row.tip.splitlines()[1:] == ["FLAIR from Doe^Jane flair", "T1C is missing"]
    (row,) = result_rows(catalogue, patient_text=False)
    assert row.tip.splitlines()[1] == "FLAIR from MR 4"
    (row,) = result_rows(replace(catalogue, inputs={}))
    assert row.subtitle == "FP32 · CPU"


def test_the_histogram_counts_what_was_measured_only() -> None:
    voxels = np.full((10, 20, 20), -3000.0, dtype=np.float32)
    voxels[5:] = np.linspace(0, 100, 20, dtype=np.float32)
    volume = Volume(voxels, Geometry.from_axes((10, 20, 20), (1, 1, 1)), Channel.CT, "HU", valid=voxels > -2000)
    values = sample(volume)
    assert (values.min(), values.max()) == (0.0, 100.0)
    assert len(values) == 2000
    low, high = span(values, Window(80.0, 40.0))
    assert (low, high) == (0.0, 100.0)
    edges, heights = counts(values, low, high)
    assert len(edges) == len(heights) + 1
    assert 0 <= heights.min() <= heights.max() == 1.0


def job(**given: Any) -> Job:
    request = Request(given.pop("number", 1), given.pop("key", "ct-to-mri fp32"), "title", given.pop("lane", ENGINE))
    return Job(request, **given)


def test_what_a_job_says_of_itself() -> None:
    running = job(state=JobState.RUNNING, stage="tiles", done=2, total=8, started=0.0, spans=(Span("tiles", 0.0, 1.0),))
    assert status_text(running, 2.0) == "2 of 8 · 6.0 s left"
    assert status_text(job(state=JobState.DONE, started=1.0, ended=2.2), 9.0) == "done 1.2 s"
    assert status_text(job(), 0.0) == "waiting"
    assert (duration_text(12.3), duration_text(125.0)) == ("12 s", "2 min 5 s")


def test_short_jobs_make_no_line_and_failed_ones_always_do() -> None:
    short = job(number=1, state=JobState.DONE, started=0.0, ended=0.01)
    failed = job(number=2, state=JobState.FAILED, started=0.0, ended=0.01, error="It failed.")
    waiting = job(number=3)
    assert [one.request.number for one in listed((short, failed, waiting))] == [3, 2]


def test_bars_and_idle_time_add_up() -> None:
    spans = (Span("prepare", 0.0, 1.0), Span("slices", 1.0, 3.0))
    engine = job(state=JobState.DONE, started=0.0, ended=3.0, spans=spans)
    read = job(number=2, key="read", lane=READ, state=JobState.DONE, ended=1.5, spans=(Span("read", 0.0, 1.5),))
    found = bars((engine, read), {"ct-to-mri": Kind.VOLUME}, theme(), 4.0)
    assert [(bar.start, bar.end) for bar in found] == [(0.0, 1.0), (1.0, 3.0), (0.0, 1.5)]
    assert found[1].colour == theme().synthetic
    assert found[0].colour != found[1].colour
    assert idle_percent(found, ENGINE) == pytest.approx(0.0)
    assert idle_percent(found, READ) == pytest.approx(50.0)
    assert idle_percent((), READ) == 100.0


def test_every_engine_lane_has_its_row() -> None:
    gpu, dla = Lane("gpu", engine=True), Lane("dla0", engine=True)
    assert rows(()) == (READ, ENGINE, SCENE)
    assert rows((job(lane=gpu), job(number=2, lane=dla), job(number=3, lane=gpu))) == (READ, gpu, dla, SCENE)


@pytest.mark.parametrize("name", ["dark", "light"])
def test_the_style_sheet_is_made_of_the_theme(name: str) -> None:
    sheet = style_sheet(theme(name))
    assert "%(" not in sheet
    assert sheet.count("{") == sheet.count("}")
    assert contrast(theme(name)) > 7.0


def contrast(shown: Theme) -> float:
    """Ratio of text against panel (WCAG 2.1, 1.4.3)."""
    bright, dark = sorted((luminance(shown.text), luminance(shown.panel)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def luminance(colour: tuple[int, int, int]) -> float:
    parts = [value / 255 for value in colour]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_mixed_colours_lie_between() -> None:
    assert mixed((0, 0, 0), (100, 200, 50), 0.5) == (50, 100, 25)
