"""A runner whose results say what they cost: energy from reading the machine while a task runs."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

from inference.backends.base import Support
from inference.health.watch import Watch
from inference.result import CancelledFn, Precision, ProgressFn, Result
from inference.volume import Volume
from viewer.match import Match, Skipped
from viewer.study import Study
from viewer.work import Worker


class Metered:
    """Does what the worker does; the time that loads an engine is not counted, the machine's idle power is.

    Args:
        worker: Runs the tasks; closed with this.
        watch: Reads the machine; whoever made it closes it.
    """

    def __init__(self, worker: Worker, watch: Watch) -> None:
        self._worker, self._watch = worker, watch

    def renew(self) -> None:
        self._worker.renew()

    def matches(self, study: Study) -> tuple[Match, ...]:
        return self._worker.matches(study)

    def skipped(self, study: Study) -> tuple[Skipped, ...]:
        return self._worker.skipped(study)

    def lane(self, match: Match) -> str:
        return self._worker.lane(match)

    def support(self, match: Match, precision: Precision) -> Support:
        return self._worker.support(match, precision)

    def run(
        self,
        match: Match,
        volumes: Mapping[str, Volume],
        precision: Precision,
        progress: ProgressFn = lambda _: None,
        cancelled: CancelledFn = lambda: False,
    ) -> Result:
        """See `Worker.run`."""
        with self._watch.measuring():
            result = self._worker.run(match, volumes, precision, progress, cancelled)
            end_s = time.perf_counter()
        start_s = end_s - (result.seconds.total - result.seconds.load)
        return replace(result, energy=self._watch.energy(start_s, end_s))

    def close(self) -> None:
        self._worker.close()
