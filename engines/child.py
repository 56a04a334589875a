"""Runs one of our modules in a process of its own, for what must not share memory or fate with this one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

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
    here = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with subprocess.Popen(
        [sys.executable, "-m", module, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=here,
    ) as process:
        said, complaint = _followed(process, given, cancelled)
    if process.returncode != 0:
        lines = [line for line in complaint.strip().splitlines() if line]
        reason = lines[-1].rstrip(".") if lines else f"it ended with code {process.returncode}"
        raise EngineError(f"{module.rpartition('.')[2]} failed: {reason}.", "Run it again with --debug for its log.")
    return said


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
