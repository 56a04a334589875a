"""Engines that really crash, are killed or hang: the program goes on, says why, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engines.library import find
from inference.host.client import EngineHost
from inference.host.segments import FOLDER
from inference.result import Precision
from viewer.cli import main

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes and sends signals")

PAUSE_S = 0.02


def ask(capsys, *words: object) -> tuple[int, dict]:
    code = main([*(str(w) for w in words), "--json"])
    return code, json.loads(capsys.readouterr().out)


def hosts_of(pid: int) -> list[int]:
    """Engine hosts that serve a process; the process's id is their last word."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"inference.host" in words and str(pid).encode() in words:
            found.append(int(entry.name))
    return found


def soon(holds: Callable[[], object], seconds: float = 30.0) -> bool:
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(PAUSE_S)
    return True


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    yield
    assert soon(lambda: hosts_of(os.getpid()) == [])
    assert list(FOLDER.glob(f"insula-{os.getpid()}-*")) == []


def test_a_crash_ends_with_four_and_one_sentence(capsys, stroke_folder, make_bundle, tmp_path):
    words = ("run", stroke_folder, "--out", tmp_path / "o", "--task", make_bundle("good"))
    code, found = ask(capsys, *words, "--backend", "fake", "--device", "SEGFAULT")
    assert code == 4
    assert found["results"] == []
    assert found["skipped"][0]["reason"].startswith("The engine crashed (segmentation fault) and was started anew.")
    assert list((tmp_path / "o").glob("*.nii.gz")) == []


@pytest.fixture
def first_falls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The host of the first job that begins dies by a segmentation fault right then; its id is noted."""
    run, struck = EngineHost.run, []

    def falling(host: EngineHost, order: Any, volumes: Any, progress: Any, cancelled: Any) -> Any:
        def strike(step: Any) -> None:
            if not struck:
                struck.append(host.pid)
                os.kill(host.pid or 0, signal.SIGSEGV)
            progress(step)

        return run(host, order, volumes, strike, cancelled)

    monkeypatch.setattr(EngineHost, "run", falling)
    return struck


def test_one_crashing_task_does_not_keep_the_next_one_from_running(
    capsys, stroke_folder, make_bundle, tmp_path, first_falls
):
    tasks = ("--task", make_bundle("constant"), "--task", make_bundle("good"))
    code, found = ask(capsys, "run", stroke_folder, "--out", tmp_path / "o", *tasks)
    assert code == 4
    assert "segmentation fault" in found["skipped"][0]["reason"]
    assert [r["task"] for r in found["results"]] == ["bright-good"]
    assert found["results"][0]["findings"][0]["side"] == "R"


def test_a_hang_is_told_after_the_time_that_the_user_allows(capsys, stroke_folder, make_bundle, tmp_path, monkeypatch):
    monkeypatch.setenv("INSULA_ENGINE_PATIENCE_S", "1")
    words = ("run", stroke_folder, "--out", tmp_path / "o", "--task", make_bundle("good"))
    code, found = ask(capsys, *words, "--backend", "fake", "--device", "DEAF")
    assert code == 4
    assert found["skipped"][0]["reason"].startswith("The engine did not answer for 1 s and was stopped.")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 5), (signal.SIGKILL, -9)])
def test_a_program_that_ends_takes_a_deaf_engine_along(stroke_folder, make_bundle, tmp_path, number, status):
    words = ["run", str(stroke_folder), "--out", str(tmp_path / "o"), "--task", str(make_bundle("good"))]
    command = [sys.executable, "-m", "viewer.cli", *words, "--backend", "fake", "--device", "DEAF", "--debug"]
    one = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert soon(lambda: hosts_of(one.pid))
    (host,) = hosts_of(one.pid)
    assert soon(lambda: f"insula-{one.pid}" in Path(f"/proc/{host}/maps").read_text())
    assert soon(lambda: not list(FOLDER.glob(f"insula-{one.pid}-*")))
    one.send_signal(number)
    one.communicate(timeout=30)
    assert one.returncode == status
    assert soon(lambda: hosts_of(one.pid) == [])
    assert list(FOLDER.glob(f"insula-{one.pid}-*")) == []
    assert not (tmp_path / "o").exists()


@pytest.mark.gui
@pytest.mark.slow
def test_the_window_outlives_its_engine_and_shows_the_next_answer(stroke_folder, make_bundle, first_falls):
    """fp32 loses its host to a segmentation fault; the window says so and shows fp16."""
    from viewer import loading
    from viewer.app import Application, Options, start_qt
    from viewer.work import Worker

    worker = Worker((find(str(make_bundle("good"))),), "fake", "BUSY")
    app = Application(start_qt(), loading, worker, Options(path=stroke_folder, size=(1280, 800)))
    try:
        app.show()
        assert app.wait(60.0)
        catalogue = app.controller.catalogue
        assert len(first_falls) == 1
        assert "The engine crashed (segmentation fault)" in catalogue.failures["bright-good", Precision.FP32]
        assert "The engine crashed (segmentation fault)" in app.window.banner.text
        assert list(catalogue.results) == [("bright-good", Precision.FP16)]
        assert app.capture().std() > 10
    finally:
        app.close()
