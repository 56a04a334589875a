from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference import cache
from inference.errors import EngineError


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("INSULA_CACHE", str(tmp_path / "store"))
    return tmp_path / "store"


@pytest.mark.parametrize(
    ("platform", "environment", "expected"),
    [
        ("linux", {"INSULA_CACHE": "/data/x"}, "/data/x"),
        ("win32", {"INSULA_CACHE": "/data/x"}, "/data/x"),
        ("linux", {"XDG_CACHE_HOME": "/var/mine"}, "/var/mine/insula"),
        ("linux", {"XDG_CACHE_HOME": "not/absolute"}, "~/.cache/insula"),
        ("linux", {}, "~/.cache/insula"),
        ("darwin", {"XDG_CACHE_HOME": "/var/mine"}, "~/Library/Caches/insula"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/insula"),
        ("win32", {}, "~/AppData/Local/insula"),
    ],
)
def test_where_it_is(platform, environment, expected):
    assert cache.folder(environment, platform) == Path(PurePosixPath(expected)).expanduser()


def test_something_is_made_once(store):
    made = []

    def make(path):
        made.append(path)
        path.write_bytes(b"content")

    first, second = cache.keep("room/thing.bin", make), cache.keep("room/thing.bin", make)
    assert first == second == store / "room" / "thing.bin"
    assert first.read_bytes() == b"content"
    assert len(made) == 1


@pytest.mark.parametrize("damage", ["cut", "flipped", "no seal", "seal nonsense", "gone"])
def test_what_is_damaged_is_made_again(store, damage):
    def make(path):
        path.write_bytes(b"content")

    kept = cache.keep("thing.bin", make)
    seal = store / "thing.bin.sha256"
    {
        "cut": lambda: kept.write_bytes(b"cont"),
        "flipped": lambda: kept.write_bytes(b"cOntent"),
        "no seal": seal.unlink,
        "seal nonsense": lambda: seal.write_bytes(b"\xff\xfe"),
        "gone": kept.unlink,
    }[damage]()
    assert cache.keep("thing.bin", make).read_bytes() == b"content"
    assert seal.read_text() == cache.sha256(kept)


def test_a_failure_leaves_nothing(store):
    def fail(path):
        path.write_bytes(b"half of it")
        raise EngineError("It broke.", "Try again.")

    with pytest.raises(EngineError, match="It broke"):
        cache.keep("thing.bin", fail)
    assert list(store.iterdir()) == []


def test_a_full_disk_is_one_sentence(store):
    def full(path):
        path.write_bytes(b"x")
        raise OSError(28, "No space left on device")

    with pytest.raises(EngineError, match="No space left on device") as error:
        cache.keep("thing.bin", full)
    assert "INSULA_CACHE" in error.value.hint
    assert list(store.iterdir()) == []


def test_a_folder_that_is_a_file_is_one_sentence(store):
    store.write_text("in the way")
    with pytest.raises(EngineError, match="cannot be written"):
        cache.keep("thing.bin", lambda path: path.write_bytes(b"x"))


@given(st.lists(st.text(), min_size=1, max_size=4), st.lists(st.text(), min_size=1, max_size=4))
def test_keys_tell_apart(one, other):
    clean = [[part.replace("\0", "") for part in parts] for parts in (one, other)]
    assert (cache.key(*clean[0]) == cache.key(*clean[1])) == (clean[0] == clean[1])
