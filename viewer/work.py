"""Runs tasks on a study: matches series, makes engines ready once and keeps them, and says where results come from."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping

from engines.derive import model_for
from engines.library import Bundle, bundles, require_intact
from inference.backends import registry
from inference.backends.base import Engine, Support
from inference.backends.registry import Choice
from inference.result import CancelledFn, Precision, ProgressFn, Provenance, Result
from inference.run import run
from inference.volume import Volume
from viewer import match as matching
from viewer.match import Match, Skipped
from viewer.study import Study

EngineKey = tuple[str, Precision, str, str]


class Worker:
    """One per program. Engines are made on first use and shared; one job at a time uses an engine.

    Args:
        offered: Bundles to choose from; None: the shipped ones.
        backend: Name of the backend, None: the best that there is.
        device: "CPU", "GPU", ...; None: the backend's best.
    """

    def __init__(
        self, offered: Iterable[Bundle] | None = None, backend: str | None = None, device: str | None = None
    ) -> None:
        self._bundles = {b.task.name: b for b in (bundles() if offered is None else offered)}
        self._backend, self._device = backend, device
        self._engines: dict[EngineKey, Engine] = {}
        self._one_at_a_time = threading.Lock()

    def matches(self, study: Study) -> tuple[Match, ...]:
        """Tasks that the study allows."""
        return matching.match(study, (b.task for b in self._bundles.values()))[0]

    def skipped(self, study: Study) -> tuple[Skipped, ...]:
        """Tasks that it does not, with reasons."""
        return matching.match(study, (b.task for b in self._bundles.values()))[1]

    def support(self, match: Match, precision: Precision) -> Support:  # noqa: ARG002 - the callers' protocol
        """How this machine provides a precision; the same for every task today."""
        return registry.choose(self._backend, precision, self._device).support

    def run(
        self,
        match: Match,
        volumes: Mapping[str, Volume],
        precision: Precision,
        progress: ProgressFn = lambda _: None,
        cancelled: CancelledFn = lambda: False,
    ) -> Result:
        """Run one task.

        Args:
            volumes: Series uid -> volume, at least those that the match names.

        Raises:
            InsulaError: See `inference.run.run` and `Backend.load`.
        """
        with self._one_at_a_time:
            begin = time.perf_counter()
            bundle = self._bundles[match.task.name]
            choice = registry.choose(self._backend, precision, self._device)
            engine = self._engine(bundle, choice, precision)
            load_seconds = time.perf_counter() - begin
            feed = {channel: volumes[series.uid] for channel, series in match.series.items()}
            provenance = _provenance(bundle, choice, precision)
            return run(
                feed,
                match.task,
                engine,
                provenance,
                progress=progress,
                cancelled=cancelled,
                load_seconds=load_seconds,
            )

    def close(self) -> None:
        """Give every engine's memory back."""
        with self._one_at_a_time:
            for engine in self._engines.values():
                engine.close()
            self._engines.clear()

    def _engine(self, bundle: Bundle, choice: Choice, precision: Precision) -> Engine:
        key = (bundle.task.name, precision, choice.backend.name, choice.device)
        if key not in self._engines:
            require_intact(bundle)
            graph = model_for(bundle.model, bundle.sha256, precision, bundle.vector)
            self._engines[key] = choice.backend.load(graph, precision, choice.device)
        return self._engines[key]


def _provenance(bundle: Bundle, choice: Choice, precision: Precision) -> Provenance:
    return Provenance(
        task=bundle.task.name,
        task_version=bundle.task.version,
        model_sha256=bundle.sha256,
        backend=choice.backend.name,
        backend_version=choice.backend.version,
        device=choice.device,
        precision=precision,
        precision_kind=choice.support.kind,
        precision_note=choice.support.note,
    )
