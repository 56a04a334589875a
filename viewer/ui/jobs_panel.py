"""Jobs: what runs, how far, how much longer, and a button that stops it."""

from __future__ import annotations

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QFrame, QProgressBar, QPushButton, QSizePolicy, QWidget

from viewer.jobs import Job, Jobs, JobState
from viewer.ui.parts import Elided, column, dress, empty, label, row

SHOWN = 6
TICK_MS = 200
HIDDEN_BELOW_S = 0.15
WORDS = {
    JobState.WAITING: "waiting",
    JobState.FAILED: "failed",
    JobState.CANCELLED: "cancelled",
    JobState.UNFIT: "not for this study",
}


def status_text(job: Job, now: float) -> str:
    """What stands on the right of a job: step and time left, time taken, or its end."""
    if job.state in WORDS:
        return WORDS[job.state]
    if job.state is JobState.DONE:
        return f"done {duration_text(job.seconds(now))}"
    left = job.seconds_left(now)
    time = duration_text(job.seconds(now)) if left is None else f"{duration_text(left)} left"
    return f"{job.done} of {job.total} · {time}" if job.total > 1 else time


def duration_text(seconds: float) -> str:
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    return f"{seconds:.0f} s" if seconds < 100 else f"{int(seconds // 60)} min {int(seconds % 60)} s"


def listed(jobs: tuple[Job, ...]) -> tuple[Job, ...]:
    """Jobs worth a line: those that run or wait first, then the last ones; silent and very short ones are left out."""
    jobs = tuple(job for job in jobs if job.error or not job.request.silent)
    open_ones = [job for job in jobs if not job.state.over]
    over = [job for job in jobs if job.state.over and (job.error or job.ended - job.started >= HIDDEN_BELOW_S)]
    return (*open_ones, *reversed(over))[:SHOWN]


class JobCard(QFrame):
    """One job. Signal `cancelled`: its number."""

    cancelled = Signal(int)

    def __init__(self, number: int) -> None:
        super().__init__()
        self.setObjectName("JobCard")
        self._title, self._status = Elided(), label("", "small")
        self._stop = QPushButton("✕")
        self._stop.setProperty("role", "icon")
        self._stop.setFixedSize(18, 18)
        self._stop.setToolTip("Stop this job")
        self._stop.clicked.connect(lambda: self.cancelled.emit(number))
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setRange(0, 1000)
        first = row(8)
        first.addWidget(self._title, 1)
        first.addWidget(self._status)
        first.addWidget(self._stop)
        whole = column(6, (10, 7, 8, 7))
        whole.addLayout(first)
        whole.addWidget(self.bar)
        self.setLayout(whole)

    def show_job(self, job: Job, now: float) -> None:
        self._title.setText(job.request.title)
        self._status.setText(status_text(job, now))
        dress(self._status, "role", {JobState.DONE: "good", JobState.FAILED: "bad"}.get(job.state, "small"))
        self._stop.setVisible(not job.state.over)
        self._stop.setAccessibleName(f"Stop {job.request.title}")
        self.bar.setVisible(job.state is JobState.RUNNING)
        self.bar.setValue(round(1000 * job.fraction))
        self.setToolTip(job.error or job.stage)


class JobsPanel(QWidget):
    """The job list; it asks the jobs themselves for the figures. Signal `timeline_wanted`: show the lanes over time."""

    timeline_wanted = Signal()

    def __init__(self, jobs: Jobs) -> None:
        super().__init__()
        self._jobs = jobs
        self.cards: dict[int, JobCard] = {}
        self._list = column(6)
        self._none = label("Nothing is running.", "small")
        self.timeline = QPushButton("Timeline…")
        self.timeline.setProperty("role", "link")
        self.timeline.setToolTip("What each lane did and when, and what a plan would do")
        self.timeline.clicked.connect(self.timeline_wanted)
        head = row(8)
        head.addWidget(label("JOBS", "section"))
        head.addStretch()
        head.addWidget(self.timeline)
        whole = column(8)
        whole.addLayout(head)
        whole.addWidget(self._none)
        whole.addLayout(self._list)
        self.setLayout(whole)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._timer = QTimer(self)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self.refresh)
        jobs.changed.connect(self._wake)

    def refresh(self) -> None:
        """Draw the list now; the timer rests while nothing runs."""
        shown = listed(self._jobs.jobs)
        numbers = [job.request.number for job in shown]
        if numbers != list(self.cards):
            self._rebuild(numbers)
        now = self._jobs.now()
        for job in shown:
            self.cards[job.request.number].show_job(job, now)
        self._none.setVisible(not shown)
        if not self._jobs.busy:
            self._timer.stop()

    def rest(self) -> None:
        """Draw no more."""
        self._timer.stop()

    def _wake(self) -> None:
        if not self._timer.isActive():
            self._timer.start()
            self.refresh()

    def _rebuild(self, numbers: list[int]) -> None:
        empty(self._list)
        self.cards = {}
        for number in numbers:
            card = JobCard(number)
            card.cancelled.connect(self._jobs.cancel)
            self.cards[number] = card
            self._list.addWidget(card)
