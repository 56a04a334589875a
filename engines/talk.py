"""One of our modules in a process of its own that answers arrays with arrays, one at a time."""

from __future__ import annotations

import subprocess
import tempfile
from contextlib import suppress
from io import BytesIO
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from engines.child import failed, started
from inference.errors import EngineError
from inference.volume import Floats

ITS_LAST_WORDS_S = 5.0


class Talk:
    """`python -m module` as somebody who answers arrays with arrays, with `send` and `received` on its pipes.

    It is given one line first, and says one line when it is ready.

    Raises:
        EngineError: It ended; its last line on standard error stands in the sentence.
    """

    def __init__(self, module: str, given: str) -> None:
        self._module = module
        # Not a pipe: one that nobody reads would stop whoever says much.
        self._complaint = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the process is
        self._process: subprocess.Popen[Any] = started(module, (), self._complaint, text=False)
        self._ask, self._hear = _piped(self._process.stdin), _piped(self._process.stdout)
        try:
            self._ask.write(given.encode() + b"\n")
            self._ask.flush()
            if not self._hear.readline():
                raise EOFError
        except (OSError, EOFError) as error:
            raise self._ended() from error

    def answer(self, array: Floats) -> Floats:
        """One question. Raises EngineError: it ended, or said something else than an array."""
        try:
            send(self._ask, array)
            return received(self._hear)
        except (OSError, EOFError) as error:
            raise self._ended() from error
        except (ValueError, MemoryError) as error:
            self.close()
            raise failed(self._module, "it said something else than an array", 0) from error

    def close(self) -> None:
        """End it; it may have ended by itself."""
        if self._complaint.closed:
            return
        self._process.kill()
        self._process.communicate()
        self._complaint.close()

    def _ended(self) -> EngineError:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(ITS_LAST_WORDS_S)
        self._process.kill()
        code = self._process.wait()
        self._complaint.seek(0)
        said = self._complaint.read().decode(errors="replace")
        self.close()
        return failed(self._module, said, code)


def send(stream: IO[bytes], array: Floats) -> None:
    """Write one array: the length of an npy in eight bytes, then the npy."""
    content = BytesIO()
    npy.write_array(content, np.ascontiguousarray(array), allow_pickle=False)
    stream.write(content.tell().to_bytes(8, "little"))
    stream.write(content.getbuffer())
    stream.flush()


def received(stream: IO[bytes]) -> Floats:
    """Read one array.

    Raises:
        EOFError: There is none, or it is cut off.
        ValueError: It is no npy of numbers.
    """
    head = stream.read(8)
    content = stream.read(int.from_bytes(head, "little"))
    if len(head) < 8 or len(content) < int.from_bytes(head, "little"):
        raise EOFError
    return np.asarray(npy.read_array(BytesIO(content), allow_pickle=False), dtype=np.float32)


def _piped(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None
    return stream
