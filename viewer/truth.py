"""The demo's findings beside what the digital head really holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import dist
from typing import Any

from inference.result import Point
from viewer.demo import DemoTruth, TrueLesion

NEAR_MM = 5.0
SAME_WORDS = {"ischaemic": "infarct"}
Document = Mapping[str, Any]


def add_truth(document: Document, truth: DemoTruth) -> dict[str, Any]:
    """The document of `insula run` with `true_volume_ml` in each finding and a list of all true lesions.

    A finding belongs to the true lesion of its label whose box, widened by 5 mm, holds the finding's centre;
    to the nearest where several do; to none (null) where none does.
    """
    found: dict[int, list[str]] = {index: [] for index in range(len(truth.lesions))}
    results = []
    for result in document["results"]:
        findings = []
        for finding in result["findings"]:
            index = _belongs(finding, truth.lesions)
            ml = None if index is None else truth.lesions[index].ml
            findings.append({**finding, "true_volume_ml": ml})
            if index is not None:
                found[index].append(f"{result['task']} {result['precision']}")
        results.append({**result, "findings": findings})
    lesions = [_lesion(lesion, found[index]) for index, lesion in enumerate(truth.lesions)]
    return {**document, "results": results, "truth": {"seed": truth.seed, "lesions": lesions}}


def truth_text(document: Document) -> str:
    """One line for each true lesion and what the tasks measured."""
    lines = [f"The digital head of seed {document['truth']['seed']} really holds:"]
    for lesion in document["truth"]["lesions"]:
        found = ", ".join(lesion["found_by"]) or "nothing found it"
        lines.append(f"    {lesion['label']:<20} {lesion['side']:<2} {lesion['volume_ml']:7.2f} mL  {found}")
    return "\n".join(lines)


def _belongs(finding: Document, lesions: Iterable[TrueLesion]) -> int | None:
    word: str = finding["label"]
    label = SAME_WORDS.get(word, word).casefold()
    centre = finding["centroid_lps_mm"]
    holders = [i for i, one in enumerate(lesions) if one.label.casefold() == label and holds(one.box_lps_mm, centre)]
    chosen = list(lesions)
    return min(holders, key=lambda i: dist(chosen[i].centroid_lps_mm, centre), default=None)


def holds(box_lps_mm: tuple[Point, Point], point: Iterable[float]) -> bool:
    """Whether a point lies in a box widened by 5 mm. All in LPS mm."""
    low, high = box_lps_mm
    return all(lo - NEAR_MM <= x <= hi + NEAR_MM for lo, x, hi in zip(low, point, high, strict=True))


def _lesion(lesion: TrueLesion, found_by: list[str]) -> dict[str, Any]:
    return {
        "label": lesion.label,
        "volume_ml": lesion.ml,
        "side": lesion.side,
        "centroid_lps_mm": [round(x, 2) for x in lesion.centroid_lps_mm],
        "found_by": found_by,
    }
