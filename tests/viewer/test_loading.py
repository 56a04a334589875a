"""The one door: folders, files, zips, DICOMDIR, and refusals that say what to do."""

from __future__ import annotations

import tempfile
import zipfile

import numpy as np
import pytest
import SimpleITK as sitk

from inference.errors import InputRefused, JobCancelled
from viewer.dicom.inspect import report
from viewer.loading import read, release, scan

VOXELS = np.arange(3 * 8 * 8, dtype=np.int16).reshape(3, 8, 8)


@pytest.fixture(autouse=True)
def private_temporary_folder(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("tmp")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_folders_are_searched_to_the_bottom_and_formats_may_mix(tmp_path, write_series):
    write_series(tmp_path / "a" / "b" / "c", VOXELS)
    sitk.WriteImage(sitk.GetImageFromArray(VOXELS), str(tmp_path / "a" / "t1.mha"))
    (tmp_path / "a" / ".DS_Store").write_bytes(b"x")
    (tmp_path / "empty").write_bytes(b"")
    study = scan(tmp_path)
    assert (study.files_found, study.files_in_series) == (6, 4)
    assert {one.file.name: one.reason for one in study.set_aside} == {
        ".DS_Store": "A file of the operating system.",
        "empty": "The file is empty.",
    }
    assert all((read(series).voxels == VOXELS).all() for series in study.series)


def test_one_file_is_a_study(tmp_path, write_series):
    file = sorted(write_series(tmp_path, VOXELS).iterdir())[0]
    study = scan(file)
    assert (study.files_found, study.series[0].grid.shape) == (1, (1, 8, 8))


def test_a_zip_is_read_from_a_private_folder_that_goes_away(tmp_path, write_series, private_temporary_folder):
    folder = write_series(tmp_path / "in", VOXELS)
    path = tmp_path / "study.zip"
    with zipfile.ZipFile(path, "w") as sink:
        for file in folder.iterdir():
            sink.write(file, f"disk/{file.name}")
        sink.writestr("disk/readme.txt", "hello")
    study = scan(path)
    assert (study.source, study.files_found, study.files_in_series) == (path, 4, 3)
    assert report(study)["set_aside"][0]["file"] == "disk/readme.txt"
    assert str(private_temporary_folder) not in str(report(study))
    np.testing.assert_array_equal(read(study.series[0]).voxels, VOXELS)
    release(study)
    assert not list(private_temporary_folder.iterdir())
    with pytest.raises(InputRefused):
        read(study.series[0])


def test_a_zip_with_nothing_to_read_leaves_nothing(tmp_path, private_temporary_folder):
    path = tmp_path / "study.zip"
    with zipfile.ZipFile(path, "w") as sink:
        sink.writestr("readme.txt", "hello")
    with pytest.raises(InputRefused, match="Not a medical image"):
        scan(path)
    assert not list(private_temporary_folder.iterdir())


def test_a_dicomdir_stands_for_its_folder(shared_data):
    room = shared_data("dicom-odd/pydicom/test_files/dicomdirtests")
    study = scan(room / "DICOMDIR")
    index = [one.file.name for one in study.set_aside if "index file" in one.reason]
    assert "DICOMDIR" in index
    assert study.files_found == study.files_in_series + len(study.set_aside) > 20


def test_refusals_say_what_happened_and_what_to_do(tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    text = tmp_path / "letter.txt"
    text.write_text("Dear colleague")
    for path, words in ((tmp_path / "gone", "nothing at"), (empty, "is empty"), (text, "Not a medical image")):
        with pytest.raises(InputRefused, match=words) as caught:
            scan(path)
        assert caught.value.message.endswith(".")
        assert caught.value.hint.endswith(".")
        assert caught.value.exit_code == 3


def test_a_folder_of_letters_tells_the_commonest_reason(tmp_path):
    for number in range(3):
        (tmp_path / f"{number}.txt").write_text("Dear colleague")
    with pytest.raises(InputRefused, match="None of the 3 files"):
        scan(tmp_path)


def test_a_circle_of_links_ends(tmp_path, write_series):
    folder = write_series(tmp_path / "in", VOXELS)
    (folder / "loop").symlink_to(tmp_path, target_is_directory=True)
    assert scan(tmp_path).files_in_series == 3


def test_progress_and_cancel(tmp_path, write_series):
    folder = write_series(tmp_path, VOXELS)
    steps = []
    scan(folder, progress=steps.append)
    assert [(step.stage, step.done, step.total) for step in steps] == [("scan", n, 3) for n in (1, 2, 3)]
    with pytest.raises(JobCancelled):
        scan(folder, cancelled=lambda: True)


def test_nothing_of_the_patient_is_logged(tmp_path, write_series, caplog, canary):
    with caplog.at_level(0):
        study = scan(write_series(tmp_path, VOXELS))
        read(study.series[0])
    assert study.patient.name == canary
    assert canary not in caplog.text
