"""Wishes in, jobs out, a new display state shown. The one place where the window's parts meet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal

from inference.backends.base import Support
from inference.errors import InsulaError, JobCancelled, OtherRegion
from inference.result import CancelledFn, Kind, Precision, PrecisionKind, ProgressFn, Result
from inference.volume import Volume
from viewer.jobs import ENGINE, MODELS, READ, SCENE, Desk, Jobs, Lane, Request
from viewer.match import Match
from viewer.state import choose
from viewer.state.catalogue import Catalogue
from viewer.state.compare import agreement_mask, compare_masks
from viewer.state.display import DisplayState
from viewer.state.resolve import resolve
from viewer.state.view import ViewState
from viewer.study import GeometryState, Series, Study
from viewer.wish import Now, Wish, hanging

PRECISIONS = (Precision.FP32, Precision.FP16)
BACKGROUND_BYTES = 1 << 30
BYTES_PER_VOXEL = 4
Picture = NDArray[np.uint8]


class Loader(Protocol):
    """Finds and reads studies."""

    def scan(self, path: Path, *, progress: ProgressFn, cancelled: CancelledFn) -> Study: ...

    def read(
        self,
        series: Series,
        *,
        on_partial: Callable[[Volume], None],
        cancelled: CancelledFn,
        progress: ProgressFn,
    ) -> Volume: ...


class Runner(Protocol):
    """Runs tasks on volumes."""

    def matches(self, study: Study, /) -> tuple[Match, ...]: ...

    def support(self, match: Match, precision: Precision, /) -> Support: ...

    def lane(self, match: Match, /) -> str: ...

    def renew(self) -> None: ...

    def run(
        self,
        match: Match,
        volumes: Mapping[str, Volume],
        precision: Precision,
        progress: ProgressFn,
        cancelled: CancelledFn,
        /,
    ) -> Result: ...


class Controller(QObject):
    """Holds the view state and the catalogue of one study.

    Signals:
        displayed: A new DisplayState, at most one per turn of the event loop.
        listed: A new Catalogue.
        thumbnailed: Id and RGBA of a small picture.
        supported: Precision -> Support, once per study.
        told: One sentence about a problem.
        noted: One sentence about something done.
        settled: Nothing runs or waits any more.
    """

    displayed = Signal(object)
    listed = Signal(object)
    thumbnailed = Signal(str, object)
    supported = Signal(object)
    told = Signal(str)
    noted = Signal(str)
    settled = Signal()

    def __init__(
        self,
        loader: Loader,
        runner: Runner,
        jobs: Jobs,
        thumbnail: Callable[[Volume], Picture],
        view: ViewState | None = None,
    ) -> None:
        super().__init__()
        self._loader, self._runner, self.jobs, self._thumbnail = loader, runner, jobs, thumbnail
        self.view = view or ViewState()
        self.catalogue = Catalogue()
        self.display: DisplayState = resolve(self.view, self.catalogue)
        self.generation = 0
        self.errors: list[InsulaError] = []
        self._openings = 0
        self._scan: Request | None = None
        self._reading: dict[str, Request] = {}
        self._working: set[Lane] = set()
        self._waiting: list[tuple[Match, Precision]] = []
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(0)
        self._soon.timeout.connect(lambda: self.displayed.emit(self.display))
        jobs.changed.connect(self._look_whether_settled)

    # --- wishes ---------------------------------------------------------------------------------------------------

    @property
    def now(self) -> Now:
        return Now(self.view, self.display, self.catalogue)

    def wish(self, wish: Wish) -> None:
        """Apply a wish; the screen follows in the next turn of the event loop."""
        wished = wish(self.now)
        if wished is not self.view:
            self.view = wished
            self._refresh()

    def show_now(self) -> None:
        """Show everything once, for a window that has just been made."""
        self.listed.emit(self.catalogue)
        self._refresh()

    def choose(self, identity: str, put: Callable[[Now, str], ViewState]) -> None:
        """Put a series or a result into the active pane, and read it if that has not been done."""
        series = choose.series_of(self.catalogue, identity)
        if series is not None and identity not in self.catalogue.volumes:
            self._read(series)
        self.wish(lambda now: put(now, identity))

    # --- opening --------------------------------------------------------------------------------------------------

    def open(self, path: Path) -> None:
        """Scan a path; when it holds a study, that study takes the place of the old one."""
        if self._scan is not None:
            self.jobs.drop(self._scan.number)
        self._openings += 1
        generation = self._openings
        self._scan = self.jobs.submit(
            "scan",
            "Find series",
            READ,
            lambda desk: self._loader.scan(path, progress=desk.progress, cancelled=desk.cancelled),
            done=lambda study: self._opened(study, generation),
            failed=self._not_opened,
            generation=generation,
        )

    def _not_opened(self, error: InsulaError) -> None:
        self._scan = None
        self._tell(error)

    def _opened(self, study: Study, generation: int) -> None:
        self._scan = None
        self.errors = []
        self.generation = generation
        self.jobs.drop_before(generation)
        self._reading, self._working, self._waiting = {}, set(), []
        matches = self._runner.matches(study)
        self.catalogue = _offered(Catalogue(study=study), matches)
        self.view = hanging(self.view, study)
        self._publish()
        self._plan(matches)
        self._read_all(matches)
        self._say_what_is_missing(study)

    def _say_what_is_missing(self, study: Study) -> None:
        shown = [series for series in study.series if series.is_shown]
        if all(series.state is GeometryState.BLOCKED for series in shown):
            reason = next((reason for series in shown for reason in series.reasons), "No series here is a volume.")
            self.told.emit(f"{reason} Open the ledger at the lower left to see every file.")

    # --- reading --------------------------------------------------------------------------------------------------

    def _read_all(self, matches: tuple[Match, ...]) -> None:
        """The best series first, then what tasks need, then the rest while it is small enough."""
        assert self.catalogue.study is not None
        best = choose.source_id(self.view, self.catalogue)
        needed = [series.uid for match in matches for series in match.series.values()]
        order = [uid for uid in dict.fromkeys([best, *needed]) if uid is not None]
        series = {one.uid: one for one in self.catalogue.study.series if _readable(one)}
        budget = BACKGROUND_BYTES
        for uid in [*order, *(uid for uid in series if uid not in order)]:
            if uid in series and (uid in order or _bytes(series[uid]) <= budget):
                budget -= _bytes(series[uid])
                self._read(series[uid])

    def _read(self, series: Series) -> None:
        if series.uid in self._reading or series.uid in self.catalogue.volumes:
            return
        self._reading[series.uid] = self.jobs.submit(
            "read",
            f"Read {series.modality or 'series'} {series.number or ''}".strip(),
            READ,
            lambda desk: self._loader.read(
                series, on_partial=desk.partial, cancelled=desk.cancelled, progress=desk.progress
            ),
            done=lambda volume: self._arrived(series.uid, volume),
            failed=lambda error: self._not_read(series, error),
            partial=lambda volume: self._show_volume(series.uid, volume),
            generation=self.generation,
        )

    def _show_volume(self, uid: str, volume: Volume) -> None:
        self.catalogue = replace(self.catalogue, volumes={**self.catalogue.volumes, uid: volume})
        self._refresh()

    def _arrived(self, uid: str, volume: Volume) -> None:
        self._reading.pop(uid, None)
        self._show_volume(uid, volume)
        self.listed.emit(self.catalogue)
        self._draw_thumbnail(uid, volume)
        self._run_next()

    def _not_read(self, series: Series, error: InsulaError) -> None:
        self._reading.pop(series.uid, None)
        lost = [pair for pair in self._waiting if series.uid in {s.uid for s in pair[0].series.values()}]
        self._waiting = [pair for pair in self._waiting if pair not in lost]
        for match, precision in lost:
            self._fail(match.task.name, precision, error)
        self._tell(error)
        self._publish()

    def _draw_thumbnail(self, identity: str, volume: Volume) -> None:
        self.jobs.submit(
            "thumbnail",
            "Draw thumbnail",
            SCENE,
            lambda _: self._thumbnail(volume),
            done=lambda picture: self.thumbnailed.emit(identity, picture),
            generation=self.generation,
            silent=True,
        )

    # --- tasks ----------------------------------------------------------------------------------------------------

    def _plan(self, matches: tuple[Match, ...]) -> None:
        """Every task in the precision on the screen first, then in the other."""
        order = sorted(PRECISIONS, key=lambda precision: precision is not self.view.precision)
        if self.view.precision not in PRECISIONS:
            order = [self.view.precision, *PRECISIONS]
        self._waiting += [(match, precision) for precision in order for match in matches]
        if matches:
            self.jobs.submit(
                "machine",
                "Look at this machine",
                ENGINE,
                lambda _: {precision: _support(self._runner, matches, precision) for precision in order},
                done=self.supported.emit,
                generation=self.generation,
                silent=True,
            )

    def _run_next(self) -> None:
        """Start on each idle lane the first task whose series have all been read; one a lane, so the order stays."""
        read = {uid for uid in self.catalogue.volumes if uid not in self._reading}
        for pair in tuple(self._waiting):
            name = self._runner.lane(pair[0])
            lane = Lane(name, engine=True) if name else ENGINE
            if lane not in self._working and all(series.uid in read for series in pair[0].series.values()):
                self._waiting.remove(pair)
                self._run(*pair, lane)

    def _run(self, match: Match, precision: Precision, lane: Lane) -> None:
        task = match.task.name
        self._working.add(lane)
        volumes = {series.uid: self.catalogue.volumes[series.uid] for series in match.series.values()}
        others = [result for (name, _), result in self.catalogue.results.items() if name == task]

        def work(desk: Desk) -> Result:
            made = self._runner.run(match, volumes, precision, desk.progress, desk.cancelled)
            _compare_ahead(made, others)
            return made

        self.jobs.submit(
            f"{task} {precision.value}",
            f"{task} {precision.value.upper()}",
            lane,
            work,
            done=lambda result: self._answered(match, precision, lane, result),
            failed=lambda error: self._not_answered(match, precision, lane, error),
            generation=self.generation,
        )

    def _answered(self, match: Match, precision: Precision, lane: Lane, result: Result) -> None:
        key = (match.task.name, precision)
        self.catalogue = replace(
            self.catalogue,
            results={**self.catalogue.results, key: result},
            result_source={**self.catalogue.result_source, key: match.source.uid},
        )
        self._working.discard(lane)
        self._publish()
        if result.volume is not None or result.kind is not Kind.VOLUME:
            shown = result.volume or self.catalogue.volumes[match.source.uid]
            self._draw_thumbnail(choose.result_id(match.task.name), shown)
        self._run_next()

    def _not_answered(self, match: Match, precision: Precision, lane: Lane, error: InsulaError) -> None:
        self._working.discard(lane)
        self._fail(match.task.name, precision, error)
        if isinstance(error, OtherRegion):  # nobody asked for this task: the study only has its kind of series
            self._set_aside(match, error)
        elif not isinstance(error, JobCancelled):
            self.errors.append(error)
            self.told.emit(f"{match.task.title} ({precision.value.upper()}): {error}")
        self._publish()
        self._run_next()

    def _set_aside(self, match: Match, error: OtherRegion) -> None:
        """No other precision will change it; a pane that waits for the task says why."""
        for _, precision in [pair for pair in self._waiting if pair[0] is match]:
            self._fail(match.task.name, precision, error)
        self._waiting = [pair for pair in self._waiting if pair[0] is not match]

    def _fail(self, task: str, precision: Precision, why: object) -> None:
        self.catalogue = replace(self.catalogue, failures={**self.catalogue.failures, (task, precision): str(why)})

    def add_model(self, title: str, work: Callable[[Desk], str]) -> Request:
        """Make a model ready in the background; `work` returns the task's name, which is then offered at once."""
        return self.jobs.submit(
            "add model", title, MODELS, work, done=self._added, failed=self._tell, generation=self.generation
        )

    def _added(self, task: str) -> None:
        self.noted.emit(f"{task} is installed")
        self._runner.renew()
        study = self.catalogue.study
        new = () if study is None else tuple(m for m in self._runner.matches(study) if m.task.name == task)
        self.catalogue = _offered(self.catalogue, new)
        self._publish()
        self._plan(new)
        self._run_next()

    # --- writing --------------------------------------------------------------------------------------------------

    def write(self, title: str, work: Callable[[], str]) -> None:
        """Write files in the background; `work` returns the sentence to say when it is done."""
        self.jobs.submit(
            "write",
            title,
            SCENE,
            lambda _: work(),
            done=self.noted.emit,
            failed=self._tell,
            generation=self.generation,
        )

    # --- showing --------------------------------------------------------------------------------------------------

    @property
    def loading(self) -> bool:
        """The series that the study is read from is not whole yet."""
        source = choose.source_id(self.view, self.catalogue)
        return source in self._reading

    def _publish(self) -> None:
        self.listed.emit(self.catalogue)
        self._refresh()

    def _refresh(self) -> None:
        self.display = resolve(self.view, self.catalogue)
        if not self._soon.isActive():
            self._soon.start()

    def _tell(self, error: InsulaError) -> None:
        if not isinstance(error, JobCancelled):
            self.errors.append(error)
            self.told.emit(str(error))

    def _look_whether_settled(self) -> None:
        if not self.jobs.busy:
            QTimer.singleShot(0, self, self._say_settled)

    def _say_settled(self) -> None:
        if not self.jobs.busy:
            self.settled.emit()


def _offered(catalogue: Catalogue, matches: tuple[Match, ...]) -> Catalogue:
    """The catalogue with what more tasks make and are fed with."""
    kinds = {match.task.name: match.task.kind for match in matches}
    inputs = {match.task.name: match.inputs for match in matches}
    return replace(catalogue, kinds={**catalogue.kinds, **kinds}, inputs={**catalogue.inputs, **inputs})


def _support(runner: Runner, matches: tuple[Match, ...], precision: Precision) -> Support:
    """The worst among the tasks, since one switch serves them all."""
    try:
        found = [runner.support(match, precision) for match in matches]
    except InsulaError as error:
        return Support(PrecisionKind.ABSENT, str(error))
    return next((support for support in found if support.kind is not PrecisionKind.NATIVE), found[0])


def _readable(series: Series) -> bool:
    return series.is_shown and series.state is not GeometryState.BLOCKED


def _bytes(series: Series) -> int:
    return int(np.prod(series.grid.shape)) * BYTES_PER_VOXEL if series.grid is not None else 0


def _compare_ahead(made: Result, others: list[Result]) -> None:
    """Work the comparison out here, off the GUI thread; the answers are remembered for the screen."""
    for other in others:
        if made.mask is None or other.mask is None or not made.mask.geometry.same_grid(other.mask.geometry):
            continue
        order = tuple(Precision)
        first, second = sorted((made, other), key=lambda result: order.index(result.provenance.precision))
        if first.mask is not None and second.mask is not None:
            compare_masks(first.mask, second.mask)
            agreement_mask(first.mask, second.mask)
