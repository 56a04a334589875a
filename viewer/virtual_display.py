"""A display where there is none: starts Xvfb for work that draws, saves and quits."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from inference.errors import InputRefused

SCREEN = "3840x2160x24"


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


@contextmanager
def any_display() -> Iterator[None]:
    """The display that is there, or a virtual one for the time of the block.

    Raises:
        NoDisplay: There is none and Xvfb is not installed or does not start.
    """
    if has_display():
        yield
        return
    program = shutil.which("Xvfb")
    if program is None:
        raise NoDisplay("There is no display and Xvfb is not installed.", "Install it: sudo apt-get install xvfb")
    read_end, write_end = os.pipe()
    server = subprocess.Popen(
        [program, "-displayfd", str(write_end), "-screen", "0", SCREEN, "-nolisten", "tcp", "-noreset"],
        pass_fds=(write_end,),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(write_end)
    try:
        with os.fdopen(read_end) as answer:
            number = answer.readline().strip()
        if not number:
            raise NoDisplay("The virtual display did not start.", "Run Xvfb by hand to see why.")
        os.environ["DISPLAY"] = f":{number}"
        yield
    finally:
        os.environ.pop("DISPLAY", None)
        server.terminate()
        server.wait(timeout=10)
