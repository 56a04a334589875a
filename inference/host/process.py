"""The viewer's hold on one host process: starts it, hears it, and knows how it ended."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from inference.host.channel import Sender, receive
from inference.host.messages import Message, Ready, Request

log = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[2]
CLOSING_S = 1.0
# A session of its own: Ctrl+C in the terminal is the viewer's to answer.
_APART: dict[str, Any] = (
    {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0) | getattr(subprocess, "CREATE_NO_WINDOW", 0)}
    if sys.platform == "win32"
    else {"start_new_session": True}
)


class HostProcess:
    """One host from its start to its end. Its thread lives exactly as long as the process.

    The system ends the process when the thread that started it is gone, so no thread of a caller may start it.

    Args:
        heard: Takes each message, on this object's thread.
        ended: Takes this object once, on the same thread, when the process is gone.

    Attributes:
        listening: It was ready for work.
        condemned: It is ended on purpose.
        status: How it ended, as `subprocess.Popen.returncode`; None before, and where it could not be started.
    """

    def __init__(self, heard: Callable[[HostProcess, Message], None], ended: Callable[[HostProcess], None]) -> None:
        self._heard, self._ended = heard, ended
        self._begun = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._sender: Sender | None = None
        self.listening = False
        self.condemned = False
        self.status: int | None = None
        self._keeper = threading.Thread(target=self._keep, name="insula-host", daemon=True)
        self._keeper.start()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def send(self, request: Request) -> None:
        """Hand a request over; a host that is gone says so through `ended`, not here."""
        self._begun.wait()
        if self._sender is not None:
            with suppress(OSError, ValueError):
                self._sender.send(request)

    def kill(self) -> None:
        """End it now, whatever it does."""
        self._begun.wait()
        if self._process is not None:
            self._process.kill()

    def close(self) -> None:
        """Let it end; when it does not, make it. Waits until it is gone."""
        self._begun.wait()
        if self._process is not None and self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.close()
        if self.listening:
            self._keeper.join(CLOSING_S)
        self.kill()
        self._keeper.join()

    def _keep(self) -> None:
        try:
            process = self._process = _started()
            self._sender = Sender(_pipe(process.stdin))
        except OSError as error:
            log.error("the engine host cannot be started: %s", error.strerror)
            process = None
        self._begun.set()
        if process is not None:
            self._hear(process)
        self._ended(self)

    def _hear(self, process: subprocess.Popen[bytes]) -> None:
        scribe = threading.Thread(target=_log, args=(_pipe(process.stderr), process.pid), daemon=True)
        scribe.start()
        while (message := receive(_pipe(process.stdout))) is not None:
            self.listening = self.listening or isinstance(message, Ready)
            self._heard(self, message)
        self.status = process.wait()
        scribe.join(CLOSING_S)
        log.info("engine host %d ended with status %d", process.pid, self.status)
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):
                _pipe(pipe).close()


def _started() -> subprocess.Popen[bytes]:
    # Started where the packages lie: Python looks there first, and nothing in the user's own folder is imported.
    return subprocess.Popen(
        [sys.executable, "-m", "inference.host", str(os.getpid())],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **_APART,
    )


def _log(errors: IO[bytes], pid: int) -> None:
    """What libraries print ends in the log, line by line."""
    with errors:
        for line in errors:
            log.info("engine host %d: %s", pid, line.decode("utf-8", "replace").rstrip())


def _pipe(pipe: IO[bytes] | None) -> Any:
    assert pipe is not None
    return pipe
