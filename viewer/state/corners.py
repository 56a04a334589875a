"""The words in the corners of a pane, chosen for the state of the annotations."""

from __future__ import annotations

from inference.result import Point, PrecisionKind, Provenance
from viewer.state.display import CornerText
from viewer.state.view import Annotations, Plane, Window
from viewer.study import Patient, Study

_AXIS = {Plane.AXIAL: 2, Plane.CORONAL: 1, Plane.SAGITTAL: 0}
_LETTERS = (("R", "L"), ("A", "P"), ("I", "S"))


def slice_corners(
    annotations: Annotations,
    title: str,
    window: Window | None,
    preset: str,
    where: tuple[str, ...],
    more: tuple[str, ...],
    patient: tuple[str, ...],
) -> CornerText:
    """Corner text of a picture.

    Args:
        annotations: All, minimal (title, window, slice) or none.
        title: What is shown.
        window, preset: Window in use and its name; None for colours, which are shown as they are.
        where: Slice number and position.
        more: Lines below the window: engine, precision, notes.
        patient: Patient lines, empty where they are not wished.
    """
    if annotations is Annotations.NONE:
        return CornerText()
    left = (title, window_text(window, preset)) if window is not None else (title,)
    if annotations is Annotations.MINIMAL:
        return CornerText(top_left=left, top_right=where[:1])
    return CornerText(top_left=(*left, *more), top_right=where, bottom_left=patient)


def window_text(window: Window, preset: str) -> str:
    """ "W 80 L 40 · Brain"."""
    text = f"W {number(window.width)} L {number(window.level)}"
    return f"{text} · {preset}" if preset else text


def number(value: float) -> str:
    """Three figures at least, no more than the value needs: 80, 1.25, 0.0012."""
    size = abs(value)
    if size >= 100 or value == round(value):
        return f"{value:.0f}"
    return f"{value:.1f}" if size >= 10 else f"{value:.3g}"


def position_text(point: Point, plane: Plane) -> str:
    """Position along the plane's normal in letters of the patient: "S 42.0 mm"."""
    axis = _AXIS[plane]
    return f"{_letter(point[axis], axis)} {abs(point[axis]):.1f} mm"


def point_text(point: Point) -> str:
    """ "R 21.4 A 12.0 S 42.0" in mm: letters, never bare signs."""
    return " ".join(f"{_letter(value, axis)} {abs(value):.1f}" for axis, value in enumerate(point))


def engine_text(provenance: Provenance) -> str:
    """ "ct-to-mri 1.2 · FP16 · openvino CPU", and the word emulated where it is."""
    made = f"{provenance.task} {provenance.task_version} · {provenance.precision.value.upper()}"
    if provenance.precision_kind is PrecisionKind.EMULATED:
        made += " emulated"
    return f"{made} · {provenance.backend} {provenance.device}"


def patient_lines(patient: Patient, study: Study) -> tuple[str, ...]:
    """Name; id, sex and age; date. Only lines that have something to say."""
    name = patient.name.replace("^", ", ", 1).replace("^", " ").strip(", ")
    person = " · ".join(part for part in (patient.id, patient.sex, patient.age) if part)
    return tuple(line for line in (name, person, date_text(study.date)) if line)


def date_text(date: str) -> str:
    """DICOM DA "20261120" -> "2026-11-20"; anything else as it stands."""
    return f"{date[:4]}-{date[4:6]}-{date[6:]}" if len(date) == 8 and date.isdigit() else date


def _letter(value: float, axis: int) -> str:
    negative, positive = _LETTERS[axis]
    return positive if value >= 0 else negative
