"""A progress bar on standard error with an estimate, for work over two seconds on a terminal."""

from __future__ import annotations

import sys
import time
from typing import TextIO

from inference.result import Progress

PATIENCE_S = 2.0
WIDTH = 30


class Bar:
    """Call it with each Progress; it draws only on a terminal and only after two seconds."""

    def __init__(self, title: str, stream: TextIO | None = None) -> None:
        self._title = title
        self._stream = stream or sys.stderr
        self._begin = time.monotonic()
        self._stages: dict[str, tuple[float, int]] = {}
        self._drawn = False

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        begin, done = self._stages.setdefault(progress.stage.split(" (")[0], (now, progress.done))
        if now - self._begin >= PATIENCE_S and self._stream.isatty():
            left = seconds_left(now - begin, progress.done - done, progress.total - progress.done)
            self._draw(progress, left)

    def finish(self) -> None:
        """Leave the terminal's line clean."""
        if self._drawn:
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def _draw(self, progress: Progress, left: str) -> None:
        share = min(1.0, progress.done / max(1, progress.total))
        filled = round(share * WIDTH)
        bar = "#" * filled + "-" * (WIDTH - filled)
        self._stream.write(f"\r\x1b[K{self._title}: {progress.stage} [{bar}] {share:4.0%} {left}")
        self._stream.flush()
        self._drawn = True


def seconds_left(spent: float, done: int, missing: int) -> str:
    """Time left in words, from what was done since the stage was first seen; a resumed stage begins in its middle."""
    if done <= 0:
        return ""
    left = round(spent * max(0, missing) / done)
    if left < 100:
        return f"{left:4d} s left"
    return f"{left // 3600}:{left // 60 % 60:02d}:{left % 60:02d} left"
