"""Runs one of our modules in a process of its own, for what must not share memory or fate with this one."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import IO, Any

from inference.errors import EngineError, JobCancelled
from inference.result import CancelledFn

LOOK_AGAIN_S = 0.2


def run(module: str, words: Sequence[str], cancelled: CancelledFn = lambda: False, given: str = "") -> str:
    """Run `python -m module words` and return what it printed.

    Args:
        given: Its standard input.

    Raises:
        EngineError: It ended badly; its last line on standard error stands in the sentence.
        JobCancelled: `cancelled` became true; the process was ended.
    """
    with started(module, words, subprocess.PIPE) as process:
        said, complaint = _followed(process, given, cancelled)
    if process.returncode != 0:
        raise failed(module, complaint, process.returncode)
    return said


def follow(module: str, given: str, heard: Callable[[str], None], cancelled: CancelledFn = lambda: False) -> int:
    """Run `python -m module`, hand over each line that it prints as it comes, and return its exit code.

    Its standard error goes nowhere: whoever is followed says on standard output what went wrong.

    Args:
        heard: Called on a thread of its own, one line at a time.

    Raises:
        JobCancelled: `cancelled` became true; the process was ended.
    """
    with started(module, (), subprocess.DEVNULL) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(given)
        process.stdin.close()
        reader = threading.Thread(target=_read, args=(process.stdout, heard))
        reader.start()
        try:
            while reader.is_alive():
                reader.join(LOOK_AGAIN_S)
                if cancelled():
                    raise JobCancelled
        finally:
            if reader.is_alive():
                process.kill()
            reader.join()
        return process.wait()


def failed(module: str, complaint: str, code: int) -> EngineError:
    """What to say of a process that ended badly: its last line on standard error, else its exit code."""
    lines = [line for line in complaint.strip().splitlines() if line]
    reason = lines[-1].rstrip(".") if lines else f"it ended with code {code}"
    return EngineError(f"{module.rpartition('.')[2]} failed: {reason}.", "Run it again with --debug for its log.")


def _read(lines: Iterable[str], heard: Callable[[str], None]) -> None:
    for line in lines:
        heard(line)


def started(module: str, words: Sequence[str], errors: int | IO[bytes], text: bool = True) -> subprocess.Popen[Any]:
    """`python -m module words`, with pipes, and with the modules that this process would find."""
    here = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    return subprocess.Popen(
        [sys.executable, "-m", module, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=text,
        env=here,
    )


def _followed(process: subprocess.Popen[str], given: str, cancelled: CancelledFn) -> tuple[str, str]:
    while True:
        try:
            return process.communicate(given or None, timeout=LOOK_AGAIN_S)
        except subprocess.TimeoutExpired:
            given = ""
            if cancelled():
                process.kill()
                process.communicate()
                raise JobCancelled from None
