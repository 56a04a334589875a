"""What the host does to itself before anything else, so that only it pays when something goes wrong in it."""

from __future__ import annotations

import ctypes
import faulthandler
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

# 1000 would offer the host up even while something else leaks; 800 puts it before every ordinary program.
OOM_SCORE = 800
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE = 1, 4


def private_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Standard input and output as (requests, answers); what a library prints goes to the log instead."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    return requests, answers


def protect(parent: int) -> None:
    """Be the first to go when memory runs out, end with the viewer, write no core, say where a crash was.

    Args:
        parent: Process id of the viewer; when it is not the parent any more, the host ends at once.
    """
    faulthandler.enable()
    if sys.platform != "linux":
        return
    with suppress(OSError):  # a container may keep /proc read-only; then the kernel chooses by size alone
        Path("/proc/self/oom_score_adj").write_text(str(OOM_SCORE), encoding="ascii")
    control = ctypes.CDLL(None).prctl
    # The end of its input tells the host too, but not while an engine holds the interpreter.
    control(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)
    # A core holds the voxels of a patient.
    control(_PR_SET_DUMPABLE, 0)
