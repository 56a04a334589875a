"""Runs tasks on a study: matches series, makes graphs ready, asks the engine host, says where results come from."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from engines.derive import model_for
from engines.library import Bundle, bundles, require_intact
from inference import settings
from inference.backends.base import Support
from inference.host.client import EngineHost
from inference.host.messages import Chosen, EngineKey, Order
from inference.result import CancelledFn, Precision, ProgressFn, Provenance, Result
from inference.volume import Volume
from viewer import match as matching
from viewer.match import Match, Skipped
from viewer.study import Study


class Worker:
    """One per program. No engine runs in this process: a fault of one cannot take the window down.

    Args:
        offered: Bundles to choose from; None: the shipped ones.
        backend: Name of the backend, None: the best that there is.
        device: "CPU", "GPU", ...; None: the backend's best.
        host: Shared with other workers, who then close it; None: one of its own.

    Raises:
        SettingsInvalid: The settings file has unknown or wrong fields.
    """

    def __init__(
        self,
        offered: Iterable[Bundle] | None = None,
        backend: str | None = None,
        device: str | None = None,
        host: EngineHost | None = None,
    ) -> None:
        self._bundles = {b.task.name: b for b in (bundles() if offered is None else offered)}
        self._backend, self._device = backend, device
        # The first lane that the settings name for a device; the host has its own, on all cores, for the others.
        self._lanes = {lane.device: lane.spec for lane in reversed(settings.read().lanes)}
        self._host, self._owns_host = host or EngineHost(), host is None
        self._chosen: dict[Precision, Chosen] = {}
        self._graphs: dict[tuple[str, Precision], Path] = {}
        self._one_at_a_time = threading.Lock()

    def start(self) -> None:
        """Let the engine host start while a study is still read; returns at once."""
        self._host.start()

    def matches(self, study: Study) -> tuple[Match, ...]:
        """Tasks that the study allows."""
        return matching.match(study, (b.task for b in self._bundles.values()))[0]

    def skipped(self, study: Study) -> tuple[Skipped, ...]:
        """Tasks that it does not, with reasons."""
        return matching.match(study, (b.task for b in self._bundles.values()))[1]

    def support(self, match: Match, precision: Precision) -> Support:  # noqa: ARG002 - the callers' protocol
        """How this machine provides a precision; the same for every task today."""
        return self._choice(precision).support

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
            InsulaError: See `inference.host.client.EngineHost.run`.
        """
        with self._one_at_a_time:
            begin = time.perf_counter()
            bundle = self._bundles[match.task.name]
            choice = self._choice(precision, cancelled)
            engine = EngineKey(self._graph(bundle, precision), bundle.sha256, precision, choice.backend, choice.device)
            spent = time.perf_counter() - begin
            made = _provenance(bundle, choice, precision)
            order = Order(match.task, engine, made, load_seconds=spent, lane=self._lanes.get(choice.device))
            feed = {channel: volumes[series.uid] for channel, series in match.series.items()}
            return self._host.run(order, feed, progress, cancelled)

    def close(self) -> None:
        """End the engine host, and give every engine's memory back with it."""
        if self._owns_host:
            self._host.close()

    def _choice(self, precision: Precision, cancelled: CancelledFn = lambda: False) -> Chosen:
        """What serves a precision here; asked once, as it does not change while the program runs."""
        if precision not in self._chosen:
            self._chosen[precision] = self._host.choose(self._backend, precision, self._device, cancelled)
        return self._chosen[precision]

    def _graph(self, bundle: Bundle, precision: Precision) -> Path:
        key = bundle.task.name, precision
        if key not in self._graphs:
            require_intact(bundle)
            self._graphs[key] = model_for(bundle.model, bundle.sha256, precision, bundle.vector).resolve()
        return self._graphs[key]


def _provenance(bundle: Bundle, choice: Chosen, precision: Precision) -> Provenance:
    return Provenance(
        task=bundle.task.name,
        task_version=bundle.task.version,
        model_sha256=bundle.sha256,
        backend=choice.backend,
        backend_version=choice.version,
        device=choice.device,
        precision=precision,
        precision_kind=choice.support.kind,
        precision_note=choice.support.note,
    )
