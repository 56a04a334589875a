"""What the bundles of this machine can do with a study: which series feeds which channel, and what is missing."""

from __future__ import annotations

from typing import Any

from engines.library import bundles
from viewer.match import Match, Skipped, match
from viewer.study import Series, Study


def offers(study: Study) -> tuple[tuple[Match, ...], tuple[Skipped, ...]]:
    """Every bundle's task on the study.

    Raises:
        ManifestInvalid: A shipped manifest is damaged.
    """
    return match(study, (bundle.task for bundle in bundles()))


def document(matches: tuple[Match, ...], skipped: tuple[Skipped, ...]) -> list[dict[str, Any]]:
    """One entry for each task: `inputs` and `missing` where the study allows it, else the `reason`."""
    fit = [
        {"task": one.task.name, "allowed": True, "inputs": _inputs(one), "missing": missing(one), "reason": ""}
        for one in matches
    ]
    unfit = [{"task": one.task, "allowed": False, "inputs": [], "missing": [], "reason": one.reason} for one in skipped]
    return [*fit, *unfit]


def missing(match: Match) -> list[dict[str, str]]:
    """Channels that no series feeds, and why."""
    return [
        {"channel": channel.value, "reason": why or f"The study has no {channel.value} series."}
        for channel, why in match.missing.items()
    ]


def text(matches: tuple[Match, ...], skipped: tuple[Skipped, ...]) -> str:
    """A line for each task, and its channels below it."""
    lines = ["Tasks"]
    for one in matches:
        lines.append(f"  {one.task.name}")
        lines += [f"      {channel.value:<8}{_name(series)}" for channel, series in one.series.items()]
        lines += [f"      {lost['channel']:<8}missing: {lost['reason']}" for lost in missing(one)]
    return "\n".join([*lines, *(f"  {one.task}  not here: {one.reason}" for one in skipped)])


def _inputs(match: Match) -> list[dict[str, str]]:
    return [
        {"channel": channel.value, "series_instance_uid": series.uid, "description": series.description}
        for channel, series in match.series.items()
    ]


def _name(series: Series) -> str:
    return " ".join(part for part in (series.modality, str(series.number or ""), series.description) if part)
