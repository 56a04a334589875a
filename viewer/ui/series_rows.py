"""What the series list says, worked out from the catalogue; no Qt."""

from __future__ import annotations

from dataclasses import dataclass

from inference.result import Kind, Precision, Result
from viewer.state.catalogue import Catalogue
from viewer.state.choose import result_id
from viewer.study import GeometryState, Series, SeriesKind, Study

RESULT_TITLES = {Kind.BOXES: "Boxes", Kind.MASK: "Lesion outline", Kind.VOLUME: "Synthetic MRI"}
KIND_WORDS = {
    SeriesKind.LOCALIZER: "localizer",
    SeriesKind.CAPTURE: "capture",
    SeriesKind.SEGMENTATION: "segmentation",
    SeriesKind.OTHER: "not a picture",
}


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """One card: `id` is a series uid or a result id; `badge_kind` names a style."""

    id: str
    title: str
    subtitle: str
    badge: str
    badge_kind: str
    tip: str = ""
    can_open: bool = True


def series_rows(study: Study, patient_text: bool = True) -> tuple[SeriesRow, ...]:
    """Acquired series: volumes first, then what cannot be shown as one.

    Without patient text a description, into which anything may have been typed, gives way to modality and number.
    """
    ordered = sorted(study.series, key=lambda series: series.kind is not SeriesKind.VOLUME)
    return tuple(_series_row(series, patient_text) for series in ordered)


def result_rows(catalogue: Catalogue) -> tuple[SeriesRow, ...]:
    """One card per task that has an answer, in the order they came."""
    tasks = dict.fromkeys(task for task, _ in catalogue.results)
    return tuple(_result_row(task, catalogue) for task in tasks)


def _series_row(series: Series, patient_text: bool) -> SeriesRow:
    neutral = f"{series.modality or 'Series'} {series.number or ''}".strip()
    badge, kind = _gate(series)
    return SeriesRow(
        id=series.uid,
        title=(series.description if patient_text else "") or neutral,
        subtitle=_count(series),
        badge=badge,
        badge_kind=kind,
        tip="\n".join(series.reasons),
        can_open=series.kind is SeriesKind.VOLUME and series.state is not GeometryState.BLOCKED,
    )


def _count(series: Series) -> str:
    number = series.acquired_shape[0] if series.acquired_shape else len(series.frames)
    parts = [f"{number} image" + ("" if number == 1 else "s")]
    if series.grid is not None:
        parts.append(f"{series.grid.spacing_mm[2]:.3g} mm")
    return " · ".join(parts)


def _gate(series: Series) -> tuple[str, str]:
    if series.kind is not SeriesKind.VOLUME:
        return KIND_WORDS[series.kind], "plain"
    if series.state is GeometryState.BLOCKED:
        return "geometry blocked", "blocked"
    if series.state is GeometryState.OK:
        return "geometry ok", "ok"
    if abs(series.gantry_tilt_deg) >= 0.1:
        return f"tilt {abs(series.gantry_tilt_deg):.1f}° corrected", "corrected"
    return ("uneven steps corrected", "corrected") if len(series.steps_mm) > 1 else ("corrected", "corrected")


def _result_row(task: str, catalogue: Catalogue) -> SeriesRow:
    made = {precision: result for (name, precision), result in catalogue.results.items() if name == task}
    first = next(iter(made.values()))
    return SeriesRow(
        id=result_id(task),
        title=_result_title(first),
        subtitle=f"{_precisions(made)} · {first.provenance.device}",
        badge=_result_badge(first),
        badge_kind="synthetic",
        tip=f"Made by {first.provenance.task} {first.provenance.task_version} with {first.provenance.backend} "
        f"on {first.provenance.device}; not acquired.",
    )


def _precisions(made: dict[Precision, Result]) -> str:
    return " and ".join(precision.value.upper() for precision in Precision if precision in made)


def _result_title(result: Result) -> str:
    if result.volume is not None and result.volume.channel.value != "UNKNOWN":
        return f"Synthetic {result.volume.channel.value}"
    return RESULT_TITLES[result.kind]


def _result_badge(result: Result) -> str:
    if result.kind is Kind.VOLUME:
        return "SYNTHETIC"
    return "AI · no finding" if not result.findings else f"AI · {_plural(len(result.findings), 'finding')}"


def _plural(number: int, word: str) -> str:
    return f"{number} {word}" + ("" if number == 1 else "s")


def ledger_lines(study: Study) -> tuple[str, str, str]:
    """Every input file accounted for, in three short lines."""
    shown = sum(1 for series in study.series if series.kind is SeriesKind.VOLUME)
    others = [KIND_WORDS[series.kind] for series in study.series if series.kind is not SeriesKind.VOLUME]
    aside = [_plural(others.count(word), word) for word in dict.fromkeys(others)]
    if study.set_aside:
        aside.append(_plural(len(study.set_aside), "file"))
    volumes = sum(series.files for series in study.series if series.kind is SeriesKind.VOLUME)
    return (
        f"{_plural(study.files_found, 'file')} found",
        f"{volumes} shown in {shown} series",
        (" · ".join(aside) + " set aside") if aside else "nothing set aside",
    )
