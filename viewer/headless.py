"""The road without a screen: scan, read, run, write."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from engines.library import Bundle, bundles, find
from inference.errors import EngineError, InputRefused, InsulaError
from inference.health.reading import Reading
from inference.health.watch import Watch
from inference.host.client import EngineHost
from inference.result import CancelledFn, Precision, ProgressFn, Result
from inference.volume import Volume
from viewer.export import write_result
from viewer.loading import read, scan
from viewer.match import Match, Skipped
from viewer.metered import Metered
from viewer.report import Ran
from viewer.state.catalogue import Catalogue
from viewer.study import Study
from viewer.work import Worker


@dataclass(frozen=True, slots=True)
class Ask:
    """What to run, and with what."""

    tasks: tuple[str, ...] = ()
    precisions: tuple[Precision, ...] = (Precision.FP32,)
    backend: str | None = None
    device: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """Everything that ran, everything that did not and why, and the first engine failure if there was one.

    `health` is the machine right after the last task.
    """

    study: Study
    ran: tuple[Ran, ...]
    skipped: tuple[Skipped, ...]
    failure: InsulaError | None = None
    health: Reading | None = None

    @property
    def exit_code(self) -> int:
        """0 when everything allowed ran or was skipped for its input, the failure's code otherwise."""
        return self.failure.exit_code if self.failure else 0


def write_all(catalogue: Catalogue, out: Path) -> tuple[Ran, ...]:
    """Write every result of a catalogue under `out`."""
    series = {s.uid: s for s in catalogue.study.series} if catalogue.study else {}
    return tuple(
        Ran(
            result,
            series[catalogue.result_source[key]],
            write_result(result, out, stem(result)),
            catalogue.inputs.get(result.task, {}),
        )
        for key, result in catalogue.results.items()
    )


def stem(result: Result) -> str:
    """File name of a result without its ending."""
    return f"{result.task}-{result.provenance.precision.value}"


class Reader:
    """Reads each series once."""

    def __init__(self, progress: ProgressFn, cancelled: CancelledFn) -> None:
        self._progress, self._cancelled = progress, cancelled
        self._one_at_a_time = threading.Lock()
        self.volumes: dict[str, Volume] = {}

    def need(self, match: Match) -> None:
        with self._one_at_a_time:
            for series in match.series.values():
                if series.uid not in self.volumes:
                    self.volumes[series.uid] = read(series, progress=self._progress, cancelled=self._cancelled)


def chosen_bundles(ask: Ask) -> tuple[Bundle, ...]:
    """The bundles asked for by name or folder; all shipped ones where nothing is asked."""
    offered = tuple(find(name) for name in dict.fromkeys(ask.tasks)) if ask.tasks else bundles()
    if not offered:
        raise EngineError("There is no bundle on this machine.", "Train one with `insula engines train`.")
    return offered


def run_study(
    path: Path, ask: Ask, out: Path, progress: ProgressFn = lambda _: None, cancelled: CancelledFn = lambda: False
) -> Outcome:
    """Run every task that the study allows in every precision asked, and write each answer under `out`.

    Tasks on different lanes run at the same time. A task whose input is refused is skipped with its reason; an engine
    failure is kept and the others still run.

    Raises:
        InputRefused: The path holds no study, or `out` cannot be written.
        JobCancelled: The user stopped it.
    """
    watch = Watch()
    engines = Worker(chosen_bundles(ask), ask.backend, ask.device)
    worker = Metered(engines, watch)
    try:
        engines.start()
        study = scan(path, progress=progress, cancelled=cancelled)
        road = _Road(worker, Reader(progress, cancelled), ask.precisions, out, progress, cancelled)
        turns = road.all(worker.matches(study))
        skipped = (*worker.skipped(study), *(one for turn in turns for one in turn.skipped))
    finally:
        worker.close()
        watch.close()
    ran = tuple(one for turn in turns for one in turn.ran)
    failure = next((turn.failure for turn in turns if turn.failure is not None), None)
    return Outcome(study, ran, skipped, failure, watch.latest)


@dataclass(frozen=True, slots=True, eq=False)
class _Turn:
    """What came of one task."""

    ran: tuple[Ran, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    failure: InsulaError | None = None


@dataclass(frozen=True, slots=True)
class _Road:
    """One study's tasks on their way to files."""

    worker: Metered
    reader: Reader
    precisions: tuple[Precision, ...]
    out: Path
    progress: ProgressFn
    cancelled: CancelledFn

    def all(self, matches: Sequence[Match]) -> list[_Turn]:
        """Every task, in the order of the matches whatever lane ends first."""
        lanes = {self.worker.lane(match): ThreadPoolExecutor(1) for match in matches}
        try:
            turns = [lanes[self.worker.lane(match)].submit(self._turn, match) for match in matches]
            return [turn.result() for turn in turns]
        finally:
            for lane in lanes.values():
                lane.shutdown(cancel_futures=True)

    def _turn(self, match: Match) -> _Turn:
        ran: list[Ran] = []
        try:
            self.reader.need(match)
            for precision in self.precisions:
                result = self.worker.run(match, self.reader.volumes, precision, self.progress, self.cancelled)
                file = write_result(result, self.out, stem(result))
                ran.append(Ran(result, match.source, file, match.inputs))
        except InputRefused as refusal:
            _raise_export(refusal)
            return _Turn(tuple(ran), (Skipped(match.task.name, str(refusal)),))
        except EngineError as error:
            return _Turn(tuple(ran), (Skipped(match.task.name, str(error)),), error)
        return _Turn(tuple(ran))


def _raise_export(refusal: InputRefused) -> None:
    if refusal.code == "export_failed":
        raise refusal


def run_pair(
    path: Path,
    task: str,
    sides: Sequence[tuple[str | None, Precision]],
    device: str | None,
    progress: ProgressFn,
    cancelled: CancelledFn,
) -> tuple[Result, ...]:
    """One task on one study with several (backend, precision) sides."""
    bundle = find(task)
    reader = Reader(progress, cancelled)
    results = []
    with EngineHost() as host:
        host.start()
        study = scan(path, progress=progress, cancelled=cancelled)
        for backend, precision in sides:
            worker = Worker((bundle,), backend, device, host)
            match = _only(worker, study)
            reader.need(match)
            results.append(worker.run(match, reader.volumes, precision, progress, cancelled))
    return tuple(results)


def _only(worker: Worker, study: Study) -> Match:
    matches = worker.matches(study)
    if not matches:
        (skipped,) = worker.skipped(study)
        raise InputRefused(skipped.reason, "Choose another task or study.")
    return matches[0]
