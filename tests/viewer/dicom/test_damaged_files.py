"""Bytes turned at random give a volume or a sentence; never a traceback, a warning or the end of the process."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, JPEGLSLossless, RLELossless

from inference.errors import InputRefused, InsulaError
from viewer.dicom.decoders import ORDER, jpeg_frame, plugin_for
from viewer.loading import read, scan
from viewer.study import SeriesKind

SYNTAXES = (ExplicitVRLittleEndian, RLELossless, JPEGLSLossless, JPEG2000Lossless)
turns = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=20)


@pytest.fixture(scope="module")
def intact(tmp_path_factory, write_series) -> list[bytes]:
    voxels = np.random.default_rng(0).integers(-50, 50, (1, 32, 32), dtype=np.int16)
    folders = [write_series(tmp_path_factory.mktemp("intact"), voxels, syntax=syntax) for syntax in SYNTAXES]
    return [next(folder.iterdir()).read_bytes() for folder in folders]


@settings(max_examples=150)
@given(st.integers(0, 3), turns, st.floats(0.3, 1.0))
def test_bytes_turned_at_random_are_no_crash(tmp_path_factory, intact, which, turned, kept):
    raw = bytearray(intact[which])
    for place, byte in turned:
        raw[132 + int(place * (len(raw) - 132))] = byte
    file = tmp_path_factory.mktemp("turned") / "a.dcm"
    file.write_bytes(bytes(raw[: int(kept * len(raw))]))
    try:
        study = scan(file)
        assert study.files_found == study.files_in_series + len(study.set_aside)
        for series in study.series:
            if series.kind is SeriesKind.VOLUME:
                assert read(series).geometry.same_grid(series.grid)
    except InsulaError as error:
        assert str(error).endswith(".")  # noqa: PT017


def test_a_lossless_jpeg_of_another_size_never_reaches_the_decoder(shared_data, tmp_path):
    source = next(shared_data("dicom-vendors-dicom2nifti/generic/compressed_jpeg/001").iterdir())
    data = dcmread(source)
    data.Rows = 2 * data.Rows
    data.save_as(tmp_path / "a.dcm")
    with pytest.raises(InputRefused, match="cannot be decoded"):
        read(scan(tmp_path).series[0])


def test_the_size_of_a_jpeg_stream():
    head = bytes.fromhex("ffd8 ffe0 0004 0000 ffc3 000b 10 0123 0045 01 011100")
    assert jpeg_frame(head) == (16, 0x123, 0x45, 1)
    with pytest.raises(ValueError, match="no frame header"):
        jpeg_frame(b"\xff\xd8\xff\xd9")


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless, JPEG2000Lossless])
def test_gdcm_is_the_last_choice(syntax):
    assert ORDER[-1] == "gdcm"
    assert plugin_for(syntax) != "gdcm"
