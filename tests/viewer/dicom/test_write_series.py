"""Written studies, read back with pydicom and with the viewer's own reader."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from inference.errors import JobCancelled
from inference.volume import Channel, Geometry, Volume
from viewer.dicom.write_headers import derived_uid, number
from viewer.dicom.write_series import (
    PhantomPatient,
    Pixels,
    SeriesToWrite,
    StudyNotWritten,
    Timing,
    WriteOptions,
    tilted,
    write_study,
)
from viewer.loading import scan


def volume(
    channel: Channel = Channel.CT, shape: tuple[int, int, int] = (6, 20, 24), gap_mm: float = 5.0, z: float = 0
) -> Volume:
    rng = np.random.default_rng(1)
    geometry = Geometry.from_axes(shape, (0.7, 0.9, gap_mm), (-10.0, 12.5, z))
    values = rng.integers(-900, 1800, shape) if channel is Channel.CT else rng.integers(0, 900, shape)
    scale = 0.003 if channel is Channel.ADC else 1.0
    return Volume((values * scale).astype(np.float32), geometry, channel, "HU" if channel is Channel.CT else "")


def written(folder: Path, *series: SeriesToWrite, seed: int = 0) -> list[Dataset]:
    write_study(folder / "study", series, options=WriteOptions(seed))
    return [pydicom.dcmread(file) for file in sorted((folder / "study").rglob("*.dcm"))]


def values(data: Dataset) -> np.ndarray:
    return data.pixel_array * float(data.get("RescaleSlope", 1)) + float(data.get("RescaleIntercept", 0))


@pytest.mark.parametrize("signed", [False, True])
def test_ct_comes_back(tmp_path: Path, signed: bool) -> None:
    source = volume()
    files = written(tmp_path, SeriesToWrite((source,), "CT", pixels=Pixels(signed=signed)))
    assert len(files) == 6
    for k, data in enumerate(files):
        np.testing.assert_array_equal(values(data), source.voxels[k])
        np.testing.assert_allclose(data.ImagePositionPatient, source.geometry.world_from_index((0, 0, k)), atol=1e-6)
        assert data.PixelRepresentation == int(signed)
        assert [float(v) for v in data.PixelSpacing] == [0.9, 0.7]
        assert data.SliceThickness == 5
    assert str(files[0].PatientName) == "Phantom^Digital Head"
    assert files[0].QualityControlSubject == "YES"


def test_mr_says_what_it_is(tmp_path: Path) -> None:
    files = written(
        tmp_path,
        SeriesToWrite((volume(Channel.DWI),), "DWI", Timing(6500, 80, b_value=1000)),
        SeriesToWrite((volume(Channel.ADC),), "ADC", Timing(6500, 80)),
        SeriesToWrite((volume(Channel.FLAIR),), "FLAIR", Timing(9000, 110, 2500)),
        SeriesToWrite((volume(Channel.T1C),), "T1 post", Timing(560, 10, contrast_agent="gadolinium")),
    )
    dwi, adc, flair, t1c = (next(d for d in files if d.SeriesNumber == n) for n in (1, 2, 3, 4))
    assert dwi.DiffusionBValue == 1000
    assert adc.ImageType[3] == "ADC"
    np.testing.assert_allclose(values(adc), volume(Channel.ADC).voxels[0], atol=5.1e-4)
    assert flair.InversionTime == 2500
    assert t1c.ContrastBolusAgent == "gadolinium"
    assert len({d.FrameOfReferenceUID for d in files}) == 1
    assert len({d.StudyInstanceUID for d in files}) == 1
    assert len({d.SeriesInstanceUID for d in files}) == 4
    assert len({d.SOPInstanceUID for d in files}) == len(files)


def test_the_viewer_reads_what_was_written(tmp_path: Path) -> None:
    channels = [Channel.CT, Channel.DWI, Channel.ADC, Channel.T2, Channel.FLAIR, Channel.T1, Channel.T1C]
    times = {
        Channel.DWI: Timing(6500, 80, b_value=1000),
        Channel.T2: Timing(5000, 98),
        Channel.FLAIR: Timing(9000, 110, 2500),
        Channel.T1: Timing(560, 10),
        Channel.T1C: Timing(560, 10, contrast_agent="gadolinium"),
    }
    written(tmp_path, *(SeriesToWrite((volume(c),), f"{c.value} ax", times.get(c, Timing(6500, 80))) for c in channels))
    study = scan(tmp_path / "study")
    assert sorted(s.channel.value for s in study.series) == sorted(c.value for c in channels)
    assert next(s.unit for s in study.series if s.channel is Channel.ADC) == "1e-3 mm2/s"
    assert not study.set_aside


@settings(max_examples=25)
@given(degrees=st.floats(-30, 30))
def test_tilt_turns_planes_and_keeps_the_table(degrees: float) -> None:
    flat = volume().geometry
    slanted = tilted(flat, degrees)
    np.testing.assert_allclose(slanted.affine[:3, 2], flat.affine[:3, 2])
    np.testing.assert_allclose(slanted.spacing_mm, flat.spacing_mm)
    middle = (np.array(flat.shape[::-1]) - 1) / 2
    np.testing.assert_allclose(slanted.world_from_index(middle), flat.world_from_index(middle), atol=1e-9)
    assert slanted.voxel_ml == pytest.approx(flat.voxel_ml * np.cos(np.radians(degrees)))


@pytest.mark.parametrize("degrees", [0.0, 10.0, -18.5])
def test_tilt_is_written_and_found(tmp_path: Path, degrees: float) -> None:
    source = volume(shape=(8, 20, 24))
    geometry = tilted(source.geometry, degrees)
    files = written(tmp_path, SeriesToWrite((Volume(source.voxels, geometry, Channel.CT, "HU"),), "CT"))
    assert float(files[0].GantryDetectorTilt) == pytest.approx(degrees, abs=1e-3)
    assert abs(scan(tmp_path / "study").series[0].gantry_tilt_deg) == pytest.approx(abs(degrees), abs=0.01)


def test_missing_slices_stay_away(tmp_path: Path) -> None:
    files = written(tmp_path, SeriesToWrite((volume(),), "CT", missing=frozenset({2, 3})))
    assert [int(d.InstanceNumber) for d in files] == [1, 2, 5, 6]


def test_two_phases_share_one_series(tmp_path: Path) -> None:
    files = written(tmp_path, SeriesToWrite((volume(), volume()), "CT perfusion"))
    assert len(files) == 12
    assert len({d.SeriesInstanceUID for d in files}) == 1
    assert sorted({int(d.AcquisitionNumber) for d in files}) == [1, 2]
    assert len({tuple(d.ImagePositionPatient) for d in files}) == 6


def test_uneven_spacing_is_two_stacks(tmp_path: Path) -> None:
    low, high = volume(gap_mm=4.0), volume(gap_mm=7.0, z=4.0 * 5 + 7.0)
    files = written(tmp_path, SeriesToWrite((low, high), "CT"))
    heights = sorted(float(d.ImagePositionPatient[2]) for d in files)
    assert set(np.round(np.diff(heights), 6)) == {4.0, 7.0}


def test_monochrome1_keeps_the_values(tmp_path: Path) -> None:
    files = written(tmp_path, SeriesToWrite((volume(),), "CT", pixels=Pixels(monochrome1=True)))
    assert files[0].PhotometricInterpretation == "MONOCHROME1"
    np.testing.assert_array_equal(values(files[0]), volume().voxels[0])


def test_a_localizer_stands_across(tmp_path: Path) -> None:
    files = written(tmp_path, SeriesToWrite((volume(),), "CT", localizer=True))
    scout = files[-1]
    assert "LOCALIZER" in scout.ImageType
    assert np.allclose([float(v) for v in scout.ImageOrientationPatient], [0, 1, 0, 0, 0, -1])
    assert (scout.Rows, scout.Columns) == (6, 20)
    kinds = sorted(s.kind.value for s in scan(tmp_path / "study").series)
    assert kinds == ["localizer", "volume"]


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        write_study(tmp_path / name, [SeriesToWrite((volume(),), "CT")], PhantomPatient(), WriteOptions(seed))
    content = {name: [f.read_bytes() for f in sorted((tmp_path / name).rglob("*.dcm"))] for name in "abc"}
    assert content["a"] == content["b"]
    assert content["a"] != content["c"]


def test_what_is_there_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    with pytest.raises(StudyNotWritten):
        write_study(tmp_path / "study", [SeriesToWrite((volume(),), "CT")])
    assert list((tmp_path / "study").iterdir()) == []


def test_a_refused_disk_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StudyNotWritten):
        write_study(tmp_path / "file" / "study", [SeriesToWrite((volume(),), "CT")])
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_cancelling_leaves_nothing(tmp_path: Path) -> None:
    answers = iter([False, False, True])
    with pytest.raises(JobCancelled):
        write_study(tmp_path / "study", [SeriesToWrite((volume(),), "CT")], cancelled=lambda: next(answers))
    assert list(tmp_path.iterdir()) == []


@given(value=st.floats(-9999, 9999))
def test_decimal_strings_fit(value: float) -> None:
    assert len(number(value)) <= 16
    assert float(number(value)) == pytest.approx(value, abs=1e-8)


def test_uids_are_valid_and_told_apart() -> None:
    uids = {derived_uid(seed, part) for seed in range(30) for part in ("study", 1, "1x")}
    assert len(uids) == 90
    assert all(pydicom.uid.UID(uid).is_valid for uid in uids)
