"""Runs tasks on a study: matches series, makes graphs ready, asks the engine host, says where results come from."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from engines.derive import graph_of
from engines.library import Bundle, bundles, require_intact, require_precision
from inference import settings
from inference.backends.base import Support
from inference.errors import PrecisionAbsent
from inference.host.client import EngineHost
from inference.host.messages import Chosen, EngineKey, Order
from inference.lanes import LaneSpec
from inference.result import CancelledFn, Precision, ProgressFn, Provenance, Result
from inference.volume import Channel, Volume
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
        self._everything = offered is None
        self._bundles = {b.task.name: b for b in (bundles() if offered is None else offered)}
        self._backend, self._device = backend, device
        lanes = settings.read().lanes
        self._placed = {task: lane for lane in lanes for task in lane.tasks} if device is None else {}
        # The first lane that the settings name for a device; the host has its own, on all cores, for the others.
        self._lanes = {lane.device: lane.spec for lane in reversed(lanes)}
        self._host, self._owns_host = host or EngineHost(), host is None
        self._chosen: dict[tuple[str | None, Precision], Chosen] = {}
        self._graphs: dict[tuple[str, Precision, str], Path] = {}
        self._turns: dict[str, threading.Lock] = {}

    def renew(self) -> None:
        """Take up bundles that were installed since; none where the tasks were named at the start."""
        if self._everything:
            self._bundles = {bundle.task.name: bundle for bundle in bundles()}

    def start(self) -> None:
        """Let the engine host start while a study is still read; returns at once."""
        self._host.start()

    def matches(self, study: Study) -> tuple[Match, ...]:
        """Tasks that the study allows."""
        return matching.match(study, (b.task for b in self._bundles.values()))[0]

    def skipped(self, study: Study) -> tuple[Skipped, ...]:
        """Tasks that it does not, with reasons."""
        return matching.match(study, (b.task for b in self._bundles.values()))[1]

    def support(self, match: Match, precision: Precision) -> Support:
        """How this machine provides a precision for a task."""
        return self._placement(match.task.name, precision)[0].support

    def lane(self, match: Match) -> str:
        """The lane that the settings name for a task; empty: the one of all other tasks. Lanes work at once."""
        placed = self._placed.get(match.task.name)
        return placed.name if placed else ""

    def run(
        self,
        match: Match,
        volumes: Mapping[str, Volume],
        precision: Precision,
        progress: ProgressFn = lambda _: None,
        cancelled: CancelledFn = lambda: False,
    ) -> Result:
        """Run one task; the tasks of one lane one after the other.

        Args:
            volumes: Series uid -> volume, at least those that the match names.

        Raises:
            InsulaError: See `inference.host.client.EngineHost.run`.
        """
        with self._turns.setdefault(self.lane(match), threading.Lock()):
            begin = time.perf_counter()
            bundle = self._bundles[match.task.name]
            require_precision(bundle, precision)
            choice, lane = self._placement(match.task.name, precision, cancelled)
            engine = EngineKey(
                self._graph(bundle, precision, choice.backend), bundle.sha256, precision, choice.backend, choice.device
            )
            spent = time.perf_counter() - begin
            made = _provenance(bundle, choice, precision)
            order = Order(match.task, engine, made, spent, lane, _absent(match))
            feed = {channel: volumes[series.uid] for channel, series in match.series.items()}
            return self._host.run(order, feed, progress, cancelled)

    def close(self) -> None:
        """End the engine host, and give every engine's memory back with it."""
        if self._owns_host:
            self._host.close()

    def _placement(
        self, task: str, precision: Precision, cancelled: CancelledFn = lambda: False
    ) -> tuple[Chosen, LaneSpec | None]:
        """Backend, device and lane of a task. A lane's device that lacks the precision leaves it to the others."""
        placed = self._placed.get(task)
        if placed is not None:
            try:
                return self._choice(placed.device, precision, cancelled), placed.spec
            except PrecisionAbsent:
                pass
        choice = self._choice(self._device, precision, cancelled)
        return choice, self._lanes.get(choice.device)

    def _choice(self, device: str | None, precision: Precision, cancelled: CancelledFn) -> Chosen:
        """What serves a precision there; asked once, as it does not change while the program runs."""
        key = device, precision
        if key not in self._chosen:
            self._chosen[key] = self._host.choose(self._backend, precision, device, cancelled)
        return self._chosen[key]

    def _graph(self, bundle: Bundle, precision: Precision, backend: str) -> Path:
        key = bundle.task.name, precision, backend
        if key not in self._graphs:
            require_intact(bundle)
            graph = graph_of(bundle, precision, backend)
            self._graphs[key] = graph.resolve()
        return self._graphs[key]


def _absent(match: Match) -> tuple[tuple[Channel, str], ...]:
    """Series that the study holds and the task cannot use; what is simply not there needs no words here."""
    return tuple((channel, why.rstrip(".")) for channel, why in match.missing.items() if why)


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
