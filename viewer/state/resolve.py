"""From wishes to what is true on the screen. Pure: the same wishes and the same catalogue give the same screen."""

from __future__ import annotations

from inference.result import Finding, Kind, Result
from inference.volume import Channel
from viewer.state import choose
from viewer.state.catalogue import Catalogue
from viewer.state.compare import compare_masks
from viewer.state.corners import date_text, patient_lines
from viewer.state.display import Agreement, Colour, DisplayState, FindingRow, Pane, SlicePane
from viewer.state.palette import palette
from viewer.state.panes import resolve_pane, results_shown
from viewer.state.planes import centre
from viewer.state.statistics import is_constant
from viewer.state.view import ViewState
from viewer.state.wanted import Wanted, compared_precisions, compared_results
from viewer.study import GeometryState, Series, SeriesKind, Study

_BESIDE = {
    SeriesKind.LOCALIZER: "localizers",
    SeriesKind.CAPTURE: "captures",
    SeriesKind.SEGMENTATION: "segmentations",
    SeriesKind.OTHER: "other series",
}
_NO_COMMON_FRAME = "The series shown have no common frame of reference: the linked point may not match."


def resolve(view: ViewState, catalogue: Catalogue) -> DisplayState:
    """Fill every default.

    Args:
        view: What the user wishes.
        catalogue: What is there.

    Returns:
        Everything that the screen shows; scene and widgets decide nothing any more.
    """
    wanted = _wanted(view, catalogue)
    panes = tuple(resolve_pane(wish, wanted, index == view.active) for index, wish in enumerate(view.panes))
    rows = () if view.ai_hidden else _rows(wanted)
    return DisplayState(
        layout=view.layout,
        panes=panes,
        visible=_visible(view),
        active=view.active,
        precision=view.precision,
        precision_note=_precision_note(wanted),
        findings=rows,
        counts=() if view.ai_hidden else _counts(wanted),
        total_ml=sum(row.finding.volume_ml or 0.0 for row in rows),
        chosen_finding=view.finding if view.finding is not None and view.finding < len(rows) else None,
        agreement=None if view.ai_hidden else agreement(wanted),
        overlay=view.overlay,
        ai_hidden=view.ai_hidden,
        disagreement=view.disagreement,
        study_title=_title(catalogue.study, view.patient_text),
        patient_text=view.patient_text,
        ledger=_ledger(catalogue.study),
        warnings=_warnings(wanted, panes),
    )


def agreement(wanted: Wanted) -> Agreement | None:
    """The numbers of the two precisions of the mask shown, or None while one is missing."""
    pair = compared_results(wanted)
    if pair is None or pair[0].mask is None or pair[1].mask is None:
        return None
    a, b = compared_precisions(wanted.view)
    numbers = compare_masks(pair[0].mask, pair[1].mask)
    return Agreement(
        a=a,
        b=b,
        dice=numbers.dice,
        volume_ml_a=numbers.volume_ml_a,
        volume_ml_b=numbers.volume_ml_b,
        lesions_only_a=numbers.lesions_only_a,
        lesions_only_b=numbers.lesions_only_b,
        pieces=pair[0].pieces,
        labels=numbers.labels if len(numbers.labels) > 1 else (),
        seconds_a=pair[0].seconds.total,
        seconds_b=pair[1].seconds.total,
    )


def _wanted(view: ViewState, catalogue: Catalogue) -> Wanted:
    source = choose.source_id(view, catalogue)
    volume = choose.volume_of(source, catalogue)
    middle = (0.0, 0.0, 0.0) if volume is None else centre(volume.geometry)
    return Wanted(view, catalogue, source, view.crosshair_lps_mm or middle)


def _visible(view: ViewState) -> tuple[int, ...]:
    if view.maximised is not None:
        return (view.maximised,)
    places = view.layout.columns * view.layout.rows
    return (view.active,) if places == 1 else tuple(range(min(places, len(view.panes))))


def _rows(wanted: Wanted) -> tuple[FindingRow, ...]:
    return tuple(
        FindingRow(result.task, finding, _row_colour(result, finding))
        for result in results_shown(wanted)
        for finding in result.findings
    )


def _counts(wanted: Wanted) -> tuple[tuple[str, int], ...]:
    source = choose.volume_of(wanted.source, wanted.catalogue)
    if source is None or source.geometry.in_mm:
        return ()
    return tuple(pair for result in results_shown(wanted) for pair in result.counts.items())


def _row_colour(result: Result, finding: Finding) -> Colour:
    if result.kind is Kind.BOXES or result.mask is None:
        return palette().kind(finding.label, result.kinds)
    label = next((label for label, name in result.mask.names.items() if name == finding.label), 1)
    return palette().label(label, result.pieces)


def _precision_note(wanted: Wanted) -> str:
    notes = (result.provenance.precision_note for result in results_shown(wanted))
    return next((note for note in notes if note), "")


def _title(study: Study | None, with_patient: bool) -> str:
    """ "Phantom, Seven · 64 y M · CT + MR head · 2026-11-20"; without patient text only what was done."""
    if study is None:
        return ""
    who = patient_lines(study.patient, study)[:1] if with_patient and study.patient.name else ()
    person = (" ".join(part for part in (study.patient.age, study.patient.sex) if part),) if with_patient else ()
    parts = (*who, *person, study.description or _holds(study), date_text(study.date) if with_patient else "")
    return " · ".join(part for part in parts if part)


def _holds(study: Study) -> str:
    """ "CT + MR", "DWI + ADC" for files that name no modality, else how many series there are."""
    kinds = (one.modality or ("" if one.channel is Channel.UNKNOWN else one.channel.value) for one in study.series)
    return " + ".join(dict.fromkeys(kind for kind in kinds if kind)) or f"{len(study.series)} series"


def _ledger(study: Study | None) -> str:
    """Every file accounted for, in one sentence."""
    if study is None:
        return ""
    blocked = tuple(one for one in study.series if one.state is GeometryState.BLOCKED)
    open_ = tuple(one for one in study.series if one not in blocked)
    shown = tuple(one for one in open_ if one.is_shown)
    others = (f"{_files(open_, kind)} in {word}" for kind, word in _BESIDE.items())
    parts = (
        f"{study.files_found} file{'s' if study.files_found != 1 else ''} found",
        f"{sum(one.files for one in shown)} shown in {len(shown)} series",
        *(part for part in others if not part.startswith("0 ")),
        f"{sum(one.files for one in blocked)} blocked" if blocked else "",
        f"{len(study.set_aside)} set aside" if study.set_aside else "",
    )
    return " · ".join(part for part in parts if part)


def _files(series: tuple[Series, ...], kind: SeriesKind) -> int:
    return sum(one.files for one in series if one.kind is kind)


def _warnings(wanted: Wanted, panes: tuple[Pane, ...]) -> tuple[str, ...]:
    """What the geometry gate did to the series on the screen, notes of results, positions that may not match."""
    pictures = [pane for pane in panes if isinstance(pane, SlicePane)]
    series = [choose.series_of(wanted.catalogue, pane.volume_id) for pane in pictures]
    reasons = [text for one in series if one is not None and one.state is not GeometryState.OK for text in one.reasons]
    notes = [note for result in results_shown(wanted) for note in result.notes]
    volumes = [pane.volume for pane in pictures if pane.volume is not None]
    flat = [
        f"{volume.name or 'A series'} holds one single value everywhere." for volume in volumes if is_constant(volume)
    ]
    frames = {volume.geometry.frame_of_reference for volume in volumes} - {""}
    apart = [_NO_COMMON_FRAME] if len(frames) > 1 else []
    return tuple(dict.fromkeys([*reasons, *notes, *flat, *apart]))
