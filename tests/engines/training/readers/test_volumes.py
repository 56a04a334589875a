"""The layouts of outlined volumes, each on a small tree, and what each refuses."""

import json
from pathlib import Path

import numpy as np
import pytest

from engines.training.readers.bids import read_isles
from engines.training.readers.brats import read_brats
from engines.training.readers.ctorg import read_ctorg
from engines.training.readers.nnunet_raw import described, read_nnunet_raw
from engines.training.readers.prostate3t import IMAGES, OUTLINES, read_prostate3t
from inference.errors import GeometryMismatch, InputRefused
from inference.volume import Channel


def _dataset(folder: Path, **changes: object) -> Path:
    table: dict[str, object] = {
        "channel_names": {"0": "DWI", "1": "ADC"},
        "labels": {"background": 0, "core": 1, "rim": 2},
        "numTraining": 3,
        "file_ending": ".nii.gz",
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dataset.json").write_text(json.dumps({k: v for k, v in {**table, **changes}.items() if v is not None}))
    return folder / "dataset.json"


@pytest.fixture
def nnunet(tmp_path: Path, put, marked) -> Path:  # type: ignore[no-untyped-def]
    _dataset(tmp_path / "set")
    for case in ("a_1", "b", "c"):
        for channel in range(2):
            put(tmp_path / "set" / "imagesTr" / f"{case}_{channel:04d}.nii.gz")
        put(tmp_path / "set" / "labelsTr" / f"{case}.nii.gz", marked(1, 2))
    return tmp_path / "set"


def test_nnunet_raw_gives_channels_labels_and_geometry(nnunet: Path) -> None:
    split = read_nnunet_raw(nnunet, 0.34)
    assert (len(split.train), len(split.held_out)) == (2, 1)
    case = split.train[0]
    assert [s.channel for s in case.scans] == ["DWI", "ADC"]
    assert dict(case.labels) == {1: "core", 2: "rim"}
    assert case.scans[0].volume().channel is Channel.DWI
    assert case.mask().geometry.spacing_mm == pytest.approx((0.8, 0.9, 3.0))


def test_nnunet_raw_refuses_what_does_not_fit(nnunet: Path, put, marked) -> None:  # type: ignore[no-untyped-def]
    put(nnunet / "imagesTr" / "d_0000.nii.gz")
    with pytest.raises(InputRefused, match="case d has images and no outline"):
        read_nnunet_raw(nnunet, 0.3)
    put(nnunet / "labelsTr" / "d.nii.gz", marked(1))
    with pytest.raises(InputRefused, match="speaks of 3 training cases, labelsTr holds 4"):
        read_nnunet_raw(nnunet, 0.3)
    _dataset(nnunet, numTraining=4)
    with pytest.raises(InputRefused, match=r"no d_0001\.nii\.gz in imagesTr"):
        read_nnunet_raw(nnunet, 0.3)
    put(nnunet / "imagesTr" / "d_0001.nii.gz", spacing=(1.0, 1.0, 1.0))
    with pytest.raises(GeometryMismatch, match=r"d_0001\.nii\.gz does not lie on the grid of d_0000"):
        read_nnunet_raw(nnunet, 0.3)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"modality": {"0": "CT"}}, "v1 or the Decathlon"),
        ({"labels": {"background": 0, "whole": [1, 2], "core": 1}}, "regions"),
        ({"labels": {"background": 0, "core": 2}}, "not numbered"),
        ({"channel_names": None}, "no dataset.json of nnU-Net v2"),
        ({"channel_names": {"0": "CT", "2": "MR"}}, "no dataset.json of nnU-Net v2"),
        ({"file_ending": ".png"}, r"\.png are not read"),
    ],
)
def test_a_dataset_json_that_says_otherwise_is_refused(tmp_path: Path, changes, sentence: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputRefused, match=sentence):
        described(_dataset(tmp_path, **changes))


@pytest.mark.parametrize("raw", [".", "rawdata"])
def test_isles_is_read_in_both_of_its_layouts(tmp_path: Path, put, marked, raw: str) -> None:  # type: ignore[no-untyped-def]
    for n in (1, 2, 3):
        name = f"sub-strokecase{n:04d}"
        session = tmp_path / raw / name / "ses-0001"
        inner = session if raw == "rawdata" else session / "dwi"
        for channel in ("dwi", "adc"):
            put(inner / f"{name}_ses-0001_{channel}.nii.gz")
        put((session if raw == "rawdata" else session / "anat") / f"{name}_ses-0001_FLAIR.nii.gz", spacing=(1, 1, 5))
        put(tmp_path / "derivatives" / name / "ses-0001" / f"{name}_ses-0001_msk.nii.gz", marked(1))
    split = read_isles(tmp_path, (), 0.3)
    assert (len(split.train), len(split.held_out)) == (2, 1)
    assert split.train[0].mask().volume_ml() == pytest.approx(0.8 * 0.9 * 3.0 / 1000)
    flair = read_isles(tmp_path, ("DWI", "FLAIR"), 0.3).train[0].scans[1]
    assert flair.geometry.spacing_mm == pytest.approx((1, 1, 5))
    with pytest.raises(InputRefused, match="no CBF image"):
        read_isles(tmp_path, ("DWI", "CBF"), 0.3)


def test_a_folder_without_outlines_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="msk"):
        read_isles(tmp_path, (), 0.3)


def _brats(folder: Path, put, marked, old: bool) -> Path:  # type: ignore[no-untyped-def]
    words = ("t1", "t1ce", "t2", "flair") if old else ("t1n", "t1c", "t2w", "t2f")
    modern = ("BraTS-GLI-00000-000", "BraTS-GLI-00000-001", "BraTS-GLI-00002-000")
    names = ("BraTS2021_00000", "BraTS2021_00002") if old else modern
    for name in names:
        for word in words:
            put(folder / name / f"{name}{'_' if old else '-'}{word}.nii.gz")
        put(folder / name / f"{name}{'_' if old else '-'}seg.nii.gz", marked(1, 2, 4 if old else 3))
    return folder


@pytest.mark.parametrize("old", [True, False])
def test_brats_of_every_year_has_the_same_labels(tmp_path: Path, put, marked, old: bool) -> None:  # type: ignore[no-untyped-def]
    split = read_brats(_brats(tmp_path, put, marked, old), (), 0.5)
    for case in (*split.train, *split.held_out):
        assert [s.channel for s in case.scans] == ["T1", "T1C", "T2", "FLAIR"]
        assert np.unique(case.mask().labels).tolist() == [0, 1, 2, 3]
    assert {c.patient for c in split.train} & {c.patient for c in split.held_out} == set()
    assert len(split) == (2 if old else 3)


def test_brats_as_bids_and_what_it_lacks(tmp_path: Path, put, marked) -> None:  # type: ignore[no-untyped-def]
    for name in ("sub-01", "sub-02"):
        for word in ("T1w", "ce-gadolinium_T1w", "T2w", "FLAIR"):
            put(tmp_path / name / "anat" / f"{name}_{word}.nii.gz")
        put(tmp_path / "derivatives" / "truth" / name / f"{name}_dseg.nii.gz", marked(3))
    split = read_brats(tmp_path, ("T1C", "T1"), 0.5)
    assert [s.file.name for s in split.train[0].scans] == [
        f"{split.train[0].name}_ce-gadolinium_T1w.nii.gz",
        f"{split.train[0].name}_T1w.nii.gz",
    ]
    (tmp_path / "sub-02" / "anat" / "sub-02_T2w.nii.gz").unlink()
    with pytest.raises(InputRefused, match="sub-02 has no T2 image"):
        read_brats(tmp_path, (), 0.5)
    with pytest.raises(InputRefused, match="no channel PET"):
        read_brats(tmp_path, ("PET",), 0.5)
    with pytest.raises(InputRefused, match="no BraTS cases"):
        read_brats(tmp_path / "derivatives", (), 0.5)


def test_a_real_brats_case_without_outline_is_refused_by_name(shared_data) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputRefused, match="BraTS-GLI-00001-000 has no outline"):
        read_brats(shared_data("tumour-brats-gli-00001/segmentation"), (), 0.5)


def test_ct_org_holds_its_own_test_cases_out(tmp_path: Path, put, marked) -> None:  # type: ignore[no-untyped-def]
    for n in (3, 20, 21, 139):
        put(tmp_path / "OrganSegmentations" / f"volume-{n}.nii.gz")
        put(tmp_path / "OrganSegmentations" / f"labels-{n}.nii.gz", marked(1, 5, 6, dtype=np.float32))
    few = read_ctorg(tmp_path, ("bone", "liver")).train[0].mask()
    assert (few.labels.ravel()[:4].tolist(), dict(few.names)) == ([2, 1, 0, 0], {1: "bone", 2: "liver"})
    split = read_ctorg(tmp_path, ())
    assert [c.name for c in split.train] == ["case-21", "case-139"]
    assert [c.name for c in split.held_out] == ["case-3", "case-20"]
    assert split.train[0].labels[5] == "bone"
    assert split.train[0].scans[0].volume().unit == "HU"
    (tmp_path / "OrganSegmentations" / "labels-21.nii.gz").unlink()
    with pytest.raises(InputRefused, match="Case 21"):
        read_ctorg(tmp_path, ())
    with pytest.raises(InputRefused, match="test part"):
        read_ctorg(tmp_path / "empty", ())


def test_prostate_3t_wants_its_zones_named(tmp_path: Path, put, marked) -> None:  # type: ignore[no-untyped-def]
    for n in (1, 2):
        put(tmp_path / IMAGES / f"Prostate3T-01-{n:04d}.nii.gz")
        put(tmp_path / OUTLINES / f"Prostate3T-01-{n:04d}.nrrd", marked(1, 2))
    names = ("first zone", "second zone")
    assert dict(read_prostate3t(tmp_path, names, 0.5).train[0].mask().names) == dict(enumerate(names, start=1))
    with pytest.raises(InputRefused, match="does not name the two zones"):
        read_prostate3t(tmp_path, (), 0.5)
    (tmp_path / IMAGES / "Prostate3T-01-0002.nii.gz").unlink()
    with pytest.raises(InputRefused, match="no volume of Prostate3T-01-0002"):
        read_prostate3t(tmp_path, names, 0.5)
