"""Linux's seccomp: from here on this process starts no program, no other process and no connection."""

from __future__ import annotations

import ctypes
import platform
import sys
from dataclasses import dataclass

NO_NEW_PRIVILEGES, SET_FILTER, EVERY_THREAD = 38, 1, 1
ALLOW, REFUSE_EPERM, REFUSE_ENOSYS = 0x7FFF0000, 0x00050001, 0x00050026
LOAD, EQUAL, AT_LEAST, ANY_BIT, ANSWER = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16
CLONE_THREAD = 0x00010000
CLONE3 = 435
OTHER_WORLD = 0x40000000
"""Numbers from here on are x32's second names for the same calls."""


@dataclass(frozen=True, slots=True)
class Calls:
    """The numbers of a machine's system calls: seccomp, clone, and those that are refused."""

    architecture: int
    seccomp: int
    clone: int
    refused: tuple[int, ...]


# execve, execveat, fork, vfork, ptrace, kill, socket, connect, mount, unshare, setns, bpf, io_uring_setup,
# process_vm_writev, open_by_handle_at, perf_event_open, userfaultfd, keyctl.
MACHINES = {
    "x86_64": Calls(
        0xC000003E, 317, 56, (59, 322, 57, 58, 101, 62, 41, 42, 165, 272, 308, 321, 425, 311, 304, 298, 323, 250)
    ),
    "aarch64": Calls(
        0xC00000B7, 277, 220, (221, 281, 117, 129, 198, 203, 40, 97, 268, 280, 425, 271, 265, 241, 282, 219)
    ),
}


class _Step(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint16), ("yes", ctypes.c_uint8), ("no", ctypes.c_uint8), ("value", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("steps", ctypes.POINTER(_Step)))


def forbid() -> bool:
    """Refuse those calls to every thread of this process; False where that cannot be had."""
    calls = MACHINES.get(platform.machine())
    if not sys.platform.startswith("linux") or calls is None or sys.maxsize < 2**32:
        return False
    steps = _steps(calls)
    program = _Program(len(steps), (_Step * len(steps))(*steps))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        return False
    return bool(libc.syscall(calls.seccomp, SET_FILTER, EVERY_THREAD, ctypes.byref(program)) == 0)


def _steps(calls: Calls) -> list[_Step]:
    """A jump counts the steps that it leaps over."""
    refused = [
        step for number in calls.refused for step in (_Step(EQUAL, 0, 1, number), _Step(ANSWER, 0, 0, REFUSE_EPERM))
    ]
    return [
        _Step(LOAD, 0, 0, ARCHITECTURE),
        _Step(EQUAL, 1, 0, calls.architecture),
        _Step(ANSWER, 0, 0, REFUSE_EPERM),
        _Step(LOAD, 0, 0, NUMBER),
        _Step(AT_LEAST, 0, 1, OTHER_WORLD),
        _Step(ANSWER, 0, 0, REFUSE_EPERM),
        # The newer clone hides its flags from us; told that it does not exist, libraries take the older one.
        _Step(EQUAL, 0, 1, CLONE3),
        _Step(ANSWER, 0, 0, REFUSE_ENOSYS),
        *refused,
        _Step(EQUAL, 0, 3, calls.clone),
        _Step(LOAD, 0, 0, FIRST_ARGUMENT),
        _Step(ANY_BIT, 1, 0, CLONE_THREAD),
        _Step(ANSWER, 0, 0, REFUSE_EPERM),
        _Step(ANSWER, 0, 0, ALLOW),
    ]
