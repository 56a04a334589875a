"""Choosing a model to add, and seeing how far it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QStackedWidget,
    QWidget,
)

from viewer.adding import Addition
from viewer.jobs import MODELS, Job, Jobs, JobState
from viewer.ui.jobs_panel import duration_text
from viewer.ui.parts import column, dress, label, row

STAGES = {
    "import": "Read the model",
    "quantize": "Prepare studies for INT8",
    "build": "Make the graphs of other precisions",
    "verify": "Test every engine of this machine",
    "install": "Install",
}
MODEL_KINDS = "Models (*.onnx *.zip);;All files (*)"
TRUST = "Open a checkpoint that can run code (only if you know where it comes from)"
WORDS = (
    "A trained nnU-Net v2 folder, a MONAI bundle, a detector as ONNX, or a bundle of Insula. "
    "It is tested on this machine before it is offered; nothing leaves the machine."
)


class AddModelDialog(QDialog):
    """Asks first, then follows the job. Closing it lets the job go on. Signal `wanted`: an Addition."""

    wanted = Signal(object)

    def __init__(self, jobs: Jobs, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Add model")
        self.resize(620, 300)
        self._jobs = jobs
        self._number: int | None = None
        self.source, self.channels, self.studies = QLineEdit(), QLineEdit(), QLineEdit()
        self.mirror, self.trust = QCheckBox("Average over mirrored inputs (slower)"), QCheckBox(TRUST)
        self.mirror.setChecked(True)
        self.stages = {name: (label(words), label("", "small")) for name, words in STAGES.items()}
        self.verdict, self.bar = label(""), QProgressBar()
        self.verdict.setWordWrap(True)
        self.bar.setTextVisible(False)
        self.pages = QStackedWidget()
        self.pages.addWidget(self._question())
        self.pages.addWidget(self._progress())
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.add = self.buttons.addButton("Add", QDialogButtonBox.ButtonRole.AcceptRole)
        self.add.setProperty("role", "main")
        self.add.setDefault(True)
        self.add.setEnabled(False)
        for button in self.buttons.buttons():
            button.setIcon(QIcon())
        self.source.textChanged.connect(
            lambda text: self.add.setEnabled(bool(text.strip()) and Path(text.strip()).exists())
        )
        self.buttons.accepted.connect(self._ask)
        self.buttons.rejected.connect(self._refuse)
        whole = column(14, (20, 18, 20, 16))
        whole.addWidget(self.pages, 1)
        whole.addWidget(self.buttons)
        self.setLayout(whole)
        jobs.changed.connect(self._follow)

    @property
    def addition(self) -> Addition:
        """What the fields say."""
        parts = tuple(part.strip().upper() for part in self.channels.text().split(",") if part.strip())
        studies = self.studies.text().strip()
        source, mirror, trust = Path(self.source.text().strip()), self.mirror.isChecked(), self.trust.isChecked()
        return Addition(source, parts, Path(studies) if studies else None, mirror, trust)

    def _ask(self) -> None:
        before = {job.request.number for job in self._jobs.jobs}
        self.wanted.emit(self.addition)
        asked = [
            j.request.number for j in self._jobs.jobs if j.request.lane == MODELS and j.request.number not in before
        ]
        self._number = asked[-1] if asked else None
        self.pages.setCurrentIndex(1)
        self.add.hide()
        self._follow()

    def _refuse(self) -> None:
        """Cancel means the job while there is one; the dialog closes when it has ended."""
        job = self._job()
        if job is not None and not job.state.over:
            self._jobs.cancel(job.request.number)
        else:
            self.close()

    def _job(self) -> Job | None:
        return next((job for job in self._jobs.jobs if job.request.number == self._number), None)

    def _follow(self) -> None:
        job = self._job()
        if job is None:
            return
        spans = {span.stage: span for span in job.spans}
        for name, (words, figure) in self.stages.items():
            now = job.state is JobState.RUNNING and name == job.stage
            done = name in spans and not now and job.state is not JobState.FAILED
            figure.setText("…" if now else duration_text(spans[name].end - spans[name].start) if done else "")
            dress(words, "role", "strong" if now else "quiet" if name not in spans else "")
        self.bar.setRange(0, 0 if job.state is JobState.RUNNING else 1)
        self.bar.setVisible(not job.state.over)
        if job.state.over:
            self._say_end(job)

    def _say_end(self, job: Job) -> None:
        words = {
            JobState.DONE: f"{job.request.title.removeprefix('Add ')} is installed. Its task is offered now.",
            JobState.CANCELLED: "Stopped. Adding it again goes on where this ended.",
        }
        self.verdict.setText(words.get(job.state, job.error))
        self.buttons.button(QDialogButtonBox.StandardButton.Cancel).setText("Close")

    def _question(self) -> QWidget:
        page, form = QWidget(), QFormLayout()
        form.setVerticalSpacing(10)
        form.setHorizontalSpacing(14)
        self.channels.setPlaceholderText("told from the model; else as DWI, ADC")
        self.studies.setPlaceholderText("optional: a folder of studies, for the ranges of INT8")
        form.addRow("Model", self._place(self.source, file=True))
        form.addRow("Channels", self.channels)
        form.addRow("Studies", self._place(self.studies, file=False))
        form.addRow("", self.mirror)
        form.addRow("", self.trust)
        about = label(WORDS, "small")
        about.setWordWrap(True)
        inside = column(14)
        inside.addWidget(about)
        inside.addLayout(form)
        inside.addStretch()
        page.setLayout(inside)
        return page

    def _place(self, field: QLineEdit, file: bool) -> QHBoxLayout:
        line = row(6)
        line.addWidget(field, 1)
        line.addWidget(_button("Folder …", lambda: self._choose_folder(field)))
        if file:
            line.addWidget(_button("File …", lambda: self._choose_file(field)))
        return line

    def _choose_folder(self, field: QLineEdit) -> None:
        field.setText(QFileDialog.getExistingDirectory(self, "Folder") or field.text())

    def _choose_file(self, field: QLineEdit) -> None:
        file, _ = QFileDialog.getOpenFileName(self, "Model", "", MODEL_KINDS)
        field.setText(file or field.text())

    def _progress(self) -> QWidget:
        page = QWidget()
        inside = column(10)
        for words, figure in self.stages.values():
            line = row(8)
            line.addWidget(words, 1)
            line.addWidget(figure)
            inside.addLayout(line)
        inside.addWidget(self.bar)
        inside.addWidget(self.verdict)
        inside.addStretch()
        page.setLayout(inside)
        return page


def _button(text: str, work: Callable[[], None]) -> QPushButton:
    button = QPushButton(text)
    button.setProperty("role", "raised")
    button.clicked.connect(lambda _=False: work())
    return button
