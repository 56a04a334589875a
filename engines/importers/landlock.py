"""Linux's Landlock: from here on this process opens only the files named (kernel docs, userspace-api/landlock)."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# System calls have the same numbers on every 64-bit kind of machine since Linux 5.1.
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
RULE_PATH_BENEATH, VERSION = 1, 1
NO_NEW_PRIVILEGES = 38
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
MAKE_SPECIAL = 1 << 6 | 1 << 9 | 1 << 10 | 1 << 11 | 1 << 12
"""Devices, sockets, pipes; and links, through which whoever comes later would write elsewhere."""
FIRST_KNOWN, REFER, TRUNCATE = (1 << 13) - 1, 1 << 13, 1 << 14
READ = READ_FILE | READ_DIR | EXECUTE
OF_A_FILE = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE


class _Ruleset(ctypes.Structure):
    _fields_ = (("handled_access_fs", ctypes.c_uint64),)


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


def forbid(reads: Iterable[Path], writes: Iterable[Path]) -> bool:
    """Forbid every file but those at and below `reads`, and writing but at and below `writes`; False where Linux
    cannot."""
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(VERSION))
    if version < 1:
        return False
    handled = FIRST_KNOWN | (REFER if version >= 2 else 0) | (TRUNCATE if version >= 3 else 0)
    rules = _Ruleset(handled)
    ruleset = libc.syscall(CREATE_RULESET, ctypes.byref(rules), ctypes.c_size_t(8), ctypes.c_uint32(0))
    if ruleset < 0:
        return False
    try:
        for path in reads:
            _allow(libc, ruleset, path, READ & handled)
        for path in writes:
            _allow(libc, ruleset, path, handled & ~EXECUTE & ~MAKE_SPECIAL)
        private = libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0
        return private and bool(libc.syscall(RESTRICT_SELF, ruleset, 0) == 0)
    finally:
        os.close(ruleset)


def _allow(libc: ctypes.CDLL, ruleset: int, path: Path, access: int) -> None:
    with suppress(OSError), _opened(path) as handle:
        rule = _Beneath(access if path.is_dir() else access & OF_A_FILE, handle)
        libc.syscall(ADD_RULE, ruleset, RULE_PATH_BENEATH, ctypes.byref(rule), ctypes.c_uint32(0))


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    handle = os.open(path, getattr(os, "O_PATH", 0) | getattr(os, "O_CLOEXEC", 0))
    try:
        yield handle
    finally:
        os.close(handle)
