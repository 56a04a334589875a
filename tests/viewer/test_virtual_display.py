from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time

import pytest

from viewer.virtual_display import NoDisplay, ensure_display, require_display

MAKES_ONE = """
import os, sys
from viewer.virtual_display import ensure_display
ensure_display()
print(os.environ["DISPLAY"], flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def no_display(monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)


@pytest.mark.usefixtures("no_display")
def test_a_window_without_a_display_is_one_sentence():
    with pytest.raises(NoDisplay, match="no display"):
        require_display()


@pytest.mark.usefixtures("no_display")
def test_without_xvfb_the_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(NoDisplay, match="xvfb"):
        ensure_display()


@pytest.mark.skipif(shutil.which("Xvfb") is None, reason="Xvfb is not installed")
@pytest.mark.usefixtures("no_display")
def test_the_virtual_display_is_gone_when_its_program_is_killed():
    program = subprocess.Popen(
        [sys.executable, "-c", MAKES_ONE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    )
    assert program.stdout is not None
    assert program.stdin is not None
    number = int(program.stdout.readline().strip().removeprefix(":"))
    assert answers(number)
    program.kill()
    program.wait()
    program.stdin.close()
    program.stdout.close()
    deadline = time.monotonic() + 10
    while answers(number) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not answers(number)


def answers(display: int) -> bool:
    """Whether an X server listens under that number."""
    with socket.socket(socket.AF_UNIX) as end:
        return end.connect_ex(f"/tmp/.X11-unix/X{display}") == 0
