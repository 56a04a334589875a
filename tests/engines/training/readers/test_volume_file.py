"""Volumes from files: the same place in the world as SimpleITK says, and a refusal where a file says no place."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from engines.training.readers.volume_file import header, labels_of, one_volume, stem_of, voxels_of
from inference.errors import InputRefused


@pytest.mark.parametrize("ending", [".nii.gz", ".nii", ".nrrd", ".mha"])
def test_a_volume_lies_in_lps_where_simpleitk_puts_it(tmp_path: Path, put, ending: str) -> None:  # type: ignore[no-untyped-def]
    file = put(tmp_path / f"a{ending}")
    image, geometry = sitk.ReadImage(str(file)), header(file)
    for ijk in ((0, 0, 0), (4, 5, 3), (2, 1, 3)):
        np.testing.assert_allclose(geometry.world_from_index(ijk), image.TransformIndexToPhysicalPoint(ijk), atol=1e-4)
    np.testing.assert_array_equal(voxels_of(file), sitk.GetArrayFromImage(image))


def _with_codes(file: Path, qform: int, sform: int) -> Path:
    raw = bytearray(gzip.decompress(file.read_bytes()))
    struct.pack_into("<2h", raw, 252, qform, sform)
    file.write_bytes(gzip.compress(bytes(raw)))
    return file


def test_a_nifti_file_without_a_place_is_refused(tmp_path: Path, put) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputRefused, match="does not say where"):
        header(_with_codes(put(tmp_path / "a.nii.gz"), 0, 0))


def test_the_sform_stands_where_the_two_transforms_differ(tmp_path: Path, put) -> None:  # type: ignore[no-untyped-def]
    file = put(tmp_path / "a.nii.gz")
    raw = bytearray(gzip.decompress(file.read_bytes()))
    struct.pack_into("<2h", raw, 252, 1, 1)
    struct.pack_into("<f", raw, 280 + 3 * 4, 100.0)  # x of the sform's origin, RAS
    file.write_bytes(gzip.compress(bytes(raw)))
    assert header(file).origin_lps_mm[0] == pytest.approx(-100.0)
    assert header(_with_codes(file, 1, 0)).origin_lps_mm[0] == pytest.approx(-12.0, abs=1e-4)


def test_a_real_file_keeps_its_sform(shared_data) -> None:  # type: ignore[no-untyped-def]
    file = shared_data("ms-mri-ljubljana-p01/raw/patient01/study1_T1W.nii.gz")
    raw = gzip.decompress(file.read_bytes())
    sform = np.reshape(struct.unpack_from("<12f", raw, 280), (3, 4))
    np.testing.assert_allclose(header(file).affine[:3], np.diag([-1, -1, 1]) @ sform, atol=1e-4)


def test_a_series_in_one_file_is_refused(tmp_path: Path) -> None:
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((3, 4, 5, 6), np.float32), isVector=False), str(tmp_path / "a.nii"))
    with pytest.raises(InputRefused, match="no single volume"):
        header(tmp_path / "a.nii")


def test_labels_may_miss_the_whole_number_by_rounding_only(tmp_path: Path, put, marked) -> None:  # type: ignore[no-untyped-def]
    near = marked(1, 3, dtype=np.float32) * np.float32(1.0001)
    assert labels_of(put(tmp_path / "near.nii.gz", near)).max() == 3
    for values in (marked(1, dtype=np.float32) * 0.5, -marked(1, dtype=np.float32), marked(1, dtype=np.float32) * 300):
        with pytest.raises(InputRefused, match="no labels"):
            labels_of(put(tmp_path / "far.nii.gz", values))


def test_what_is_no_volume_or_lies_there_twice_is_refused_by_name(tmp_path: Path, put) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "text.nii").write_text("hello")
    for name in ("text.nii", "absent.nii.gz"):
        with pytest.raises(InputRefused, match=name):
            header(tmp_path / name)
    put(tmp_path / "a.nii.gz")
    assert one_volume(tmp_path, "a") == tmp_path / "a.nii.gz"
    put(tmp_path / "a.nrrd")
    with pytest.raises(InputRefused, match="twice"):
        one_volume(tmp_path, "a")
    assert stem_of(Path("x.y.NII.GZ")) == "x.y"


def test_voxels_that_are_no_numbers_are_refused(tmp_path: Path, put) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputRefused, match="no numbers"):
        voxels_of(put(tmp_path / "a.mha", np.full((2, 3, 4), np.nan, np.float32)))
