"""The JSON document of `insula run` and `insula demo`, and its text for people."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from inference.health.energy import Energy
from inference.health.reading import Reading
from inference.health.words import energy_document, energy_line, reading_document
from inference.result import Finding, Result
from inference.volume import Channel
from viewer.match import Skipped
from viewer.study import GeometryState, Series
from viewer.whole_file import write_text

REPORT_FILE = "report.json"
_UNMEASURED = Energy(0.0, None, absent="Nobody measured the energy of this result.")


@dataclass(frozen=True, slots=True, eq=False)
class Ran:
    """A result, the series whose grid it lies on, and the file it was written to.

    Attributes:
        inputs: Channel of the task -> uid of the series that fed it; "" where the study lacks it.
    """

    result: Result
    source: Series
    file: Path
    inputs: Mapping[Channel, str] = field(default_factory=dict)


def document(ran: Iterable[Ran], skipped: Iterable[Skipped], health: Reading | None = None) -> dict[str, Any]:
    """`{"results": [...], "skipped": [...], "notice": ...}` as the command line's contract states it.

    Args:
        health: The machine when the last result was there (field `machine_health`); None: nobody looked.
    """
    return {
        "notice": "Demonstration models, not for diagnostic use",
        "results": [_result(r) for r in ran],
        "skipped": [{"task": s.task, "reason": s.reason} for s in skipped],
        "machine_health": None if health is None else reading_document(health),
    }


def write(found: dict[str, Any], folder: Path) -> Path:
    """Write a document as `folder/report.json`.

    Raises:
        ExportFailed: The folder cannot be written, or the disk is full.
    """
    return write_text(folder / REPORT_FILE, json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def _result(ran: Ran) -> dict[str, Any]:
    result, made = ran.result, ran.result.provenance
    seconds = result.seconds
    return {
        "task": result.task,
        "kind": result.kind.value,
        "file": str(ran.file),
        "backend": made.backend,
        "backend_version": made.backend_version,
        "device": made.device,
        "precision": made.precision.value,
        "precision_kind": made.precision_kind.value,
        "precision_note": made.precision_note,
        "task_version": made.task_version,
        "model_sha256": made.model_sha256,
        "synthetic": bool(result.volume is not None and result.volume.synthetic),
        "source_series_instance_uid": ran.source.uid,
        "source_grid": _grid_sentence(ran.source),
        "inputs": [
            {"channel": channel.value, "series_instance_uid": uid} for channel, uid in ran.inputs.items() if uid
        ],
        "missing": [channel.value for channel, uid in ran.inputs.items() if not uid],
        "labels": {} if result.mask is None else {str(label): name for label, name in result.mask.names.items()},
        "pieces": result.pieces.value,
        "seconds": {
            "load": round(seconds.load, 4),
            "preprocess": round(seconds.preprocess, 4),
            "infer": round(seconds.infer, 4),
            "postprocess": round(seconds.postprocess, 4),
            "total": round(seconds.total, 4),
        },
        "energy": _energy(ran),
        "notes": list(result.notes),
        "findings": [finding_document(f, _in_mm(ran.source)) for f in result.findings],
        "counts": dict(result.counts),
    }


def _energy(ran: Ran) -> dict[str, Any]:
    """Joules of the volume and of each slice of its source, and FPS per watt; null with the reason where unknown."""
    seconds = ran.result.seconds
    slices = 0 if ran.source.grid is None else ran.source.grid.shape[0]
    return energy_document(ran.result.energy or _UNMEASURED, slices, seconds.total - seconds.load)


def finding_document(finding: Finding, in_mm: bool = True) -> dict[str, Any]:
    """One finding with mm, mL and side; where no mm are known, with pixels from the picture's upper left corner."""
    place = {
        "centroid_lps_mm": [round(x, 2) for x in finding.centroid_lps_mm] if in_mm else None,
        "box_lps_mm": [[round(x, 2) for x in corner] for corner in finding.box_lps_mm] if in_mm else None,
    }
    return {
        "label": finding.label,
        "volume_ml": None if finding.volume_ml is None else round(finding.volume_ml, 4),
        **place,
        **({} if in_mm else {"box_pixels": _pixels(finding)}),
        "score": round(finding.score, 4),
        "side": finding.side,
    }


def _pixels(finding: Finding) -> list[list[float]]:
    """Corners (x, y) in pixel edges: the picture's own upper left corner is (0, 0)."""
    return [[round(x + 0.5, 2), round(y + 0.5, 2)] for x, y, _ in finding.box_lps_mm]


def _in_mm(series: Series) -> bool:
    return series.grid is None or series.grid.in_mm


def counted(counts: Mapping[str, int]) -> str:
    """ "14 RBC, 2 Platelets, 1 WBC"."""
    return ", ".join(f"{number} {label}" for label, number in counts.items())


def _grid_sentence(series: Series) -> str:
    if not _in_mm(series):
        return "the picture's own pixels, without a scale"
    if series.state is GeometryState.CORRECTED:
        return "corrected grid: " + " ".join(series.reasons)
    return "the series' own grid"


def text(ran: Iterable[Ran], skipped: Iterable[Skipped]) -> str:
    """A few lines a person can read."""
    lines = []
    for r in ran:
        made = r.result.provenance
        where = f"{made.backend} {made.device} {made.precision.value} ({made.precision_kind.value})"
        lines.append(f"{r.result.task}  {where}  {r.result.seconds.total:.1f} s  -> {r.file}")
        if r.result.energy is not None and r.result.energy.joules is not None:
            lines.append(f"    {energy_line(_energy(r))}")
        lines += [f"    note: {note}" for note in r.result.notes]
        lines += [f"    counted: {counted(r.result.counts)}"] if r.result.boxes else []
        lines += [_finding_line(f, _in_mm(r.source)) for f in r.result.findings]
        if not r.result.findings and r.result.volume is None:
            lines.append("    no finding")
    lines += [f"{s.task}  skipped: {s.reason}" for s in skipped]
    return "\n".join([*lines, "Demonstration models, not for diagnostic use."])


def _finding_line(finding: Finding, in_mm: bool) -> str:
    if not in_mm:
        (x0, y0), (x1, y1) = _pixels(finding)
        return f"    {finding.label:<20} score {finding.score:.2f}  pixels {x0:.0f} {y0:.0f} to {x1:.0f} {y1:.0f}"
    volume = "      -   " if finding.volume_ml is None else f"{finding.volume_ml:7.2f} mL"
    x, y, z = finding.centroid_lps_mm
    place = f"{finding.side or '-':<2} at {x:.0f} {y:.0f} {z:.0f}"
    return f"    {finding.label:<20} {volume}  score {finding.score:.2f}  {place}"
