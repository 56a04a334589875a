"""A thread that reads the machine at a calm pace, faster while something is measured."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from inference.health.energy import Energy, Trace, tellers
from inference.health.reading import Reading
from inference.health.sampler import Sampler

CALM_S = 2.0
FAST_S = 0.2


class Watch:
    """Keeps the newest reading and the energy so far. Its methods may be called from any thread.

    Args:
        sampler: What to read; the watch closes it. None: everything this machine may have.
        period_s: Time between two readings while nothing is measured.
        record: Takes every reading, on the thread that read it.
    """

    def __init__(
        self,
        sampler: Sampler | None = None,
        period_s: float = CALM_S,
        record: Callable[[Reading], None] = lambda _: None,
    ) -> None:
        self._sampler = Sampler() if sampler is None else sampler
        self._period_s, self._record = period_s, record
        self._trace = Trace()
        self._turn = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._open = True
        self._fast: list[float] = []
        self.latest: Reading | None = None

    def start(self) -> None:
        """Begin to read in the background; once begun, nothing more happens."""
        if self._thread is None and self._open:
            self._thread = threading.Thread(target=self._run, name="insula-health", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """End the thread and let go of drivers and children. `latest` and `energy` still answer."""
        with self._turn:
            was_open, self._open = self._open, False
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
        if was_open:
            self._sampler.close()

    def sample(self) -> Reading:
        """Read now; after `close` the newest reading of before."""
        with self._turn:
            if self.latest is None or self._open:
                self.latest = self._sampler.read()
                self._trace.add(self.latest)
                self._record(self.latest)
            return self.latest

    @contextmanager
    def measuring(self, period_s: float = FAST_S) -> Iterator[None]:
        """Read at both ends and, on a machine that tells power, often between them; several may measure at once."""
        if not tellers(self.sample()):
            yield
            self.sample()
            return
        self._fast.append(period_s)
        self._wake.set()
        self.start()
        try:
            yield
        finally:
            self._fast.remove(period_s)
            self.sample()

    def energy(self, start_s: float, end_s: float) -> Energy:
        """Energy between two moments of `time.perf_counter` within what was read."""
        with self._turn:
            return self._trace.energy(start_s, end_s)

    def _run(self) -> None:
        while self._open:
            self.sample()
            self._wake.wait(min([self._period_s, *self._fast]))
            self._wake.clear()
