"""A display where there is none: starts Xvfb for work that draws, saves and quits."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
from typing import ClassVar

from inference.errors import InputRefused

SCREEN = "3840x2160x24"
PR_SET_PDEATHSIG = 1


class NoDisplay(InputRefused):
    """There is no display, and none can be made."""

    code: ClassVar[str] = "no_display"


def has_display() -> bool:
    """Whether a window can be opened here without help."""
    return sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def require_display() -> None:
    """Raise NoDisplay where a person could not see a window."""
    if not has_display():
        raise NoDisplay(
            "There is no display to open a window on.",
            "Log in on a desktop, or add --screenshot PNG to draw into a file.",
        )


def ensure_display() -> None:
    """Make a virtual display where there is none. It lives as long as this program: Qt and VTK hold on to it.

    Raises:
        NoDisplay: There is none and Xvfb is not installed or does not start.
    """
    if has_display():
        return
    program = shutil.which("Xvfb")
    if program is None:
        raise NoDisplay("There is no display and Xvfb is not installed.", "Install it: sudo apt-get install xvfb")
    read_end, write_end = os.pipe()
    subprocess.Popen(
        [program, "-displayfd", str(write_end), "-screen", "0", SCREEN, "-nolisten", "tcp", "-noreset"],
        pass_fds=(write_end,),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=_end_with_parent,
    )
    os.close(write_end)
    with os.fdopen(read_end) as answer:
        number = answer.readline().strip()
    if not number:
        raise NoDisplay("The virtual display did not start.", "Run Xvfb by hand to see why.")
    os.environ["DISPLAY"] = f":{number}"


def _end_with_parent() -> None:
    """Ask the kernel to end the server when the program that started it is gone, however it went."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
