"""Which tasks a study allows, and which series feeds which channel: no fit, no run, and a reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from inference.task import Task
from inference.volume import Channel
from viewer.study import GeometryState, Series, SeriesKind, Study


@dataclass(frozen=True, slots=True, eq=False)
class Match:
    """A task and the series that feed it."""

    task: Task
    series: Mapping[Channel, Series]

    @property
    def source(self) -> Series:
        """The series on whose grid the answer lies: that of the task's first channel."""
        return self.series[self.task.channels[0].channel]


@dataclass(frozen=True, slots=True)
class Skipped:
    """A task that the study does not allow, and why."""

    task: str
    reason: str


HEAD_WORDS = ("HEAD", "BRAIN", "SKULL", "CEREBR")
"""Every task that ships is one of the head (DICOM PS3.16 annex L: HEAD, BRAIN, SKULL, HEADNECK)."""


def match(study: Study, tasks: Iterable[Task]) -> tuple[tuple[Match, ...], tuple[Skipped, ...]]:
    """Sort tasks into those that can run on the study and those that cannot."""
    matches: list[Match] = []
    skipped: list[Skipped] = []
    for task in tasks:
        found = _feed(study, task)
        elsewhere = _not_the_head(found.source) if isinstance(found, Match) and not task.is_imported else ""
        if elsewhere:
            skipped.append(Skipped(task.name, elsewhere))
        elif isinstance(found, Match):
            matches.append(found)
        else:
            skipped.append(found)
    return tuple(matches), tuple(skipped)


def _not_the_head(series: Series) -> str:
    if not series.body_part or any(word in series.body_part for word in HEAD_WORDS):
        return ""
    return f"The header of the {series.channel.value} series says that it shows {series.body_part}, not the head."


def _feed(study: Study, task: Task) -> Match | Skipped:
    chosen: dict[Channel, Series] = {}
    for spec in task.channels:
        candidates = _usable(study, spec.channel, chosen.values())
        if not candidates:
            return Skipped(task.name, _why_none(study, spec.channel, bool(chosen)))
        chosen[spec.channel] = max(candidates, key=lambda s: _likeness(s, chosen.values()))
    return Match(task, chosen)


def _usable(study: Study, channel: Channel, partners: Iterable[Series]) -> list[Series]:
    frames = {p.frame_of_reference for p in partners if p.frame_of_reference}
    return [
        s
        for s in study.series
        if s.kind is SeriesKind.VOLUME
        and s.state is not GeometryState.BLOCKED
        and s.channel is channel
        and (not frames or not s.frame_of_reference or s.frame_of_reference in frames)
    ]


def _likeness(series: Series, partners: Iterable[Series]) -> tuple[bool, int]:
    """Prefer the grid of the series already chosen, then the most slices."""
    grids = [p.grid for p in partners if p.grid is not None]
    same = series.grid is not None and any(series.grid.same_grid(g) for g in grids)
    return same, series.grid.shape[0] if series.grid is not None else 0


def _why_none(study: Study, channel: Channel, has_partner: bool) -> str:
    blocked = [s for s in study.series if s.channel is channel and s.state is GeometryState.BLOCKED]
    if blocked:
        return f"The {channel.value} series has no usable geometry: {' '.join(blocked[0].reasons)}"
    if has_partner and any(s.channel is channel for s in study.series):
        return f"The {channel.value} series lies in another frame of reference than the first series."
    return f"The study has no {channel.value} series."
