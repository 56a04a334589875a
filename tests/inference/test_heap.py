from __future__ import annotations

import sys

import pytest

from inference.heap import give_back


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only glibc can be asked")
def test_memory_can_be_given_back() -> None:
    held = [bytearray(1000) for _ in range(100_000)]
    held.clear()
    assert isinstance(give_back(), bool)


def test_elsewhere_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "win32")
    assert not give_back()
