"""The wiring: which concrete classes make the application. Nothing runs before `run`."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QEventLoop, Qt, QTimer
from PySide6.QtWidgets import QApplication

from inference.errors import EngineError
from inference.health.reading import Reading
from inference.health.watch import Watch
from inference.result import Precision
from inference.volume import Volume
from viewer import loading, report
from viewer.adding import Addition, add_model
from viewer.controller import Controller, Loader, Picture, Runner
from viewer.headless import Ask, chosen_bundles, write_all
from viewer.jobs import Jobs
from viewer.metered import Metered
from viewer.scene.capture import save_png, thumbnail
from viewer.scene.surface import prepare
from viewer.state.actions import choose_finding
from viewer.state.catalogue import Catalogue
from viewer.state.display import DisplayState
from viewer.state.resolve import resolve
from viewer.state.view import Layout, ViewState
from viewer.ui import style
from viewer.ui.main_window import MainWindow
from viewer.ui.meshing import MeshAhead
from viewer.ui.places import pictures_folder, screenshot_name
from viewer.wish import put_series
from viewer.work import Worker

THUMBNAIL_PX = (112, 112)
PATIENCE_S = 900.0
CALM_MS = 150
HEALTH_MS = 1000
SWITCH_S = 0.0005


class NotFinished(EngineError):
    """The jobs of a study did not come to an end in time."""

    code = "not_finished"


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line wishes.

    Attributes:
        path: Study to open, or None.
        tasks: Names or folders of bundles; empty: everything that the study allows.
        precision: Shown first.
        backend, device: Where engines run; None: the best there is.
        layout: "1x1", "2x1", "3x1" or "2x2".
        size: (width, height) of the window in logical pixels.
        patient_text: Patient's name and id on the screen.
        theme: "dark" or "light".
    """

    path: Path | None = None
    tasks: tuple[str, ...] = ()
    precision: Precision = Precision.FP32
    backend: str | None = None
    device: str | None = None
    layout: str = "2x2"
    size: tuple[int, int] = (1920, 1080)
    patient_text: bool = True
    theme: str = "dark"


class ClosingRunner(Runner, Protocol):
    """A runner that gives engines' memory back."""

    def close(self) -> None: ...


class Application:
    """Window, controller and jobs, joined but not running.

    Args:
        watch: Reads the machine for the strip at the window's foot and is closed with the window; None: nothing does.
    """

    def __init__(
        self, qt: QApplication, loader: Loader, runner: ClosingRunner, options: Options, watch: Watch | None = None
    ) -> None:
        self.qt, self.options = qt, options
        self._runner, self._watch = runner, watch
        theme = style.apply(qt, options.theme)
        self.jobs = Jobs()
        self.controller = Controller(loader, runner, self.jobs, _small, _first_view(options))
        self.meshes = MeshAhead(self.jobs, prepare)
        self.window = MainWindow(theme, self.jobs)
        self.window.resize(*options.size)
        self._health = QTimer()
        self._health.setInterval(HEALTH_MS)
        self._join()
        self.controller.show_now()

    @property
    def health(self) -> Reading | None:
        """The newest reading of the machine."""
        return None if self._watch is None else self._watch.latest

    def run(self) -> int:
        """Show the window, open the study if there is one, and return the exit code when the user is done."""
        self.show()
        code = self.qt.exec()
        self.close()
        return code

    def run_until_done_and_capture(
        self, png: Path, patience_s: float = PATIENCE_S, at_finding: bool = False
    ) -> Catalogue:
        """Open the study, wait until every job has ended and 3D is drawn, save the picture, quit.

        Args:
            at_finding: Go to the first finding before the picture is taken, as a click on it would.

        Returns:
            What was there in the end.

        Raises:
            InputRefused: The path holds no study. ExportFailed: The picture could not be saved.
            EngineError: A task failed (the picture has been saved), or the jobs did not end in time.
        """
        self.show()
        try:
            in_time = self.wait(patience_s)
            if self.options.path is not None and self.controller.catalogue.study is None and self.controller.errors:
                raise self.controller.errors[0]
            if at_finding:
                self.controller.wish(lambda now: choose_finding(now.view, now.display, 0))
                in_time = in_time and self.wait(patience_s)
            save_png(png, self.capture(self.options.patient_text))
            self._raise_engine_errors(in_time)
            return self.controller.catalogue
        finally:
            self.close()

    def wait(self, patience_s: float = PATIENCE_S) -> bool:
        """Run the event loop until nothing runs or waits and the screen shows it; False when patience ended first."""
        loop, late = QEventLoop(), QTimer()
        late.setSingleShot(True)
        late.timeout.connect(loop.quit)
        late.start(round(patience_s * 1000))
        calm = QTimer()
        calm.setInterval(CALM_MS)
        calm.timeout.connect(lambda: None if self.jobs.busy else loop.quit())
        calm.start()
        loop.exec()
        calm.stop()
        self.window.refresh_jobs()
        self._show_health()
        self.qt.processEvents()
        return late.isActive()

    def capture(self, patient_text: bool = True) -> Picture:
        """The window's pixels, RGBA uint8; without patient text on wish."""
        if patient_text or not self.controller.view.patient_text:
            return self.window.capture()
        return self.window.capture(self._display_without_patient())

    def screenshot(self) -> None:
        """Save what the window shows, and say where."""
        picture = self.capture()
        path = pictures_folder() / screenshot_name(datetime.now())

        def work() -> str:
            path.parent.mkdir(parents=True, exist_ok=True)
            save_png(path, picture)
            return f"Screenshot saved as {path}"

        self.controller.write("Save screenshot", work)

    def export(self, folder: Path) -> None:
        """Write every result as a file, and say where."""
        if not self.controller.catalogue.results:
            self.window.tell("There is no result to export yet. Wait for a task to end.")
            return
        catalogue, health = self.controller.catalogue, self.health
        self.controller.write("Export results", lambda: _exported(catalogue, health, folder))

    def add_model(self, wanted: Addition) -> None:
        """Make a model ready beside the window and offer it."""
        self.controller.add_model(
            f"Add {wanted.source.name}", lambda desk: add_model(wanted, desk.progress, desk.cancelled)
        )

    def close(self) -> None:
        """End threads first, then engines, graphics and the window."""
        self._health.stop()
        self.jobs.close()
        self._runner.close()
        if self._watch is not None:
            self._watch.close()
        self.window.close()

    def show(self) -> None:
        """Show the window and begin to open the study, if there is one."""
        self.window.show()
        self._health.start()
        if self.options.path is not None:
            self.controller.open(self.options.path)

    def _show_health(self) -> None:
        """Show the newest reading; the machine is read on the watch's own thread, from the first call on."""
        if self._watch is not None:
            self._watch.start()
            if self._watch.latest is not None:
                self.window.show_health(self._watch.latest)

    def _display_without_patient(self) -> DisplayState:
        return resolve(replace(self.controller.view, patient_text=False), self.controller.catalogue)

    def _raise_engine_errors(self, in_time: bool) -> None:
        if not in_time:
            raise NotFinished("The jobs did not end in time.", "Open the study in the window to see how far they are.")
        failed = next((error for error in self.controller.errors if isinstance(error, EngineError)), None)
        if failed is not None:
            raise failed

    def _join(self) -> None:
        controller, window, meshes = self.controller, self.window, self.meshes
        controller.listed.connect(window.show_catalogue)
        controller.displayed.connect(window.show_display)
        controller.displayed.connect(self._follow_surfaces)
        controller.thumbnailed.connect(window.series.show_picture)
        controller.supported.connect(window.show_support)
        controller.told.connect(window.tell)
        controller.noted.connect(window.note)
        meshes.ready.connect(window.panes.surface.show_pane)
        meshes.told.connect(window.tell)
        self.jobs.changed.connect(window.show_jobs)
        self._health.timeout.connect(self._show_health)
        window.wished.connect(controller.wish)
        window.open_wanted.connect(controller.open)
        window.series_wanted.connect(lambda identity: controller.choose(identity, put_series))
        window.screenshot_wanted.connect(self.screenshot)
        window.export_wanted.connect(self.export)
        window.model_wanted.connect(self.add_model)

    def _follow_surfaces(self, display: DisplayState) -> None:
        self.meshes.follow(display, self.controller.loading, self.controller.generation)


def build(options: Options) -> Application:
    """Make the application; Qt is started, the window is not shown.

    Raises:
        EngineError: A task that was asked for does not exist.
    """
    worker = Worker(chosen_bundles(Ask(tasks=options.tasks)), options.backend, options.device)
    watch = Watch()
    return Application(start_qt(), loading, Metered(worker, watch), options, watch)


def build_without_tasks(options: Options) -> Application:
    """The window as a plain viewer, for measuring it."""
    return Application(start_qt(), loading, Worker(()), options)


def start_qt() -> QApplication:
    """The one QApplication of this process."""
    # Reading threads hold the interpreter for this long at a time; the default of 5 ms makes the window stutter.
    sys.setswitchinterval(SWITCH_S)
    running = QApplication.instance()
    if isinstance(running, QApplication):
        return running
    QApplication.setAttribute(Qt.ApplicationAttribute.AA_DontCreateNativeWidgetSiblings)
    application = QApplication(sys.argv[:1])
    application.setApplicationName("Insula")
    return application


def _first_view(options: Options) -> ViewState:
    compare = Precision.FP32 if options.precision is Precision.FP16 else Precision.FP16
    return ViewState(
        layout=Layout(options.layout),
        precision=options.precision,
        compare=compare,
        patient_text=options.patient_text,
    )


def _small(volume: Volume) -> Picture:
    return thumbnail(volume, THUMBNAIL_PX)


def _exported(catalogue: Catalogue, health: Reading | None, folder: Path) -> str:
    ran = write_all(catalogue, folder)
    report.write(report.document(ran, (), health), folder)
    return f"{len(ran)} results written to {folder}"
