"""Which real study is taken for which part of the body. Skipped by name where the studies are not at hand."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from inference.errors import InputRefused
from inference.steps.region import Region, midline_of, require_region
from inference.steps.structures import structures
from inference.volume import Channel, Mask, Volume
from viewer.loading import read, scan
from viewer.match import WORDS
from viewer.study import GeometryState, Series, SeriesKind

HEAD, TRUNK, PELVIS = Region.HEAD, Region.TRUNK, Region.PELVIS
TABLE = {
    "ct-head-ge-tilt": {"CT": [{HEAD}]},
    "clinical-toolbox": {"T2": [{HEAD}], "UNKNOWN": [{HEAD}]},
    "stroke-ads-jhu": {"DWI": [{HEAD}], "ADC": [{HEAD}], "UNKNOWN": [{HEAD}]},
    "stroke-deepisles-case0001": {"DWI": [{HEAD}], "ADC": [{HEAD}]},
    "tumour-brats-gli-00001": {"T1": [{HEAD}], "T1C": [{HEAD}], "T2": [{HEAD}], "FLAIR": [{HEAD}]},
    "ms-mri-ljubljana-p01": {"T1": [{HEAD}], "T2": [{HEAD}], "FLAIR": [{HEAD}]},
    "mr-brain-tumour-pyradiomics/brain1_image.nrrd": {"UNKNOWN": [{HEAD}]},
    "mr-brain-tumour-pyradiomics/breast1_image.nrrd": {"UNKNOWN": [set()]},
    "ichseg-ct-template": {"UNKNOWN": [{HEAD}]},
    "ct-body-totalseg/example_ct.nii.gz": {"CT": [{TRUNK}]},
    "ct-body-totalseg/example_ct_sm.nii.gz": {"CT": [{TRUNK}]},
    "ct-body-totalseg/example_ct_dicom": {"CT": [{TRUNK}]},
    "pairs-ct-mr-pet-sarcoma/nifti": {"CT": [set()], "T1": [set()], "UNKNOWN": [set()]},
    "prostate-prostatex/ProstateX": {
        # T2 in three planes: the coronal one fills its field too, and the road wants axial slices.
        "T2": [{PELVIS}, set()],
        "DWI": [{PELVIS}, set()],
        "ADC": [set()],
        "UNKNOWN": [{PELVIS}, set()],
    },
    "dicom-odd/dwv/osirix-goudurix.dcm": {"CT": [set()]},
    "dicom-odd/pydicom-data/bad_sequence.dcm": {"CT": [set()]},
    "dicom-odd/pydicom-data/explicit_VR-UN.dcm": {"CT": [{TRUNK}]},
    "dicom-odd/dcmqi/segmentations/ct-3slice": {"CT": [{TRUNK}]},
}
"""Study -> channel -> what its series may be taken for; the vendors' set, noise in place of patients, stands apart."""


def series_of(path: Path) -> list[Series]:
    return [s for s in scan(path).series if s.kind is SeriesKind.VOLUME and s.state is not GeometryState.BLOCKED]


@lru_cache(maxsize=12)
def volumes_of(path: Path) -> list[tuple[Series, Volume]]:
    return [(one, read(one)) for one in series_of(path)]


def taken_for(volume: Volume) -> set[Region]:
    found = set()
    for region in (HEAD, TRUNK, PELVIS):
        try:
            require_region(region, volume)
        except InputRefused:
            continue
        found.add(region)
    return found


@pytest.mark.parametrize("study", TABLE)
def test_each_real_study_is_taken_for_what_it_is(shared_data, study):
    found = [(one.channel.value, taken_for(volume)) for one, volume in volumes_of(shared_data(study))]
    assert found
    for channel, regions in found:
        assert regions in TABLE[study][channel], (channel, regions)
    for channel, allowed in TABLE[study].items():
        assert all(any(regions == one for name, regions in found if name == channel) for one in allowed), channel


def test_the_axial_t2_of_a_real_prostate_is_a_pelvis(shared_data):
    axial = [
        taken_for(volume)
        for _, volume in volumes_of(shared_data("prostate-prostatex/ProstateX"))
        if volume.channel is Channel.T2 and abs(volume.geometry.direction[2, 2]) > 0.9
    ]
    assert axial == [{PELVIS}]


def test_heads_of_many_vendors_whose_voxels_are_noise_are_nothing(shared_data):
    found = [taken_for(volume) for _, volume in volumes_of(shared_data("dicom-vendors-dicom2nifti"))]
    assert len(found) > 40
    assert not any(found)


def test_no_real_volume_is_taken_for_two_parts_of_the_body(shared_data):
    found = [(one, taken_for(volume)) for one, volume in volumes_of(shared_data("dicom-odd"))]
    assert all(len(regions) < 2 for _, regions in found)
    for series, regions in found:
        if series.body_part == "HEAD":
            assert regions <= {HEAD}
    assert {one.body_part for one, regions in found if TRUNK in regions} >= {"PANCREAS", "HEART"}


def test_the_headers_of_real_trunks_and_limbs_agree_with_the_gates(shared_data):
    (words,) = {one.body_part for one in series_of(shared_data("ct-body-totalseg/example_ct_dicom"))}
    assert any(word in words for word in WORDS[TRUNK])
    limbs = {one.body_part for one in series_of(shared_data("pairs-ct-mr-pet-sarcoma/dicom"))}
    assert limbs == {"EXTREMITY"}
    assert not any(word in "EXTREMITY" for region in (HEAD, TRUNK, PELVIS) for word in WORDS[region])


@pytest.mark.parametrize(
    ("study", "spine_x_mm"),
    [
        ("ct-body-totalseg/example_ct_sm.nii.gz", 5.0),
        ("ct-body-totalseg/example_ct.nii.gz", 3.0),
        ("dicom-odd/pydicom-data/explicit_VR-UN.dcm", 226.0),
        ("dicom-odd/dcmqi/segmentations/ct-3slice", -29.0),
        ("dicom-odd/dicompyler/example_data/ct.0.dcm", 2.0),
    ],
)
def test_the_midline_of_a_real_trunk_is_its_spine(shared_data, study, spine_x_mm):
    """Of these bodies one is cut off, and two lie beside an arm that pulls the middle of their outline 40 mm away."""
    volume = next(volume for _, volume in volumes_of(shared_data(study)) if volume.channel is Channel.CT)
    found = midline_of(TRUNK, volume)
    assert found is not None
    assert found.x_mm == pytest.approx(spine_x_mm, abs=7.0)


def test_real_kidneys_are_told_side_by_side(shared_data):
    """The reference names each kidney; put under one label, they must come apart again, and the spleen lie left."""
    ((_, ct),) = volumes_of(shared_data("ct-body-totalseg/example_ct_sm.nii.gz"))
    names = sitk.GetArrayFromImage(sitk.ReadImage(str(shared_data("ct-body-totalseg/example_seg.nii.gz"))))
    spleen, right, left, liver = 1, 2, 3, 5
    assert names.shape == ct.geometry.shape
    labels = np.select([np.isin(names, (right, left)), names == spleen, names == liver], [1, 2, 3]).astype(np.uint8)
    mask = Mask(labels, ct.geometry, {1: "kidneys", 2: "spleen", 3: "liver"})
    found = structures(mask, np.ones(labels.shape, np.float32), ("kidneys",), midline_of(TRUNK, ct))
    assert [(one.label, one.side) for one in found] == [
        ("kidneys", "R"), ("kidneys", "L"), ("spleen", "L"), ("liver", "R"),
    ]  # fmt: skip
    for one, value in zip(found, (right, left), strict=False):
        assert one.volume_ml == pytest.approx(np.count_nonzero(names == value) * ct.geometry.voxel_ml, rel=0.01)
