"""What names and values of research files say."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from inference.volume import Channel
from viewer.formats.names import channel_named, names_a_mask, names_b0, stem_of
from viewer.loading import read, scan
from viewer.study import GeometryState, SeriesKind


@pytest.mark.parametrize(
    ("name", "channel"),
    [
        ("BraTS-GLI-00001-000-t1n", "T1"), ("x-t1c", "T1C"), ("x-t1ce", "T1C"), ("sub-1_T1w_gd", "T1C"),
        ("x-t2w", "T2"), ("x-t2f", "FLAIR"), ("study1_FLAIR", "FLAIR"), ("t2_flair", "FLAIR"),
        ("Subject01_DWI", "DWI"), ("sub-1_ses-1_adc", "ADC"), ("CT_image", "CT"), ("head ct", "CT"),
        ("scct", "UNKNOWN"), ("ct2t1_t1_ct", "UNKNOWN"), ("MR_Gd", "UNKNOWN"), ("infarct", "UNKNOWN"),
    ],
)  # fmt: skip
def test_words_of_a_name(name, channel):
    assert channel_named(name).value == channel


@pytest.mark.parametrize(
    "name", ["CT_mask", "brain1_label", "lesionT2", "x_Lesion_Predict", "a-seg", "gt", "Mask", "T1seg"]
)
def test_names_of_masks(name):
    assert names_a_mask(name)


@pytest.mark.parametrize("name", ["T1_unmasked2", "ct", "brain", "gtr", "adc"])
def test_names_of_images(name):
    assert not names_a_mask(name)


@pytest.mark.parametrize(
    ("name", "b0"), [("x_b0", True), ("x b=0", True), ("b0000", True), ("b1000", False), ("ab0", False)]
)
def test_names_without_diffusion_weighting(name, b0):
    assert names_b0(name) == b0


def test_suffixes_are_cut():
    assert [stem_of(name) for name in ("a.nii.gz", "A.NII", "b.c.nrrd", "d")] == ["a", "A", "b.c", "d"]


def write(path, voxels):
    image = sitk.GetImageFromArray(voxels)
    image.SetDirection([-1, 0, 0, 0, 1, 0, 0, 0, 1])
    image.SetSpacing([0.5, 0.6, 4.0])
    image.SetOrigin([1.0, 2.0, 3.0])
    sitk.WriteImage(image, str(path), useCompression=False)
    return path


SUFFIXES = [".nii.gz", ".nrrd", ".mha", ".mhd", ".nhdr"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_each_format_keeps_values_and_places(tmp_path, suffix):
    voxels = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    write(tmp_path / f"t2{suffix}", voxels)
    study = scan(tmp_path)
    (series,) = study.series
    assert study.files_found == study.files_in_series == len(list(tmp_path.iterdir()))
    assert (series.channel, series.kind, series.state) == (Channel.T2, SeriesKind.VOLUME, GeometryState.OK)
    volume = read(series)
    np.testing.assert_array_equal(volume.voxels, voxels)
    assert volume.geometry.world_from_index([1, 1, 1]) == pytest.approx([0.5, 2.6, 7.0])
    assert np.linalg.det(volume.geometry.direction) == pytest.approx(-1)


def test_ct_needs_air_at_minus_1000(tmp_path):
    head = np.full((4, 8, 8), -1000, np.int16)
    head[1:3, 2:6, 2:6] = 40
    assert scan(write(tmp_path / "ct.nii", head)).series[0].unit == "HU"
    rescaled = ((head + 1000) / 1040).astype(np.float32)
    (series,) = scan(write(tmp_path / "ct2_ct.nii", rescaled)).series
    assert (series.channel, series.unit) == (Channel.UNKNOWN, "")
    assert "no air" in series.reasons[0]


def test_a_mask_needs_few_whole_numbers(tmp_path):
    labels = np.zeros((2, 3, 4), np.uint8)
    labels[0, 1] = 3
    assert scan(write(tmp_path / "lesion.mha", labels)).series[0].kind is SeriesKind.SEGMENTATION
    grey = np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32)
    assert scan(write(tmp_path / "brain_seg_t1.mha", grey)).series[0].kind is SeriesKind.VOLUME


def test_an_nrrd_without_a_space_is_blocked(tmp_path):
    path = tmp_path / "t1.nrrd"
    head = b"NRRD0004\ntype: uint8\ndimension: 3\nsizes: 2 2 2\nencoding: raw\nspacings: 1 1 1\n\n"
    path.write_bytes(head + bytes(range(8)))
    (series,) = scan(path).series
    assert (series.state, series.grid) == (GeometryState.BLOCKED, None)
    assert "space" in series.reasons[-1]


def test_real_files_agree_with_an_independent_reader(shared_data):
    for name in (
        "stroke-ads-jhu/Subject02/Subject02_ADC.nii.gz",
        "mr-brain-tumour-pyradiomics/brain1_image.nrrd",
        "ms-mri-ljubljana-p01/raw/patient01/study1_FLAIR.nii.gz",
    ):
        path = shared_data(name)
        volume, image = read(scan(path).series[0]), sitk.ReadImage(str(path))
        np.testing.assert_allclose(volume.voxels, sitk.GetArrayFromImage(image), rtol=1e-6)
        last = [side - 1 for side in image.GetSize()]
        assert volume.geometry.world_from_index(last) == pytest.approx(
            image.TransformIndexToPhysicalPoint(last), abs=1e-3
        )


def test_a_head_ct_rescaled_to_one_is_not_called_hu(shared_data):
    (series,) = scan(shared_data("mricrogl/ct.nii.gz")).series
    assert (series.channel, series.unit) == (Channel.UNKNOWN, "")
