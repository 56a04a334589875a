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
        self._stage_begin: dict[str, float] = {}
        self._drawn = False

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        begin = self._stage_begin.setdefault(progress.stage, now)
        if now - self._begin >= PATIENCE_S and self._stream.isatty():
            self._draw(progress, now - begin)

    def finish(self) -> None:
        """Leave the terminal's line clean."""
        if self._drawn:
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def _draw(self, progress: Progress, spent: float) -> None:
        share = min(1.0, progress.done / max(1, progress.total))
        filled = round(share * WIDTH)
        left = f"{spent * (1 - share) / share:4.0f} s left" if share > 0 else ""
        bar = "#" * filled + "-" * (WIDTH - filled)
        self._stream.write(f"\r\x1b[K{self._title}: {progress.stage} [{bar}] {share:4.0%} {left}")
        self._stream.flush()
        self._drawn = True
