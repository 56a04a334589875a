"""Zips from strangers: nothing outside the folder, no bombs, nothing left behind."""

from __future__ import annotations

import stat
import tempfile
import zipfile
from pathlib import Path

import pytest

from inference.errors import InputRefused, JobCancelled
from viewer.formats import archive


@pytest.fixture(autouse=True)
def private_temporary_folder(tmp_path, monkeypatch):
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def zipped(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as sink:
        for name, content in members.items():
            sink.writestr(name, content)
    return path


def test_files_come_out_and_go_away(tmp_path):
    folder, files = archive.extract(zipped(tmp_path / "a.zip", **{"x/1": b"one", "2": b"two"}))
    assert {file.relative_to(folder).as_posix(): file.read_bytes() for file in files} == {"x/1": b"one", "2": b"two"}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    archive.remove(folder)
    assert not folder.exists()


@pytest.mark.parametrize("name", ["../out", "/etc/out", "a/../../out", "..\\out", "C:\\out"])
def test_names_that_lead_outside_are_refused(tmp_path, private_temporary_folder, name):
    with pytest.raises(InputRefused, match="outside"):
        archive.extract(zipped(tmp_path / "a.zip", **{"good": b"x", name: b"evil"}))
    assert not list(private_temporary_folder.iterdir())
    assert not (tmp_path / "out").exists()


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path, private_temporary_folder):
    with pytest.raises(InputRefused, match="would unpack to 80 MB"):
        archive.extract(zipped(tmp_path / "a.zip", bomb=bytes(80 << 20)))
    assert not list(private_temporary_folder.iterdir())


def test_a_link_is_refused(tmp_path):
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as sink:
        sink.writestr(link, "/etc/passwd")
    with pytest.raises(InputRefused, match="link"):
        archive.extract(tmp_path / "a.zip")


def test_a_damaged_zip_leaves_nothing(tmp_path, private_temporary_folder):
    path = zipped(tmp_path / "a.zip", one=bytes(range(256)) * 40)
    raw = bytearray(path.read_bytes())
    raw[60:70] = b"\0" * 10
    path.write_bytes(bytes(raw))
    with pytest.raises(InputRefused, match="damaged"):
        archive.extract(path)
    assert not list(private_temporary_folder.iterdir())


def test_cancel_leaves_nothing(tmp_path, private_temporary_folder):
    with pytest.raises(JobCancelled):
        archive.extract(zipped(tmp_path / "a.zip", one=b"1"), cancelled=lambda: True)
    assert not list(private_temporary_folder.iterdir())


def test_only_folders_made_here_are_removed(tmp_path):
    archive.remove(tmp_path)
    assert tmp_path.exists()
