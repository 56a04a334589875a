"""Which tasks a study allows, and which series feeds which channel: no fit, no run, and a reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from inference.steps.region import Region
from inference.steps.slices import is_axial
from inference.task import Task
from inference.volume import Channel
from viewer.study import GeometryState, Series, Study


@dataclass(frozen=True, slots=True, eq=False)
class Match:
    """A task and the series that feed it.

    Attributes:
        missing: Optional channels that no series feeds, each with why the one that is there cannot be used; "" where
            there is none.
    """

    task: Task
    series: Mapping[Channel, Series]
    missing: Mapping[Channel, str] = field(default_factory=dict)

    @property
    def source(self) -> Series:
        """The series on whose grid the answer lies: that of the task's first channel."""
        return self.series[self.task.channels[0].channel]

    @property
    def inputs(self) -> dict[Channel, str]:
        """Channel -> uid of the series that feeds it, in the task's order; "" for one that is missing."""
        fed = {channel: series.uid for channel, series in self.series.items()}
        return {spec.channel: fed.get(spec.channel, "") for spec in self.task.channels}


@dataclass(frozen=True, slots=True)
class Skipped:
    """A task that the study does not allow, and why."""

    task: str
    reason: str


TRUNK_WORDS = (
    *("BODY", "TRUNK", "TORSO", "CHEST", "THORAX", "ABDOMEN", "ABD", "PELVI", "BACK", "RETROPERIT", "MEDIASTINUM"),
    *("LUNG", "BRONCHUS", "HEART", "CORONARY", "AORTA", "ESOPHAGUS", "THYMUS", "STERNUM", "RIB", "DIAPHRAGM"),
    *("LIVER", "BLADDER", "PANCREAS", "SPLEEN", "STOMACH", "DUODENUM", "JEJUNUM", "ILEUM", "COLON", "RECTUM"),
    *("KIDNEY", "ADRENAL", "URETER", "PROSTATE", "SEMVESICLE", "UTERUS", "OVARY", "CERVIX"),
    *("TSPINE", "TLSPINE", "LSPINE", "LSSPINE", "SSPINE", "SACRUM", "COCCYX", "ILIUM", "HIP"),
)
WORDS: Mapping[Region, tuple[str, ...]] = {
    Region.HEAD: ("HEAD", "BRAIN", "SKULL", "CEREBR"),
    Region.TRUNK: TRUNK_WORDS,
    Region.PELVIS: ("PELVI", "PROSTATE", "SEMVESICLE"),
    Region.SMEAR: ("BLOOD",),
}
"""Words of BodyPartExamined (DICOM PS3.16 annex L, and what scanners write instead) that a region's tasks accept."""


def match(study: Study, tasks: Iterable[Task]) -> tuple[tuple[Match, ...], tuple[Skipped, ...]]:
    """Sort tasks into those that can run on the study and those that cannot."""
    matches: list[Match] = []
    skipped: list[Skipped] = []
    for task in tasks:
        found = _feed(study, task)
        if isinstance(found, Match):
            matches.append(found)
        else:
            skipped.append(found)
    return tuple(matches), tuple(skipped)


def _elsewhere(series: Series, region: Region) -> str:
    words = WORDS.get(region, ())
    if not words or not series.body_part or any(word in series.body_part for word in words):
        return ""
    where = "a smear" if region is Region.SMEAR else f"the {region.value}"
    return f"The header of the {series.channel.value} series says that it shows {series.body_part}, not {where}."


def _feed(study: Study, task: Task) -> Match | Skipped:
    chosen: dict[Channel, Series] = {}
    missing: dict[Channel, str] = {}
    for spec in task.channels:
        fit = _usable(study, spec.channel, chosen.values())
        here = [series for series in fit if not _elsewhere(series, task.region)]
        if here:
            chosen[spec.channel] = max(here, key=lambda s: _likeness(s, chosen.values(), not task.is_imported))
            continue
        reason = _elsewhere(fit[0], task.region) if fit else _why_none(study, spec.channel, bool(chosen))
        if not spec.optional:
            return Skipped(task.name, reason or f"The study has no {spec.channel.value} series.")
        missing[spec.channel] = reason
    return Match(task, chosen, missing)


def _usable(study: Study, channel: Channel, partners: Iterable[Series]) -> list[Series]:
    frames = {p.frame_of_reference for p in partners if p.frame_of_reference}
    return [
        s
        for s in study.series
        if s.is_shown
        and s.state is not GeometryState.BLOCKED
        and s.channel is channel
        and (not frames or not s.frame_of_reference or s.frame_of_reference in frames)
    ]


def _likeness(series: Series, partners: Iterable[Series], axial: bool) -> tuple[bool, bool, int]:
    """Prefer axial slices where the task needs them, then the grid of a series already chosen, then the most slices."""
    if series.grid is None:
        return False, False, 0
    same = any(series.grid.same_grid(p.grid) for p in partners if p.grid is not None)
    return not axial or is_axial(series.grid), same, series.grid.shape[0]


def _why_none(study: Study, channel: Channel, has_partner: bool) -> str:
    """Why no series of that channel can be used; "" where there is none."""
    blocked = [s for s in study.series if s.channel is channel and s.state is GeometryState.BLOCKED]
    if blocked:
        return f"The {channel.value} series has no usable geometry: {' '.join(blocked[0].reasons)}"
    if channel is Channel.COLOUR:
        return "The study is no colour picture."
    if has_partner and any(s.channel is channel for s in study.series):
        return f"The {channel.value} series lies in another frame of reference than the first series."
    return ""
