"""Messages through a pipe: a length, then a pickle. Both ends are this program's own."""

from __future__ import annotations

import pickle
import struct
import threading
from typing import Any, BinaryIO

_LENGTH = struct.Struct("<I")


class Sender:
    """The writing end; any thread may use it."""

    def __init__(self, pipe: BinaryIO) -> None:
        self._pipe = pipe
        self._turn = threading.Lock()

    def send(self, message: object) -> None:
        """Write one message whole.

        Raises:
            OSError: Nobody reads any more.
        """
        body = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
        with self._turn:
            self._pipe.write(_LENGTH.pack(len(body)) + body)
            self._pipe.flush()


def receive(pipe: BinaryIO) -> Any | None:
    """The next message, or None when the other side has gone, be it in the middle of a word."""
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    body = pipe.read(length)
    return pickle.loads(body) if len(body) == length else None
