"""tegrastats as a child process, read without ever waiting for it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from inference.health.reading import Part, Scope
from inference.health.tegrastats import NAME, parse

INTERVAL_MS = 500
SILENT_AFTER_S = 5.0
_BLOCK = 1 << 16


class Tegrastats:
    """Starts the program when it is first asked, and gives the newest whole line.

    Args:
        root: Where the system's files lie; "/" on a real machine, where the search path finds the program.
    """

    name = NAME

    def __init__(self, root: Path = Path("/")) -> None:
        folders = None if root == Path("/") else os.pathsep.join(str(root / name) for name in ("usr/bin", "bin"))
        self._program = shutil.which(NAME, path=folders)
        self._child: subprocess.Popen[bytes] | None = None
        self._rest = b""
        self._newest: Part | None = None
        self._heard_s = 0.0

    def read(self, now_s: float) -> Part:
        if self._program is None:
            return self._absent("There is no tegrastats here; it belongs to NVIDIA's Jetson boards.")
        try:
            child = self._started(self._program, now_s)
        except OSError:
            return self._absent("tegrastats could not be started.")
        self._hear(child, now_s)
        if child.poll() is not None:
            return self._absent("tegrastats ended by itself.")
        if now_s - self._heard_s > SILENT_AFTER_S:
            return self._absent("tegrastats has fallen silent.")
        return self._newest or self._absent("tegrastats has not said anything yet.")

    def close(self) -> None:
        """End the child, for good where it does not go by itself."""
        child, self._child, self._program = self._child, None, None
        if child is None:
            return
        child.terminate()
        try:
            child.wait(timeout=1.0)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        if child.stdout is not None:
            child.stdout.close()

    def _started(self, program: str, now_s: float) -> subprocess.Popen[bytes]:
        if self._child is None:
            self._child = subprocess.Popen(
                [program, "--interval", str(INTERVAL_MS)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            self._heard_s = now_s
            if self._child.stdout is not None:
                os.set_blocking(self._child.stdout.fileno(), False)
        return self._child

    def _hear(self, child: subprocess.Popen[bytes], now_s: float) -> None:
        """Take everything the child has written so far; the last whole line that means something counts."""
        *lines, self._rest = (self._rest + _drained(child)).split(b"\n")
        self._rest = self._rest[-_BLOCK:]
        for line in reversed(lines):
            part = parse(line.decode("utf-8", "replace"))
            if part is not None:
                self._newest, self._heard_s = part, now_s
                return

    def _absent(self, reason: str) -> Part:
        return Part(self.name, reason, Scope.BOARD)


def _drained(child: subprocess.Popen[bytes]) -> bytes:
    if child.stdout is None:
        return b""
    taken = b""
    while True:
        try:
            block = os.read(child.stdout.fileno(), _BLOCK)
        except BlockingIOError:
            return taken
        if not block:
            return taken
        taken = (taken + block)[-4 * _BLOCK :]
