"""NIfTI: both transforms, scaling, 4D, and what is refused."""

from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from inference.errors import InputRefused
from inference.volume import Channel
from viewer.formats.nifti import LPS_FROM_RAS, NiftiFormat, difference, parse
from viewer.loading import read, scan
from viewer.study import GeometryState

AXES = Rotation.from_euler("xyz", [10, -20, 30], degrees=True).as_matrix()


def sitk_file(path, voxels=None, direction=AXES, spacing=(0.5, 2.0, 3.0), origin=(7.0, -8.0, 9.0)):
    voxels = np.arange(2 * 3 * 4, dtype=np.int16).reshape(2, 3, 4) if voxels is None else voxels
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing(spacing)
    image.SetOrigin(origin)
    image.SetDirection(np.asarray(direction).ravel())
    sitk.WriteImage(image, str(path))
    return path


def patched(path, *edits):
    """Overwrite header bytes: (offset, format, values...)."""
    raw = bytearray(path.read_bytes())
    for offset, form, *numbers in edits:
        struct.pack_into("<" + form, raw, offset, *numbers)
    path.write_bytes(bytes(raw))
    return path


QFORM, SFORM, SROW, SLOPE, DIM, DATATYPE = 252, 254, 280, 112, 40, 70


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_values_and_places_agree_with_an_independent_reader(tmp_path, suffix):
    path = sitk_file(tmp_path / f"a{suffix}")
    volume = read(scan(path).series[0])
    image = sitk.ReadImage(str(path))
    np.testing.assert_array_equal(volume.voxels, sitk.GetArrayFromImage(image))
    for index in ([0, 0, 0], [3, 2, 1], [1, 2, 0]):
        place = image.TransformIndexToPhysicalPoint(index)
        assert volume.geometry.world_from_index(index) == pytest.approx(place, abs=1e-4)


@given(st.tuples(*[st.floats(-180, 180)] * 3), st.booleans())
def test_quaternion_and_matrix_say_the_same(tmp_path_factory, turn, left_handed):
    axes = Rotation.from_euler("xyz", turn, degrees=True).as_matrix()
    if left_handed:
        axes = axes * [1, 1, -1]
    path = sitk_file(tmp_path_factory.mktemp("q") / "a.nii", direction=axes)
    found = parse(path)
    angle, shift = difference(found.qform, found.sform, found.dim[1:4])
    assert angle < 0.1
    assert shift < 0.01
    grid = NiftiFormat().header(path).grid
    assert grid.direction == pytest.approx(axes, abs=1e-3)


def test_the_sform_wins_and_a_difference_is_told(tmp_path):
    path = sitk_file(tmp_path / "a.nii", direction=np.eye(3))
    patched(path, (SFORM, "h", 2), (SROW + 12, "f", 30.0))
    (series,) = scan(path).series
    assert series.reasons[-1] == (
        "Its two transforms differ by 0.0 degrees and 37.0 mm: the sform (aligned) is used, not the qform (scanner)."
    )
    assert series.grid.origin_lps_mm[0] == pytest.approx(-30)


def test_the_qform_is_used_where_there_is_no_sform(tmp_path):
    path = patched(sitk_file(tmp_path / "a.nii"), (SFORM, "h", 0), (SROW, "4f", 9, 9, 9, 9))
    assert scan(path).series[0].grid.direction == pytest.approx(AXES, abs=1e-5)


def test_with_neither_code_left_and_right_are_not_assumed(tmp_path):
    (series,) = scan(patched(sitk_file(tmp_path / "a.nii"), (QFORM, "2h", 0, 0))).series
    assert (series.state, series.grid) == (GeometryState.BLOCKED, None)
    with pytest.raises(InputRefused, match="codes are 0"):
        read(series)


def test_a_sheared_grid_is_blocked(tmp_path):
    path = sitk_file(tmp_path / "a.nii", direction=np.eye(3))
    patched(path, (QFORM, "2h", 0, 1), (SROW, "12f", 1, 0.3, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0))
    (series,) = scan(path).series
    assert series.state is GeometryState.BLOCKED
    assert "sheared" in series.reasons[-1]


@pytest.mark.parametrize(
    ("slope", "inter", "expected"), [(0.0, 5.0, 3.0), (2.0, -1.0, 5.0), (1.0, 0.0, 3.0), (float("nan"), 0.0, 3.0)]
)
def test_a_slope_of_zero_or_nothing_scales_nothing(tmp_path, slope, inter, expected):
    path = patched(sitk_file(tmp_path / "a.nii"), (SLOPE, "2f", slope, inter))
    assert read(scan(path).series[0]).voxels[0, 0, 3] == expected


def test_each_volume_of_a_4d_file_is_a_series(tmp_path):
    path = sitk_file(tmp_path / "perf.nii", voxels=np.arange(4 * 3 * 4, dtype=np.int16).reshape(4, 3, 4))
    patched(path, (DIM, "8h", 4, 4, 3, 2, 2, 1, 1, 1))
    study = scan(path)
    assert [series.files for series in study.series] == [1, 0]
    assert study.files_found == study.files_in_series == 1
    assert [read(series).voxels[0, 0, 0] for series in study.series] == [0, 24]
    assert study.series[1].uid.endswith("#2")
    assert "Volume 2 of 2 in one file." in study.series[1].reasons


def test_big_endian_is_read(tmp_path):
    path = sitk_file(tmp_path / "a.nii", voxels=np.full((2, 3, 4), 258, np.int16))
    little = path.read_bytes()
    fields = "i10s18sihcB8h3f4h8f3fhBB4f2i80s24s2h6f12f16s4s"
    header = struct.pack(">" + fields, *struct.unpack_from("<" + fields, little))
    path.write_bytes(header + little[348:352] + np.full(24, 258, ">i2").tobytes())
    volume = read(scan(path).series[0])
    assert (volume.voxels == 258).all()
    assert volume.geometry.direction == pytest.approx(AXES, abs=1e-5)


def test_nifti2_is_read(tmp_path):
    affine = np.array([[-0.5, 0, 0, 1], [0, -2, 0, 2], [0, 0, 3, 3.0]])
    raw = bytearray(544)
    struct.pack_into("<i8s2h8q", raw, 0, 540, b"n+2\0\r\n\x1a\n", 16, 32, 3, 4, 3, 2, 1, 1, 1, 1)
    struct.pack_into("<8d", raw, 104, 1, 0.5, 2, 3, 0, 0, 0, 0)
    struct.pack_into("<q2d", raw, 168, 544, 1.0, 0.0)
    struct.pack_into("<2i", raw, 344, 0, 1)
    struct.pack_into("<12d", raw, 400, *affine.ravel())
    path = tmp_path / "two.nii"
    path.write_bytes(bytes(raw) + np.arange(24, dtype="<f4").tobytes())
    volume = read(scan(path).series[0])
    assert volume.voxels[1, 2, 3] == 23
    assert volume.geometry.affine == pytest.approx(LPS_FROM_RAS @ np.vstack([affine, [0, 0, 0, 1]]))


def test_a_cut_file_is_refused_when_it_is_read(tmp_path):
    path = sitk_file(tmp_path / "a.nii.gz")
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes())[:-8]))
    with pytest.raises(InputRefused, match="damaged"):
        read(scan(path).series[0])


def test_what_is_not_nifti_says_so(tmp_path):
    path = tmp_path / "a.nii"
    path.write_bytes(b"hello" * 200)
    with pytest.raises(InputRefused, match="not a NIfTI file"):
        scan(path)


def test_colour_is_set_aside(tmp_path):
    path = patched(sitk_file(tmp_path / "a.nii"), (DATATYPE, "h", 128))
    with pytest.raises(InputRefused, match="colours"):
        scan(path)


def test_not_a_number_is_not_measured(tmp_path):
    voxels = np.ones((2, 3, 4), np.float32)
    voxels[0, 0, 0] = np.nan
    volume = read(scan(sitk_file(tmp_path / "t1.nii", voxels=voxels)).series[0])
    assert volume.channel is Channel.T1
    assert volume.voxels[0, 0, 0] == 0
    assert np.argwhere(~volume.valid).tolist() == [[0, 0, 0]]
