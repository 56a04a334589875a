from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from viewer.virtual_display import NoDisplay, any_display, require_display


@pytest.fixture
def no_display(monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)


@pytest.mark.usefixtures("no_display")
def test_a_window_without_a_display_is_one_sentence():
    with pytest.raises(NoDisplay, match="no display"):
        require_display()


@pytest.mark.skipif(shutil.which("Xvfb") is None, reason="Xvfb is not installed")
@pytest.mark.usefixtures("no_display")
def test_a_virtual_display_lives_for_the_block_only():
    with any_display():
        name = os.environ["DISPLAY"]
        answers = subprocess.run(["xdpyinfo"], capture_output=True) if shutil.which("xdpyinfo") else None
        assert name.startswith(":")
        assert answers is None or answers.returncode == 0
    assert "DISPLAY" not in os.environ


@pytest.mark.usefixtures("no_display")
def test_without_xvfb_the_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(NoDisplay, match="xvfb"), any_display():
        raise AssertionError("no display can be there")
