"""The ledger of a study, for scripts and for people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from viewer.study import GeometryState, Series, SeriesKind, Study

NAME_WIDTH = 28
NO_GEOMETRY = "none"
"""Of a picture: nothing to correct, and nothing to block."""
SIGNS = {GeometryState.OK: " ", GeometryState.CORRECTED: "~", GeometryState.BLOCKED: "x"}


def report(study: Study) -> dict[str, Any]:
    """The document of `insula inspect --json`. Descriptions may hold patient text, names and ids are not in it."""
    return {
        "files_found": study.files_found,
        "files_in_series": study.files_in_series,
        "set_aside": [{"file": _shown(one.file, study.source), "reason": one.reason} for one in study.set_aside],
        "series": [_row(series) for series in study.series],
    }


def text(study: Study) -> str:
    """The same for people: one line per series, what was found below it, then the files set aside by reason."""
    lines = [_head(study), ""]
    widths = _widths(study.series)
    for series in study.series:
        lines.append(_line(series, widths))
        lines += [f"      {reason}" for reason in series.reasons]
    if study.set_aside:
        lines += ["", *_aside(study)]
    return "\n".join(lines)


def _row(series: Series) -> dict[str, Any]:
    grid = series.grid
    return {
        "series_instance_uid": series.uid,
        "modality": series.modality,
        "description": series.description,
        "files": series.files,
        "kind": series.kind.value,
        "channel": series.channel.value,
        "unit": series.unit,
        "shape_kji": list(grid.shape) if grid else None,
        "acquired_shape_kji": list(series.acquired_shape) if series.acquired_shape else None,
        "spacing_mm": [round(length, 6) for length in grid.spacing_mm] if grid and grid.in_mm else None,
        "steps_mm": list(series.steps_mm),
        "gantry_tilt_deg": round(abs(series.gantry_tilt_deg), 3),
        "shear_deg": round(series.gantry_tilt_deg, 3) + 0.0,
        "geometry": series.state.value if grid is None or grid.in_mm else NO_GEOMETRY,
        "reasons": list(series.reasons),
    }


def _head(study: Study) -> str:
    aside = len(study.set_aside)
    return (
        f"{study.source.name}: {_count(study.files_found, 'file')}, {study.files_in_series} in "
        f"{len(study.series)} series, {aside} set aside"
    )


def _line(series: Series, widths: tuple[int, ...]) -> str:
    cells = _cells(series)
    return (
        f"  {SIGNS[series.state]} "
        + "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
    )


def _widths(series: tuple[Series, ...]) -> tuple[int, ...]:
    rows = [_cells(one) for one in series]
    return tuple(max(len(row[column]) for row in rows) for column in range(len(rows[0]))) if rows else ()


def _cells(series: Series) -> tuple[str, ...]:
    shown = series.channel.value if series.channel.value != "UNKNOWN" else series.modality or "-"
    kind = "" if series.kind is SeriesKind.VOLUME else series.kind.value
    tilt = f"tilt {abs(series.gantry_tilt_deg):.1f} deg" if abs(series.gantry_tilt_deg) >= 0.1 else ""
    return (
        shown,
        _short(series.description or "(no description)"),
        _count(series.files, "file"),
        _size(series),
        kind or series.state.value,
        tilt,
    )


def _size(series: Series) -> str:
    if series.grid is None:
        return "-"
    k, j, i = series.grid.shape
    if not series.grid.in_mm:
        return f"{i} x {j} pixels"
    x, y, z = series.grid.spacing_mm
    return f"{i} x {j} x {k}  at  {x:.2f} x {y:.2f} x {z:.2f} mm"


def _aside(study: Study) -> list[str]:
    by_reason: dict[str, list[str]] = {}
    for one in study.set_aside:
        by_reason.setdefault(_sort_of(one.reason), []).append(_shown(one.file, study.source))
    lines = ["  Set aside"]
    for reason, names in sorted(by_reason.items(), key=lambda pair: -len(pair[1])):
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        lines.append(f"    {len(names):>5}  {reason}")
        lines.append(f"           {', '.join(names[:3])}{more}")
    return lines


def _sort_of(reason: str) -> str:
    """Copies are one kind of reason, whatever they are copies of."""
    return "A copy of another file: the same SOP Instance UID and place." if reason.startswith("A copy of") else reason


def _short(words: str) -> str:
    return words if len(words) <= NAME_WIDTH else words[: NAME_WIDTH - 1] + "…"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _shown(file: Path, source: Path) -> str:
    root = source if source != file else source.parent
    return file.relative_to(root).as_posix() if file.is_relative_to(root) else file.name
