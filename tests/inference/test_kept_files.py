"""The cache's own verbs below `keep`, which tests/engines/test_cache.py holds."""

from __future__ import annotations

import pytest

from inference import cache
from inference.errors import EngineError


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("INSULA_CACHE", str(tmp_path / "store"))
    return tmp_path / "store"


def write(content):
    return lambda path: path.write_bytes(content)


def test_nothing_is_found_before_it_is_put(store):
    assert cache.found("room/thing.bin") is None
    kept = cache.put("room/thing.bin", write(b"one"))
    assert cache.found("room/thing.bin") == kept == store / "room" / "thing.bin"


def test_putting_replaces(store):
    cache.put("thing.bin", write(b"one"))
    kept = cache.put("thing.bin", write(b"two"))
    assert kept.read_bytes() == b"two"
    assert cache.found("thing.bin") == kept


def test_what_is_damaged_is_not_found(store):
    kept = cache.put("thing.bin", write(b"one"))
    kept.write_bytes(b"One")
    assert cache.found("thing.bin") is None


def test_dropping_spares_the_one_that_is_named(store):
    kept = [cache.put(f"room/a-{index}.bin", write(b"x")) for index in range(3)]
    other = cache.put("room/b-0.bin", write(b"x"))
    cache.drop("room/a-*.bin", but=kept[1])
    assert [cache.found(f"room/a-{index}.bin") for index in range(3)] == [None, kept[1], None]
    assert cache.found("room/b-0.bin") == other
    assert sorted(path.name for path in (store / "room").iterdir()) == [
        "a-1.bin", "a-1.bin.sha256", "b-0.bin", "b-0.bin.sha256"
    ]  # fmt: skip


def test_a_seal_that_cannot_be_read_is_one_sentence(store, monkeypatch):
    cache.put("thing.bin", write(b"one"))

    def unreadable(_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(cache, "sha256", unreadable)
    with pytest.raises(EngineError, match="Input/output error"):
        cache.found("thing.bin")
