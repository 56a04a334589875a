"""What the series list says, worked out from the catalogue; no Qt."""

from __future__ import annotations

from dataclasses import dataclass

from inference.result import Kind, Pieces, Precision, Provenance, Result
from inference.volume import Channel
from viewer.state.catalogue import Catalogue
from viewer.state.choose import result_id, series_of
from viewer.study import GeometryState, Series, SeriesKind, Study

RESULT_TITLES = {Kind.BOXES: "Boxes", Kind.VOLUME: "Synthetic MRI"}
OUTLINE_TITLES = {Pieces.LESIONS: "Lesion outline", Pieces.STRUCTURES: "Structures"}
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
    ordered = sorted(study.series, key=lambda series: not series.is_shown)
    return tuple(_series_row(series, patient_text) for series in ordered)


def result_rows(catalogue: Catalogue, patient_text: bool = True) -> tuple[SeriesRow, ...]:
    """One card per task that has an answer, in the order they came; its tip names what fed it."""
    tasks = dict.fromkeys(task for task, _ in catalogue.results)
    return tuple(_result_row(task, catalogue, patient_text) for task in tasks)


def _series_row(series: Series, patient_text: bool) -> SeriesRow:
    badge, kind = _gate(series)
    return SeriesRow(
        id=series.uid,
        title=_title(series, patient_text),
        subtitle=_count(series),
        badge=badge,
        badge_kind=kind,
        tip="\n".join(series.reasons),
        can_open=series.is_shown and series.state is not GeometryState.BLOCKED,
    )


def _count(series: Series) -> str:
    number = series.acquired_shape[0] if series.acquired_shape else len(series.frames)
    parts = [f"{number} image" + ("" if number == 1 else "s")]
    if series.kind is SeriesKind.PICTURE and series.acquired_shape is not None:
        return "{2} × {1} pixels".format(*series.acquired_shape)
    if series.grid is not None:
        parts.append(f"{series.grid.spacing_mm[2]:.3g} mm")
    return " · ".join(parts)


def _gate(series: Series) -> tuple[str, str]:
    if series.kind is SeriesKind.PICTURE:
        return "no scale", "plain"
    if not series.is_shown:
        return KIND_WORDS[series.kind], "plain"
    if series.state is GeometryState.BLOCKED:
        return "geometry blocked", "blocked"
    if series.state is GeometryState.OK:
        return "geometry ok", "ok"
    if abs(series.gantry_tilt_deg) >= 0.1:
        return f"tilt {abs(series.gantry_tilt_deg):.1f}° corrected", "corrected"
    return ("uneven steps corrected", "corrected") if len(series.steps_mm) > 1 else ("corrected", "corrected")


def _result_row(task: str, catalogue: Catalogue, patient_text: bool) -> SeriesRow:
    made = {precision: result for (name, precision), result in catalogue.results.items() if name == task}
    first = next(iter(made.values()))
    return SeriesRow(
        id=result_id(task),
        title=_result_title(first),
        subtitle=" · ".join((_precisions(made), first.provenance.device, *_without(task, catalogue))),
        badge=_result_badge(first),
        badge_kind="synthetic",
        tip="\n".join((_made_by(first.provenance), *_input_lines(task, catalogue, patient_text))),
    )


def _made_by(made: Provenance) -> str:
    return f"Made by {made.task} {made.task_version} with {made.backend} on {made.device}; not acquired."


def _input_lines(task: str, catalogue: Catalogue, patient_text: bool) -> list[str]:
    """ "FLAIR from t2_flair_tra", "T1C is missing"."""
    lines = []
    for channel, uid in catalogue.inputs.get(task, {}).items():
        series = series_of(catalogue, uid)
        lines.append(f"{channel.value} is missing" if series is None else _from(channel, series, patient_text))
    return lines


def _from(channel: Channel, series: Series, patient_text: bool) -> str:
    return f"{channel.value} from {_title(series, patient_text)}"


def _title(series: Series, patient_text: bool) -> str:
    neutral = f"{series.modality or 'Series'} {series.number or ''}".strip()
    return (series.description if patient_text else "") or neutral


def _without(task: str, catalogue: Catalogue) -> tuple[str, ...]:
    missing = [channel.value for channel, uid in catalogue.inputs.get(task, {}).items() if not uid]
    return (f"without {', '.join(missing)}",) if missing else ()


def _precisions(made: dict[Precision, Result]) -> str:
    return " and ".join(precision.value.upper() for precision in Precision if precision in made)


def _result_title(result: Result) -> str:
    if result.volume is not None and result.volume.channel.value != "UNKNOWN":
        return f"Synthetic {result.volume.channel.value}"
    return OUTLINE_TITLES[result.pieces] if result.kind is Kind.MASK else RESULT_TITLES[result.kind]


def _result_badge(result: Result) -> str:
    if result.kind is Kind.VOLUME:
        return "SYNTHETIC"
    return "AI · no finding" if not result.findings else f"AI · {_plural(len(result.findings), 'finding')}"


def _plural(number: int, word: str) -> str:
    return f"{number} {word}" + ("" if number == 1 else "s")


def ledger_lines(study: Study) -> tuple[str, str, str]:
    """Every input file accounted for, in three short lines."""
    shown = sum(1 for series in study.series if series.is_shown)
    others = [KIND_WORDS[series.kind] for series in study.series if not series.is_shown]
    aside = [_plural(others.count(word), word) for word in dict.fromkeys(others)]
    if study.set_aside:
        aside.append(_plural(len(study.set_aside), "file"))
    volumes = sum(series.files for series in study.series if series.is_shown)
    return (
        f"{_plural(study.files_found, 'file')} found",
        f"{volumes} shown in {shown} series",
        (" · ".join(aside) + " set aside") if aside else "nothing set aside",
    )
