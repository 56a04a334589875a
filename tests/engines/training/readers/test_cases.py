"""Splits by patient, and outlines that must lie on their image."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.training.readers.cases import mask_case, scan, split_by_patient
from inference.errors import GeometryMismatch, InputRefused


@dataclass(frozen=True)
class Visit:
    patient: str
    number: int


PATIENTS = st.lists(st.text("abc", min_size=1, max_size=3), min_size=2, max_size=30)


@given(PATIENTS, st.floats(0.05, 0.95))
def test_no_patient_is_on_both_sides_and_nobody_is_lost(patients: list[str], share: float) -> None:
    visits = [Visit(patient, number) for number, patient in enumerate(patients)]
    if len(set(patients)) < 2:
        with pytest.raises(InputRefused, match="fewer than two patients"):
            split_by_patient(visits, share)
        return
    split = split_by_patient(visits, share)
    assert {v.patient for v in split.train} & {v.patient for v in split.held_out} == set()
    assert sorted(v.number for v in (*split.train, *split.held_out)) == list(range(len(visits)))
    assert split.train
    assert split.held_out


def test_the_split_depends_on_names_alone() -> None:
    visits = [Visit(f"p{n}", n) for n in range(20)]
    one, other = split_by_patient(visits, 0.2), split_by_patient(visits[::-1], 0.2)
    assert {v.patient for v in one.held_out} == {v.patient for v in other.held_out}
    assert len(one.held_out) == 4


def test_an_outline_on_another_grid_is_refused(tmp_path: Path, put) -> None:  # type: ignore[no-untyped-def]
    image = scan(put(tmp_path / "image.nii.gz"), "DWI")
    outline = put(tmp_path / "outline.nii.gz", spacing=(0.8, 0.9, 3.1))
    with pytest.raises(GeometryMismatch, match=r"outline\.nii\.gz"):
        mask_case("a", "a", [image], outline, {1: "lesion"})


def test_a_label_without_a_name_is_refused_and_gaps_are_renumbered(tmp_path: Path, put, marked) -> None:  # type: ignore[no-untyped-def]
    image = scan(put(tmp_path / "image.nii.gz"), "DWI")
    outline = put(tmp_path / "outline.nii.gz", marked(1, 4))
    with pytest.raises(InputRefused, match="label 4"):
        mask_case("a", "a", [image], outline, {1: "core", 2: "rim"}).mask()
    mask = mask_case("a", "a", [image], outline, {1: "core", 2: "rim"}, {4: 2}).mask()
    assert np.unique(mask.labels).tolist() == [0, 1, 2]
    assert mask.geometry.same_grid(image.geometry)
