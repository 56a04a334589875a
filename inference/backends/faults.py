"""What a fake engine does wrong on wish, for real: the harm is done to its own process."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable
from enum import Enum

from inference.errors import EngineError

BUSY_S = 0.1
# Where nothing limits the process, the machine must not pay for the fault.
EATS_AT_MOST = 3 << 30
BITE = 32 << 20


class Fault(Enum):
    """A fault; its name is also that of a device of the fake backend: `--backend fake --device SEGFAULT`.

    NAN and CONSTANT answer broken numbers, RAISES fails in an orderly way. SEGFAULT reads memory that is not there,
    ABORTS ends as a library does that gives up, KILLED ends as the system ends a process when memory is gone, EATS
    takes memory until somebody stops it. HANGS waits to be cancelled, DEAF holds the interpreter and hears nothing,
    BUSY takes its time for every answer.
    """

    NONE = "none"
    NAN = "nan"
    RAISES = "raises"
    HANGS = "hangs"
    CONSTANT = "constant"
    SEGFAULT = "segfault"
    ABORTS = "aborts"
    KILLED = "killed"
    EATS = "eats"
    DEAF = "deaf"
    BUSY = "busy"


def misbehave(fault: Fault) -> None:
    """Do what the fault says before an answer; those that concern the answer itself do nothing here."""
    act = _ACTS.get(fault)
    if act is not None:
        act()


def _raise() -> None:
    raise EngineError("The fake engine fails on request.", "Choose another backend.")


def _read_nothing() -> None:
    ctypes.string_at(0)


def _end_by_kill() -> None:
    os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))


def _eat() -> None:
    eaten = [bytearray(b"x") * BITE for _ in range(EATS_AT_MOST // BITE)]
    raise EngineError(f"The fake engine ate {len(eaten)} pieces and nobody stopped it.", "Set a limit on memory.")


def _hold_the_interpreter() -> None:
    """Sleep in the C library without letting any other thread of Python go on."""
    if sys.platform == "win32":
        time.sleep(3600)
    else:
        ctypes.PyDLL(None).sleep(3600)


_ACTS: dict[Fault, Callable[[], None]] = {
    Fault.RAISES: _raise,
    Fault.SEGFAULT: _read_nothing,
    Fault.ABORTS: os.abort,
    Fault.KILLED: _end_by_kill,
    Fault.EATS: _eat,
    Fault.DEAF: _hold_the_interpreter,
    Fault.BUSY: lambda: time.sleep(BUSY_S),
}
