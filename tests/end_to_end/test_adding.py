"""Adding a model from the window: a process of its own, its progress, its errors, its end."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engines.library import find
from inference.errors import EngineError, InputRefused, JobCancelled
from inference.result import Progress
from viewer.adding import Addition, add_model


@pytest.fixture(autouse=True)
def own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSULA_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("INSULA_CACHE", str(tmp_path / "cache"))


def test_a_model_is_installed_and_its_stages_are_told(make_bundle: Callable[[str], Path]) -> None:
    steps: list[Progress] = []
    assert add_model(Addition(make_bundle("good")), steps.append, lambda: False) == "bright-good"
    assert [step.stage for step in steps] == [
        "import",
        "check",
        "rewrite",
        "quantize",
        "build",
        "verify",
        "install",
        "install",
    ]
    assert find("bright-good").model.is_file()


def test_a_refusal_comes_back_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="no model at"):
        add_model(Addition(tmp_path / "none"), lambda _: None, lambda: False)


def test_a_process_that_dies_without_a_word_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("viewer.adding.asdict", lambda _: "{")
    with pytest.raises(EngineError, match="ended with code 1"):
        add_model(Addition(tmp_path), lambda _: None, lambda: False)


def test_cancelling_ends_the_process(make_bundle: Callable[[str], Path], tmp_path: Path) -> None:
    begin = time.perf_counter()
    with pytest.raises(JobCancelled):
        add_model(Addition(make_bundle("good")), lambda _: None, lambda: True)
    assert time.perf_counter() - begin < 5
    assert not (tmp_path / "models").exists()
