"""Every image is in a series or set aside, and every parting has its reason."""

from __future__ import annotations

import shutil
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.uid import (
    BasicTextSRStorage,
    EncapsulatedPDFStorage,
    MRImageStorage,
    RTStructureSetStorage,
    SecondaryCaptureImageStorage,
    SegmentationStorage,
)

from inference.volume import Channel
from viewer.dicom.inspect import report
from viewer.loading import read, scan
from viewer.study import GeometryState, SeriesKind

SAGITTAL = {"ImageOrientationPatient": [0, 1, 0, 0, 0, -1]}


def plain(slices=6, value=0) -> np.ndarray:
    return np.full((slices, 8, 8), value, np.int16)


def test_a_localizer_inside_the_series_stands_apart(tmp_path, write_series):
    each = lambda k: SAGITTAL if k == 0 else {}  # noqa: E731
    main, localizer = scan(write_series(tmp_path, plain(7), each=each)).series
    assert (main.kind, main.grid.shape[0]) == (SeriesKind.VOLUME, 6)
    assert (localizer.kind, localizer.files, localizer.grid) == (SeriesKind.LOCALIZER, 1, None)
    assert localizer.uid == "1.2.3.4#2"
    assert "another plane" in " ".join(localizer.reasons)
    assert main.reasons[0] == "6 images of 7 in this series."


@pytest.mark.parametrize("tags", [{"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, {"SeriesDescription": "Scout"}])
def test_a_series_that_says_localizer_is_one(tmp_path, write_series, tags):
    (series,) = scan(write_series(tmp_path, plain(2), **tags)).series
    assert series.kind is SeriesKind.LOCALIZER


def test_two_phases_under_one_uid_become_two_volumes(tmp_path, write_series):
    voxels = np.concatenate([plain(6, 10), plain(6, 50)])
    positions = [(0, 0, 3.0 * (k % 6)) for k in range(12)]
    each = lambda k: {"AcquisitionNumber": 1 + k // 6}  # noqa: E731
    first, second = scan(write_series(tmp_path, voxels, positions=positions, each=each)).series
    assert {first.steps_mm, second.steps_mm} == {(3.0,)}
    assert (read(first).voxels == 10).all()
    assert (read(second).voxels == 50).all()
    assert first.reasons[1] == "Several images lie at each position; these have acquisition number 1."
    assert (first.uid, second.uid) == ("1.2.3.4", "1.2.3.4#2")


def test_phases_that_nothing_tells_apart_go_by_order(tmp_path, write_series):
    voxels = np.concatenate([plain(4, 10), plain(4, 50)])
    positions = [(0, 0, 3.0 * (k % 4)) for k in range(8)]
    first, second = scan(write_series(tmp_path, voxels, positions=positions)).series
    assert [float(read(one).voxels.mean()) for one in (first, second)] == [10, 50]
    assert "place 2 in order of acquisition" in second.reasons[1]


def test_one_image_sent_again_at_its_position_leaves_the_volume_whole(tmp_path, write_series):
    positions = [(0, 0, 3.0 * min(k, 4)) for k in range(6)]
    first, second = scan(write_series(tmp_path, plain(6), positions=positions)).series
    assert (first.grid.shape[0], second.grid.shape[0]) == (5, 1)


def test_a_copy_of_a_file_is_set_aside(tmp_path, write_series):
    folder = write_series(tmp_path, plain(4))
    source = sorted(folder.iterdir())[0]
    shutil.copy(source, folder / "zz copy.dcm")
    study = scan(folder)
    assert (study.files_found, study.files_in_series) == (5, 4)
    assert [(one.file.name, one.reason) for one in study.set_aside] == [
        ("zz copy.dcm", f"A copy of {source.name}: the same SOP Instance UID and place.")
    ]


def test_a_whole_series_under_one_instance_uid_is_not_taken_for_copies(tmp_path, write_series):
    study = scan(write_series(tmp_path, plain(5), SOPInstanceUID="1.2.3.77"))
    assert (study.files_in_series, study.series[0].grid.shape[0]) == (5, 5)


def test_b_values_become_series_and_only_the_high_one_is_dwi(tmp_path, write_series):
    positions = [(0, 0, 3.0 * (k % 5)) for k in range(15)]
    each = lambda k: {"DiffusionBValue": float((0, 500, 1000)[k // 5])}  # noqa: E731
    tags = {"modality": "MR", "ImageType": ["ORIGINAL", "PRIMARY", "DIFFUSION"], "positions": positions, "each": each}
    low, middle, high = scan(write_series(tmp_path, plain(15), **tags)).series
    assert [one.channel for one in (low, middle, high)] == [Channel.UNKNOWN, Channel.DWI, Channel.DWI]
    assert "these have b-value 1000 s/mm2." in high.reasons[1]
    assert "b = 0 s/mm2: too low" in low.reasons[-1]


def test_sizes_do_not_mix(tmp_path, write_series):
    folder = write_series(tmp_path, plain(4))
    write_series(tmp_path, np.zeros((2, 4, 4), np.int16), prefix="b", step=(0, 0, 1))
    large, small = scan(folder).series
    assert (large.acquired_shape, small.acquired_shape) == ((4, 8, 8), (2, 4, 4))


@pytest.mark.parametrize(
    ("tags", "kind"),
    [
        ({"SOPClassUID": SegmentationStorage, "Modality": "SEG"}, SeriesKind.SEGMENTATION),
        ({"SOPClassUID": SecondaryCaptureImageStorage, "Modality": "OT", "ImagePositionPatient": None}, "capture"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, SeriesKind.CAPTURE),
        ({"Modality": "CR"}, SeriesKind.OTHER),
    ],
)
def test_what_is_no_volume_is_named(tmp_path, write_series, tags, kind):
    (series,) = scan(write_series(tmp_path, plain(1), each=lambda k: tags)).series
    assert series.kind is SeriesKind(kind)
    assert (series.state, series.grid) == (GeometryState.BLOCKED, None)
    assert series.reasons


def test_colour_is_a_capture(tmp_path, write_series):
    rgb = {
        "SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0,
        "BitsAllocated": 8, "BitsStored": 8, "HighBit": 7, "PixelRepresentation": 0, "PixelData": bytes(8 * 8 * 3),
    }  # fmt: skip
    (series,) = scan(write_series(tmp_path, plain(1), each=lambda k: rgb)).series
    assert series.kind is SeriesKind.CAPTURE


@pytest.mark.parametrize(
    ("sop_class", "word"),
    [(BasicTextSRStorage, "report"), (RTStructureSetStorage, "contours"), (EncapsulatedPDFStorage, "document")],
)
def test_objects_without_an_image_say_what_they_are(tmp_path, write_series, sop_class, word):
    write_series(tmp_path, plain(3))
    nothing = {"SOPClassUID": sop_class, "Rows": None, "Columns": None, "PixelData": None}
    write_series(tmp_path, plain(1), each=lambda k: nothing, uid="1.9", prefix="x")
    (aside,) = scan(tmp_path).set_aside
    assert word in aside.reason


def test_patient_and_study_are_told_only_where_all_files_agree(tmp_path, write_series, canary):
    write_series(tmp_path, plain(2), StudyDescription="Head")
    assert scan(tmp_path).patient.name == canary
    assert scan(tmp_path).description == "Head"
    write_series(tmp_path, plain(2), uid="1.7", prefix="b", PatientID="someone else")
    assert scan(tmp_path).patient.name == ""


def test_nothing_of_the_patient_is_in_the_ledger(tmp_path, write_series, canary):
    study = scan(write_series(tmp_path, plain(3)))
    assert canary not in str(report(study))
    assert canary not in str(study.series[0].reasons)


def test_headers_with_rubbish_are_accounted_for_and_say_nothing(tmp_path, write_series, caplog, canary):
    folder = write_series(tmp_path, plain(3), SpecificCharacterSet="ISO_IR 100")
    for number, file in enumerate(sorted(folder.iterdir())):
        raw = bytearray(file.read_bytes().replace(b"ISO_IR 100", b"ISO_XX 999"))
        at = raw.index(b"\x18\x00\x50\x00DS")
        raw[at + 8 : at + 10] = b"?x"
        file.write_bytes(bytes(raw) if number else bytes(raw[: len(raw) // 3]))
    study = scan(folder)
    assert study.files_found == study.files_in_series + len(study.set_aside) == 3
    assert canary not in caplog.text


@settings(max_examples=40)
@given(st.lists(st.tuples(*[st.integers(0, 2)] * 4), min_size=1, max_size=14), st.randoms())
def test_every_file_is_accounted_for_exactly_once(tmp_path_factory, write_series, images, random):
    """Any mixture of positions, orientations, b-values and repeats."""
    folder = tmp_path_factory.mktemp("mix")
    positions = [(0, 0, 2.5 * place) for place, *_ in images]

    def each(k):
        _, turned, b, phase = images[k]
        tags = {"DiffusionBValue": float(500 * b), "AcquisitionNumber": phase}
        return {**tags, **SAGITTAL} if turned == 2 else tags

    write_series(folder, plain(len(images)), modality="MR", SOPClassUID=MRImageStorage, positions=positions, each=each)
    for number in range(random.randint(0, 3)):
        (folder / f"note {number}.txt").write_text("not an image")
    study = scan(folder)
    assert study.files_found == study.files_in_series + len(study.set_aside)
    shown = Counter(frame.file for series in study.series for frame in series.frames)
    assert len(shown) == len(images)
    assert set(shown.values()) == {1}
    assert len({series.uid for series in study.series}) == len(study.series)
    for series in study.series:
        assert series.grid is not None or series.reasons
        if series.kind is SeriesKind.VOLUME and series.grid is not None:
            assert read(series).geometry.same_grid(series.grid)


def test_frames_of_one_file_in_two_series_count_once(tmp_path, write_enhanced):
    frames = [
        {"z": 3 * (k % 4), "b": 0 if k < 4 else 1000, "type": ["ORIGINAL", "PRIMARY", "DIFFUSION"]} for k in range(8)
    ]
    study = scan(write_enhanced(tmp_path / "dwi.dcm", np.zeros((8, 4, 4), np.uint16), frames).parent)
    assert [series.files for series in study.series] == [1, 0]
    assert [series.channel for series in study.series] == [Channel.UNKNOWN, Channel.DWI]
    assert study.files_found == study.files_in_series == 1
