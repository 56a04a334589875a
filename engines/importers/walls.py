"""What a process may still do while it opens a stranger's file: read the model, write the bundle, and compute."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from engines.importers import landlock, seccomp

MOST_FILE_BYTES = 6 << 30
MOST_OPEN_FILES = 512
MOST_CPU_SECONDS = 2 * 3600
RESERVED_BYTES = 16 << 30
"""Address space that libraries set aside and never use, beyond the machine's memory."""
SYSTEM = ("/usr", "/lib", "/lib64", "/etc", "/proc", "/sys", "/dev", "/opt")


def confine(reads: Iterable[Path], writes: Iterable[Path]) -> tuple[str, ...]:
    """Shut this process in, for good: call it when everything that will be needed is imported.

    Args:
        reads: Files and folders to open, beside Python's own and the system's.
        writes: Folders to write into.

    Returns:
        The walls that stand. Linux has them all; other systems give what they have, and rely on the pickle reader
        that knows weights and plain data alone.
    """
    reads, writes = tuple(reads), tuple(writes)
    walls: list[tuple[str, Callable[[], bool]]] = [
        ("limits on memory, files and time", _limits),
        ("no file but the model is read, and none but the bundle written", lambda: _files(reads, writes)),
        ("no program is started and no connection made", seccomp.forbid),
    ]
    return tuple(name for name, raise_wall in walls if raise_wall())


def _limits() -> bool:
    try:
        import resource
    except ImportError:
        return False
    memory = int(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    wanted = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_AS: memory + RESERVED_BYTES,
        resource.RLIMIT_FSIZE: MOST_FILE_BYTES,
        resource.RLIMIT_NOFILE: MOST_OPEN_FILES,
        resource.RLIMIT_CPU: MOST_CPU_SECONDS,
    }
    for kind, most in wanted.items():
        hard = resource.getrlimit(kind)[1]
        limit = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with suppress(ValueError, OSError):  # macOS refuses some kinds
            resource.setrlimit(kind, (limit, limit))
    return True


def _files(reads: tuple[Path, ...], writes: tuple[Path, ...]) -> bool:
    own = [Path(p) for p in (*sys.path, sys.prefix, sys.base_prefix, sysconfig.get_path("stdlib"), *SYSTEM) if p]
    return landlock.forbid((*own, *reads), (*writes, Path("/dev/null")))
