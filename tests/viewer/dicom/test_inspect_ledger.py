"""The ledger as scripts and people read it."""

from __future__ import annotations

import json

import numpy as np

from viewer.dicom.inspect import report, text
from viewer.loading import scan


def tilted(tmp_path, write_series):
    column = (0, np.cos(0.3), -np.sin(0.3))
    folder = write_series(tmp_path / "head", np.zeros((5, 8, 8), np.int16), column=column, SeriesDescription="Head")
    (folder / "notes.txt").write_text("hello")
    return scan(folder)


def test_the_document_has_every_promised_field(tmp_path, write_series):
    found = json.loads(json.dumps(report(tilted(tmp_path, write_series))))
    assert (found["files_found"], found["files_in_series"]) == (6, 5)
    assert found["set_aside"] == [{"file": "notes.txt", "reason": "Not a medical image format that Insula reads."}]
    (series,) = found["series"]
    assert series["series_instance_uid"] == "1.2.3.4"
    assert (series["modality"], series["kind"], series["geometry"]) == ("CT", "volume", "corrected")
    assert (series["description"], series["files"], series["channel"]) == ("Head", 5, "CT")
    assert series["shape_kji"][0] == 5
    assert series["spacing_mm"] == [0.5, 0.5, round(5 * np.cos(0.3), 6)]
    assert series["steps_mm"] == [round(5 * np.cos(0.3), 3)]
    assert series["gantry_tilt_deg"] == round(np.degrees(0.3), 3)
    assert series["shear_deg"] == round(-np.degrees(0.3), 3)
    assert len(series["reasons"]) == 1


def test_people_see_counts_tilt_and_reasons(tmp_path, write_series):
    lines = text(tilted(tmp_path, write_series)).splitlines()
    assert lines[0] == "head: 6 files, 5 in 1 series, 1 set aside"
    assert any("Head" in line and "tilt 17.2 deg" in line and "~" in line for line in lines)
    assert any("de-sheared" in line for line in lines)
    assert any("notes.txt" in line for line in lines)


def test_columns_stand_under_each_other(tmp_path, write_series):
    for number, name in enumerate(["A", "A much longer description", "B"]):
        write_series(tmp_path, np.zeros((2, 8, 8), np.int16), uid=f"1.{number}", prefix=name, SeriesDescription=name)
    rows = [line for line in text(scan(tmp_path)).splitlines() if " files " in line and "0.50" in line]
    assert len(rows) == 3
    assert len({line.index("2 files") for line in rows}) == 1
    assert len({line.index(" at ") for line in rows}) == 1
