"""From files to voxels: numbers that must be right before any picture is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import JPEG2000Lossless, JPEGLSLossless, RLELossless

from inference.errors import InputRefused, JobCancelled
from inference.volume import Channel
from viewer.dicom.read import middle_first
from viewer.loading import read, scan
from viewer.study import GeometryState, SeriesKind

LETTER_F = np.array([[1, 1, 1, 1], [1, 0, 0, 0], [1, 1, 1, 0], [1, 0, 0, 0], [1, 0, 0, 0]], np.int16)


def phantom(slices=4, rows=12, columns=10) -> np.ndarray:
    """An F in one corner, other values in every slice: no flip, swap or shuffle leaves it unchanged."""
    voxels = np.full((slices, rows, columns), -1000, np.int16)
    for k in range(slices):
        voxels[k, 2:7, 3:7] = np.where(LETTER_F, 100 + 10 * k, -1000)
    return voxels


def only(folder):
    study = scan(folder)
    assert study.files_found == study.files_in_series + len(study.set_aside)
    assert len(study.series) == 1, [series.reasons for series in study.series]
    return study.series[0]


def test_a_plain_series_keeps_every_value_at_its_place(tmp_path, write_series):
    voxels = phantom()
    series = only(write_series(tmp_path, voxels, spacing=(0.5, 2.0), step=(0, 0, 3.0)))
    volume = read(series)
    np.testing.assert_array_equal(volume.voxels, voxels)
    assert volume.geometry.spacing_mm == pytest.approx((0.5, 2.0, 3.0))
    assert (volume.channel, volume.unit, volume.valid) == (Channel.CT, "HU", None)
    assert volume.geometry.world_from_index([1, 1, 1]) == pytest.approx([0.5, 2.0, 3.0])
    assert volume.geometry.frame_of_reference == "1.2.3.9"


def test_descending_files_are_put_in_ascending_order(tmp_path, write_series):
    voxels = phantom()
    volume = read(only(write_series(tmp_path, voxels, step=(0, 0, -3.0))))
    np.testing.assert_array_equal(volume.voxels, voxels[::-1])
    assert volume.geometry.origin_lps_mm == pytest.approx([0, 0, -9])


@pytest.mark.parametrize(
    ("row", "column"),
    [((0, 1, 0), (0, 0, -1)), ((1, 0, 0), (0, 0, -1)), ((0.8, 0.6, 0), (0, 0, -1)), ((-1, 0, 0), (0, 1, 0))],
    ids=["sagittal", "coronal", "oblique", "feet first"],
)
def test_every_orientation_keeps_patient_positions(tmp_path, write_series, row, column):
    voxels = phantom()
    normal = np.cross(row, column)
    series = only(write_series(tmp_path, voxels, row=row, column=column, step=tuple(2.5 * normal), spacing=(0.5, 2)))
    volume = read(series)
    np.testing.assert_array_equal(volume.voxels, voxels)
    place = 3 * 0.5 * np.array(row) + 2 * 2.0 * np.array(column) + 1 * 2.5 * normal
    assert volume.geometry.world_from_index([3, 2, 1]) == pytest.approx(place)
    assert np.linalg.det(volume.geometry.direction) == pytest.approx(1)


@pytest.mark.parametrize("tilt", [0, 10, 20, 25])
def test_a_block_of_42_ml_in_a_tilted_series_measures_its_true_volume(tmp_path, write_series, tilt):
    """Table step 5 mm, 21 slices: 20 x 20 mm in the plane, so 42 mL x cos(tilt) between parallel planes."""
    lean = np.radians(tilt)
    voxels = np.zeros((21, 60, 60), np.int16)
    voxels[:, 20:40, 20:40] = 1000
    column = (0, np.cos(lean), -np.sin(lean))
    series = only(write_series(tmp_path, voxels, spacing=(1, 1), column=column, step=(0, 0, 5.0), RescaleType="US"))
    assert series.gantry_tilt_deg == pytest.approx(-tilt, abs=0.01)
    assert series.steps_mm == pytest.approx([5 * np.cos(lean)], abs=1e-3)
    volume = read(series)
    true_ml = 42.0 * np.cos(lean)
    assert volume.geometry.is_orthogonal
    assert np.count_nonzero(volume.voxels > 500) * volume.geometry.voxel_ml == pytest.approx(true_ml, rel=0.01)
    assert volume.voxels.sum() / 1000 * volume.geometry.voxel_ml == pytest.approx(true_ml, rel=0.01)
    assert (series.state is GeometryState.CORRECTED) == (tilt > 0)


@pytest.mark.parametrize("tilt", [0, 20])
def test_a_marker_in_a_tilted_series_stays_at_its_place_in_the_patient(tmp_path, write_series, tilt):
    lean = np.radians(tilt)
    voxels = np.zeros((21, 40, 40), np.int16)
    voxels[18, 10, 30] = 1000
    column = np.array([0, np.cos(lean), -np.sin(lean)])
    volume = read(only(write_series(tmp_path, voxels, spacing=(1, 1), column=column, RescaleType="US")))
    index = np.argwhere(volume.voxels > 0)[:, ::-1]
    weights = volume.voxels[volume.voxels > 0]
    found = np.average(volume.geometry.world_from_index(index), axis=0, weights=weights)
    assert found == pytest.approx(np.array([0, 0, 90.0]) + 30 * np.array([1, 0, 0]) + 10 * column, abs=0.01)


def test_missing_slices_are_empty_and_the_others_in_place(tmp_path, write_series):
    voxels = phantom(21)
    kept = [k for k in range(21) if k not in (9, 10)]
    positions = [(0, 0, 5.0 * k) for k in kept]
    series = only(write_series(tmp_path, voxels[kept], positions=positions))
    volume = read(series)
    np.testing.assert_array_equal(volume.voxels[kept], voxels[kept])
    assert (volume.voxels[9:11] == -1024).all()
    assert not volume.valid[9:11].any()
    assert volume.valid[kept].all()
    assert any("2 slices are missing" in reason for reason in series.reasons)


def test_uneven_spacing_keeps_volume(tmp_path, write_series):
    """A block through 4 mm and 7 mm slices holds the same mL as by hand: area x (half of the steps on both sides)."""
    offsets = np.cumsum([0.0] + [4.0] * 8 + [7.0] * 8)
    voxels = np.zeros((17, 40, 40), np.int16)
    voxels[4:13, 10:30, 10:30] = 1000
    positions = [(0, 0, z) for z in offsets]
    volume = read(only(write_series(tmp_path, voxels, spacing=(1, 1), positions=positions, RescaleType="US")))
    true_ml = 20 * 20 * ((offsets[13] + offsets[12]) / 2 - (offsets[4] + offsets[3]) / 2) / 1000
    assert volume.voxels.sum() / 1000 * volume.geometry.voxel_ml == pytest.approx(true_ml, rel=0.02)


def test_slope_and_intercept_of_each_slice(tmp_path, write_series):
    voxels = np.full((3, 4, 4), 100, np.uint16)
    each = lambda k: {"RescaleSlope": k + 1, "RescaleIntercept": -10 * k}  # noqa: E731
    volume = read(only(write_series(tmp_path, voxels, each=each)))
    assert volume.voxels[:, 0, 0].tolist() == [100, 190, 280]


@pytest.mark.parametrize("signed", [False, True])
def test_rubbish_above_the_twelve_stored_bits_is_dropped(tmp_path, write_series, signed):
    true = np.array([[[-5 if signed else 4000, 7], [2047, 0]]], np.int16)
    stored = (true.astype(np.uint16) & 0x0FFF) | 0xA000
    tags = {"BitsStored": 12, "HighBit": 11, "PixelRepresentation": int(signed)}
    volume = read(only(write_series(tmp_path, stored, **tags)))
    np.testing.assert_array_equal(volume.voxels, true)


def test_values_stored_in_the_high_bits_are_brought_down(tmp_path, write_series):
    stored = (np.array([[[5, 4095], [1, 0]]], np.uint16) << 4) | 0x000B
    volume = read(only(write_series(tmp_path, stored, BitsStored=12, HighBit=15)))
    np.testing.assert_array_equal(volume.voxels, [[[5, 4095], [1, 0]]])


@pytest.mark.parametrize(
    ("stored", "tags"),
    [
        (np.int16(-2000), {"PixelPaddingValue": -2000}),
        (np.uint16(63536), {"PixelPaddingValue": 63536, "RescaleIntercept": -1024}),
        (np.int16(-3000), {"PixelPaddingValue": -3024, "PixelPaddingRangeLimit": -2000}),
        (np.int16(-3024), {}),
    ],
    ids=["value", "unsigned", "range", "no tag, impossible HU"],
)
def test_padding_is_set_apart_before_rescale(tmp_path, write_series, stored, tags):
    voxels = np.full((2, 6, 6), 40, stored.dtype)
    voxels[:, 0] = stored
    volume = read(only(write_series(tmp_path, voxels, **tags)))
    assert (volume.voxels[:, 0] == -1024).all()
    assert not volume.valid[:, 0].any()
    assert volume.valid[:, 1:].all()
    assert (volume.voxels[:, 1:] == 40 + tags.get("RescaleIntercept", 0)).all()


def test_monochrome1_is_told_and_left_as_stored(tmp_path, write_series):
    series = only(write_series(tmp_path, phantom(), PhotometricInterpretation="MONOCHROME1"))
    assert series.inverted
    np.testing.assert_array_equal(read(series).voxels, phantom())


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless, JPEG2000Lossless])
@pytest.mark.parametrize("kind", [np.int16, np.uint16])
def test_compressed_pixels_are_the_same(tmp_path, write_series, syntax, kind):
    voxels = (phantom(3, 32, 32) + (0 if kind is np.int16 else 1000)).astype(kind)
    np.testing.assert_array_equal(read(only(write_series(tmp_path, voxels, syntax=syntax))).voxels, voxels)


def test_an_unknown_transfer_syntax_is_named(tmp_path, write_series):
    folder = write_series(tmp_path, phantom(1))
    file = next(folder.iterdir())
    raw = file.read_bytes()
    old, new = b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.4.100\0"
    at = raw.index(b"\x02\x00\x10\x00UI")
    length = int.from_bytes(raw[144 - 4 : 144], "little") + len(new) - len(old)
    raw = (
        raw[:140]
        + length.to_bytes(4, "little")
        + raw[144 : at + 6]
        + len(new).to_bytes(2, "little")
        + new
        + raw[at + 8 + len(old) :]
    )
    file.write_bytes(raw)
    with pytest.raises(InputRefused, match=r"transfer syntax MPEG2 .*1\.2\.840\.10008\.1\.2\.4\.100"):
        read(only(folder))


def test_a_truncated_file_is_refused_in_a_sentence(tmp_path, write_series):
    folder = write_series(tmp_path, phantom(1, 64, 64))
    file = next(folder.iterdir())
    file.write_bytes(file.read_bytes()[:-4000])
    with pytest.raises(InputRefused, match="cannot be decoded"):
        read(only(folder))


def test_a_file_that_went_away_is_refused(tmp_path, write_series):
    series = only(write_series(tmp_path, phantom()))
    series.frames[0].file.unlink()
    with pytest.raises(InputRefused):
        read(series)


def test_partial_volumes_share_one_array_and_the_middle_comes_first(tmp_path, write_series, monkeypatch):
    monkeypatch.setattr("viewer.dicom.read.PARTIAL_EVERY_S", 0.0)
    voxels = phantom(9)
    seen = []
    final = read(
        only(write_series(tmp_path, voxels)),
        on_partial=lambda volume: seen.append((volume, [bool(plane.any()) for plane in volume.valid])),
    )
    assert len(seen) == 8
    assert [k for k, there in enumerate(seen[0][1]) if there] == [4]
    assert [sum(there) for _, there in seen] == list(range(1, 9))
    assert all(np.shares_memory(volume.voxels, final.voxels) for volume, _ in seen)
    assert final.valid is None
    with pytest.raises(ValueError, match="read-only"):
        final.voxels[0] = 0


@given(st.integers(1, 40))
def test_middle_first_visits_every_slice_once(count):
    order = list(middle_first(count))
    assert sorted(order) == list(range(count))
    assert order[0] == count // 2


def test_progress_and_cancel(tmp_path, write_series):
    series = only(write_series(tmp_path, phantom()))
    steps = []
    read(series, progress=steps.append)
    assert [(step.done, step.total) for step in steps] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    with pytest.raises(JobCancelled):
        read(series, cancelled=lambda: True)


def test_images_without_a_place_are_blocked(tmp_path, write_series):
    series = only(write_series(tmp_path, phantom(), each=lambda k: {"ImagePositionPatient": None}))
    assert (series.kind, series.state, series.grid) == (SeriesKind.VOLUME, GeometryState.BLOCKED, None)
    with pytest.raises(InputRefused, match="where in the patient"):
        read(series)


def test_enhanced_frames_have_their_own_slope_and_place(tmp_path, write_enhanced):
    voxels = np.full((3, 4, 5), 10, np.uint16)
    frames = [{"z": 6, "slope": 1}, {"z": 0, "slope": 2, "intercept": 5}, {"z": 3, "slope": 3}]
    series = only(write_enhanced(tmp_path / "mf.dcm", voxels, frames))
    volume = read(series)
    assert volume.voxels[:, 0, 0].tolist() == [25, 30, 10]
    assert volume.geometry.spacing_mm == pytest.approx((2.0, 1.0, 3.0))
    assert volume.unit == ""
