"""Pieces of shared memory. The viewer's side makes them and takes their names away as soon as the host has them open.

A piece without a name is freed by the system when the last process that maps it is gone, however it went. What a
killed viewer can leave behind is a piece made a moment before; the next one sweeps it away.
"""

from __future__ import annotations

import errno
import os
import secrets
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.errors import MemoryRefused
from inference.host.messages import ArrayNote

PREFIX = "insula"
# Linux alone shows the pieces as files; elsewhere there is nothing to sweep or to reserve.
FOLDER = Path("/dev/shm")
_PATCHING = threading.Lock()


class Segment:
    """One array in shared memory.

    Args:
        note: What lies there.
        memory: Its mapping in this process.
    """

    def __init__(self, note: ArrayNote, memory: SharedMemory) -> None:
        self.note = note
        self._memory = memory
        self._named = True

    @classmethod
    def make(cls, shape: tuple[int, ...], dtype: str) -> Segment:
        """A new piece, its memory reserved.

        Raises:
            MemoryRefused: The system has no room for it.
        """
        size = max(1, int(np.prod(shape)) * np.dtype(dtype).itemsize)
        name = f"{PREFIX}-{os.getpid()}-{secrets.token_hex(6)}"
        try:
            memory = _opened(name, create=True, size=size)
        except OSError as error:
            raise _no_room(size) from error
        made = cls(ArrayNote(name, shape, dtype), memory)
        try:
            _reserve(name, size)
        except MemoryRefused:
            made.close()
            raise
        return made

    @classmethod
    def open(cls, note: ArrayNote) -> Segment:
        """A piece that the other process made."""
        return cls(note, _opened(note.segment, create=False, size=0))

    @property
    def array(self) -> NDArray[Any]:
        """The array itself, not a copy; nobody may hold it when the piece is closed."""
        # `np.ndarray(buffer=...)` would not hold the mapping: closing it under a living array ends the process.
        held = self._memory.buf
        assert held is not None  # it is None after `unmap`
        count = int(np.prod(self.note.shape))
        return np.frombuffer(held, self.note.dtype, count).reshape(self.note.shape)

    def hide(self) -> None:
        """Take the name away; who has the piece open keeps it."""
        if self._named:
            self._named = False
            with _untracked(), suppress(FileNotFoundError):
                self._memory.unlink()

    def unmap(self) -> bool:
        """Give this process's mapping back; False while somebody still holds its array."""
        try:
            self._memory.close()
        except BufferError:
            return False
        return True

    def close(self) -> None:
        """Take the name away and give the mapping back."""
        self.hide()
        self.unmap()


def sweep(folder: Path = FOLDER) -> None:
    """Remove pieces of viewers that are gone."""
    for file in folder.glob(f"{PREFIX}-*-*") if folder.is_dir() else ():
        owner = file.name.split("-")[1]
        if owner.isdecimal() and not _lives(int(owner)):
            file.unlink(missing_ok=True)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _reserve(name: str, size: int) -> None:
    """Touching shared memory that the system cannot back ends a process by SIGBUS; asking first does not."""
    file = FOLDER / name
    if not hasattr(os, "posix_fallocate") or not file.exists():
        return
    handle = os.open(file, os.O_RDWR)
    try:
        os.posix_fallocate(handle, 0, size)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.ENOMEM):
            raise _no_room(size) from error
    finally:
        os.close(handle)


def _no_room(size: int) -> MemoryRefused:
    return MemoryRefused(
        f"The system has no {size / 1e6:.0f} MB of shared memory for the volumes of this job.",
        "Close other studies or programs; in a container, give it more shared memory (--shm-size).",
    )


def _opened(name: str, create: bool, size: int) -> SharedMemory:
    if sys.version_info >= (3, 13):
        return SharedMemory(name, create, size, track=False)
    with _untracked():
        return SharedMemory(name, create, size)


@contextmanager
def _untracked() -> Iterator[None]:
    """Before Python 3.13 every opening process starts a tracker process that unlinks at its end what others use."""

    def skip(track: Any) -> Any:
        return lambda name, kind: None if kind == "shared_memory" else track(name, kind)

    with _PATCHING:
        before = resource_tracker.register, resource_tracker.unregister
        resource_tracker.register, resource_tracker.unregister = map(skip, before)
        try:
            yield
        finally:
            resource_tracker.register, resource_tracker.unregister = before
