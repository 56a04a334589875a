"""Crashes, full disks and writers that meet: a reader finds the old file or the new one, never a mixture."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.whole import whole_file, whole_folder, write_whole

NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=("Cs",)), min_size=1, max_size=60).filter(
    lambda name: name not in (".", "..")
)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@given(NAMES, st.binary(max_size=200), st.booleans())
@settings(max_examples=40)
def test_what_is_written_is_what_stands_there(tmp_path_factory, name, content, lasting):
    folder = tmp_path_factory.mktemp("w")
    write_whole(folder / name, b"old")
    assert write_whole(folder / name, content, lasting).read_bytes() == content
    assert names(folder) == [name]


def test_text_keeps_its_line_ends(tmp_path):
    assert write_whole(tmp_path / "a.txt", "ä\nb\r\n").read_bytes() == b"\xc3\xa4\nb\r\n"


def test_a_draft_keeps_the_endings_and_fits_where_the_name_does(tmp_path):
    name = "ä" * 60 + "b" * 128 + ".nii.gz"
    with whole_file(tmp_path / name) as draft:
        assert draft.name.endswith(".nii.gz")
        assert draft.name.startswith(".")
        draft.write_bytes(b"x")
    assert names(tmp_path) == [name]


def test_who_may_read_it_is_as_for_any_new_file(tmp_path):
    plain = tmp_path / "plain"
    plain.write_bytes(b"")
    assert write_whole(tmp_path / "whole", b"").stat().st_mode == plain.stat().st_mode


def half(path: Path, error: BaseException) -> None:
    path.write_bytes(b"half")
    raise error


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), RuntimeError("a fault"), KeyboardInterrupt()]
)
def test_a_failure_leaves_the_old_file_and_no_draft(tmp_path, error):
    write_whole(tmp_path / "a", b"old")
    with pytest.raises(type(error)), whole_file(tmp_path / "a") as draft:
        half(draft, error)
    assert names(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == b"old"


def test_a_block_that_writes_nothing_takes_nothing_away(tmp_path):
    write_whole(tmp_path / "a", b"old")
    with pytest.raises(FileNotFoundError), whole_file(tmp_path / "a", lasting=False):
        pass
    assert (tmp_path / "a").read_bytes() == b"old"


KILLED = """
import os, signal, sys
from pathlib import Path
from inference.whole import whole_file, whole_folder
place = Path(sys.argv[1])
with whole_file(place / "a") as file, whole_folder(place / "b") as folder:
    file.write_bytes(b"new")
    (folder / "inside").write_bytes(b"new")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal")
def test_a_process_killed_before_the_name_is_given_leaves_what_was_there(tmp_path):
    write_whole(tmp_path / "a", b"old")
    with whole_folder(tmp_path / "b") as folder:
        (folder / "inside").write_bytes(b"old")
    done = subprocess.run([sys.executable, "-c", KILLED, tmp_path], check=False)
    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b" / "inside").read_bytes() == b"old"
    assert [name for name in names(tmp_path) if not name.startswith(".")] == ["a", "b"]


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from inference.whole import write_whole
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_whole(Path(sys.argv[1]) / "a", bytes(2000))
except OSError as error:
    print(error.strerror)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on file size")
def test_a_full_disk_leaves_what_was_there(tmp_path):
    write_whole(tmp_path / "a", b"old")
    done = subprocess.run([sys.executable, "-c", FULL_DISK, tmp_path], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "File too large"
    assert names(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == b"old"


@pytest.mark.skipif(sys.platform != "linux", reason="needs a folder that nobody may write")
@pytest.mark.parametrize("place", ["/proc/self/a", "/dev/null/a", "/nowhere/at/all/a"])
def test_a_folder_that_cannot_be_written_is_an_error_of_the_disk(place):
    with pytest.raises(OSError):  # noqa: PT011 - the kernel's words differ
        write_whole(Path(place), b"x")


@pytest.mark.skipif(sys.platform != "linux", reason="needs a folder that nobody may write")
def test_neither_can_a_folder_there():
    with pytest.raises(OSError), whole_folder(Path("/proc/self/a")):  # noqa: PT011
        pytest.fail("there is nothing to fill")


def test_writers_that_meet_do_not_mix(tmp_path):
    """Four writers, each with a letter of its own, and a reader who looks all the while."""
    place, size = tmp_path / "a", 300_000
    write_whole(place, b"z" * size)
    writers = [
        threading.Thread(target=lambda letter=letter: [write_whole(place, letter * size, False) for _ in range(12)])
        for letter in (b"a", b"b", b"c", b"d")
    ]
    for writer in writers:
        writer.start()
    seen = []
    while any(writer.is_alive() for writer in writers):
        seen.append(place.read_bytes())
    for writer in writers:
        writer.join()
    assert {len(content) for content in seen} == {size}
    assert all(len(set(content)) == 1 for content in seen)
    assert names(tmp_path) == ["a"]


def test_a_folder_takes_the_place_of_an_older_one(tmp_path):
    for word in ("old", "new"):
        with whole_folder(tmp_path / "deep" / "b") as draft:
            assert names(draft) == []
            (draft / word).mkdir()
            (draft / word / "inside").write_text(word)
    assert names(tmp_path / "deep") == ["b"]
    assert (tmp_path / "deep" / "b" / "new" / "inside").read_text() == "new"
    assert names(tmp_path / "deep" / "b") == ["new"]


def test_a_folder_that_fails_leaves_the_older_one(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "inside").write_text("old")
    with pytest.raises(RuntimeError), whole_folder(tmp_path / "b") as draft:
        half(draft / "inside", RuntimeError())
    assert names(tmp_path) == ["b"]
    assert (tmp_path / "b" / "inside").read_text() == "old"


def test_a_folder_that_cannot_take_its_name_gives_the_older_one_back(tmp_path, monkeypatch):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "inside").write_text("old")
    real, calls = Path.replace, []

    def second_fails(self: Path, target: Path) -> Path:
        calls.append(self)
        if len(calls) == 2:
            raise OSError(5, os.strerror(5))
        return real(self, target)

    monkeypatch.setattr(Path, "replace", second_fails)
    with pytest.raises(OSError, match=os.strerror(5)), whole_folder(tmp_path / "b") as draft:
        (draft / "inside").write_text("new")
    assert names(tmp_path) == ["b"]
    assert (tmp_path / "b" / "inside").read_text() == "old"


def test_a_lasting_file_is_synced_before_it_gets_its_name(tmp_path, monkeypatch):
    seen = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda handle: (seen.append(names(tmp_path)), real(handle)))
    write_whole(tmp_path / "a", b"x")
    write_whole(tmp_path / "b", b"x", lasting=False)
    assert "a" not in seen[0]
    assert len(seen) == (1 if sys.platform == "win32" else 2)
