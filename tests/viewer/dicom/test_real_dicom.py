"""Real files of other projects: either a volume or a sentence, and the numbers that are known of them."""

from __future__ import annotations

import numpy as np
import pytest

from inference.errors import InsulaError
from inference.volume import Channel
from viewer.dicom.pixels import PixelFile
from viewer.loading import read, scan
from viewer.study import GeometryState, SeriesKind

ROOMS = ("dicom-odd", "dicom-vendors-dicom2nifti")


def answer_of(door, asked):
    """What the door gives, or its refusal, which must be whole sentences."""
    try:
        return door(asked)
    except InsulaError as error:
        refusal = error
    assert refusal.message.endswith(".")
    assert refusal.hint.endswith(".")
    return refusal


def read_all(study):
    """Read every volume that is not blocked; a refusal must be a sentence."""
    read_ones = {}
    for series in study.series:
        if series.kind is SeriesKind.VOLUME:
            volume = answer_of(read, series)
            if isinstance(volume, InsulaError):
                continue
            assert volume.geometry.same_grid(series.grid)
            assert np.isfinite(volume.voxels).all()
            read_ones[series.uid] = volume
    return read_ones


@pytest.mark.slow
@pytest.mark.parametrize("room", ROOMS)
def test_a_whole_room_of_odd_files_is_accounted_for(shared_data, room):
    study = scan(shared_data(room))
    assert study.files_found == study.files_in_series + len(study.set_aside)
    assert all(one.reason.endswith(".") for one in study.set_aside)
    assert all(series.reasons for series in study.series if series.state is not GeometryState.OK)
    assert len(read_all(study)) > 20


@pytest.mark.slow
@pytest.mark.parametrize("room", ROOMS)
def test_each_odd_file_alone_is_a_study_or_a_sentence(shared_data, room):
    opened = 0
    for file in sorted(shared_data(room).rglob("*")):
        if not file.is_file():
            continue
        study = answer_of(scan, file)
        if isinstance(study, InsulaError):
            continue
        opened += 1
        assert study.files_found == study.files_in_series + len(study.set_aside)
        read_all(study)
    assert opened > 100


def test_the_ge_head_leans_by_18_5_degrees_and_changes_its_spacing(shared_data):
    study = scan(shared_data("ct-head-ge-tilt/In/GE"))
    (series,) = study.series
    assert series.files == 28
    assert abs(series.gantry_tilt_deg) == pytest.approx(18.5, abs=0.3)
    assert series.gantry_tilt_deg < 0
    assert series.steps_mm == pytest.approx([1.081, 4.002, 6.999], abs=0.01)
    assert any("1.08, 4.00, 7.00 mm" in reason for reason in series.reasons)
    assert (series.channel, series.unit, series.state) == (Channel.CT, "HU", GeometryState.CORRECTED)
    volume = read(series)
    assert volume.geometry.is_orthogonal
    air = volume.voxels[volume.valid]
    assert air.min() >= -1024
    assert np.median(air[(air > 0) & (air < 80)]) == pytest.approx(30, abs=10)


def test_the_ge_head_is_a_plumb_head_after_correction(shared_data):
    """Skull above and below a corrected slice lies over it: the centres of neighbouring slices stay together."""
    volume = read(scan(shared_data("ct-head-ge-tilt/In/GE")).series[0])
    bone = volume.voxels > 300
    slices = [k for k in range(5, 30) if bone[k].sum() > 1000]
    rows = [np.argwhere(bone[k])[:, 0].mean() for k in slices]
    moved_mm = abs(np.polyfit(slices, rows, 1)[0]) * volume.geometry.spacing_mm[1]
    assert moved_mm < 0.5 * np.tan(np.radians(18.5)) * volume.geometry.spacing_mm[2]


def test_prostate_diffusion_is_three_series_of_19_images(shared_data):
    study = scan(shared_data("prostate-prostatex/ProstateX"))
    parts = [one for one in study.series if one.reasons and one.reasons[0].endswith("of 57 in this series.")]
    assert [part.acquired_shape[0] for part in parts] == [19, 19, 19]
    assert [part.channel for part in parts] == [Channel.UNKNOWN, Channel.UNKNOWN, Channel.DWI]
    channels = [series.channel for series in study.series]
    assert channels.count(Channel.ADC) == 1
    assert channels.count(Channel.T2) == 3


@pytest.mark.parametrize("coded", ["compressed_j2k", "compressed_jpeg", "compressed_jpegls"])
def test_every_lossless_coding_of_one_series_holds_the_same_values(shared_data, coded):
    base = shared_data("dicom-vendors-dicom2nifti/generic/compressed_rle/001")
    plain = read(scan(base).series[0])
    again = read(scan(shared_data(f"dicom-vendors-dicom2nifti/generic/{coded}/001")).series[0])
    assert again.geometry.same_grid(plain.geometry)
    np.testing.assert_array_equal(again.voxels, plain.voxels)


def test_twelve_bit_jpeg_is_read_through_the_second_decoder(shared_data):
    room = shared_data("dicom-odd/dicomParser/encapsulated/multi-frame")
    exact = read(scan(room / "CT0012.explicit_little_endian.dcm").series[0])
    lossy = read(scan(room / "CT0012.fragmented_no_bot_jpeg_baseline.51.dcm").series[0])
    assert np.ptp(lossy.voxels - exact.voxels) < 32, "equal but for the encoder's own offset and its loss"


def test_twelve_bit_jpeg_adds_no_offset(shared_data):
    lossless, lossy = (
        PixelFile(shared_data(f"dicom-odd/dwv/nema-nm1_{coded}.dcm"), 0.0, False).plane(0).values
        for coded in ("jpll", "jply")
    )
    assert lossy.mean() == pytest.approx(lossless.mean(), abs=1)
    assert np.corrcoef(lossy.ravel(), lossless.ravel())[0, 1] > 0.98


@pytest.mark.parametrize("name", ["12bitSigned_0x0F0F", "12bitUnsigned_0x0F0F", "12bitUnsigned"])
def test_twelve_bits_stay_twelve_bits(shared_data, name):
    volume = read(scan(shared_data(f"dicom-odd/dcm_qa_12bit/In/{name}.dcm")).series[0])
    low, high = (-2048, 2047) if "Signed" in name and "Unsigned" not in name else (0, 4095)
    assert low <= volume.voxels.min() < volume.voxels.max() <= high
