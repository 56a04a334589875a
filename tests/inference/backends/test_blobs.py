"""Compiled engines are kept whole, made again when torn, and never taken for others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from inference.backends.openvino import OpenVinoBackend
from inference.result import Precision


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("INSULA_CACHE", str(tmp_path))
    return tmp_path / "openvino"


def ask(path: Path, given: dict[str, np.ndarray], threads: int = 1) -> np.ndarray:
    return OpenVinoBackend(threads).load(path, Precision.FP32, "CPU").infer(given)["y"]


def blobs(store: Path) -> list[Path]:
    return sorted(store.glob("*.blob"))


def test_a_second_start_takes_the_kept_engine_and_answers_the_same(net, feed, store: Path) -> None:
    first = ask(net("solid"), feed("solid"))
    (blob,) = blobs(store)
    stamp = blob.stat().st_mtime_ns
    np.testing.assert_array_equal(ask(net("solid"), feed("solid")), first)
    assert blob.stat().st_mtime_ns == stamp


def test_a_torn_one_is_made_again(net, feed, store: Path) -> None:
    first = ask(net("solid"), feed("solid"))
    (blob,) = blobs(store)
    whole = blob.read_bytes()
    blob.write_bytes(whole[: len(whole) // 2])
    np.testing.assert_array_equal(ask(net("solid"), feed("solid")), first)
    assert len(blobs(store)[0].read_bytes()) == len(whole)


def test_sealed_nonsense_is_not_run(net, feed, store: Path) -> None:
    """As if another build of the library had written it."""
    first = ask(net("solid"), feed("solid"))
    (blob,) = blobs(store)
    blob.write_bytes(b"nonsense")
    from inference.cache import sha256

    blob.with_name(blob.name + ".sha256").write_text(sha256(blob))
    np.testing.assert_array_equal(ask(net("solid"), feed("solid")), first)


def test_other_models_and_options_have_their_own(net, feed, store: Path) -> None:
    ask(net("solid"), feed("solid"))
    ask(net("flat"), feed("flat"))
    ask(net("solid"), feed("solid"), threads=2)
    assert len(blobs(store)) == 3


def test_a_folder_that_cannot_be_written_costs_time_only(net, feed, tmp_path: Path, monkeypatch) -> None:
    file = tmp_path / "file"
    file.write_text("no folder")
    expected = ask(net("solid"), feed("solid"))
    monkeypatch.setenv("INSULA_CACHE", str(file))
    np.testing.assert_array_equal(ask(net("solid"), feed("solid")), expected)
