"""How far the stroke task's mL lie from the truth over many digital heads: `python -m viewer.demo_spread 1 13`.

The demo shows one head. This says what the others would have shown.
"""

from __future__ import annotations

import json
import sys
from statistics import median
from typing import Any

from engines.library import find
from engines.phantom.head import make_head
from engines.phantom.lesions.plan import Lesion, LesionKind
from inference.result import Finding, Precision
from inference.volume import Channel
from viewer.demo import DEMO_PLAN, demo_grid
from viewer.match import Match
from viewer.study import Series, SeriesKind
from viewer.truth import holds
from viewer.work import Worker

TASK = "stroke-lesion"
WITHIN = 0.10


def spread(seeds: range) -> dict[str, Any]:
    """Run the stroke task on the demo's heads of all `seeds`.

    Returns:
        `{"heads": [{"seed", "lesions": [{"true_ml", "found_ml", "error"}], "false_ml"}], "median_abs_error":
        {true mL: share}, "heads_within": n, "within": 0.1}`; `error` is null where nothing was found.
    """
    worker = Worker((find(TASK),))
    try:
        heads = [_head(worker, seed) for seed in seeds]
    finally:
        worker.close()
    sizes = [f"{one['true_ml']:.0f} mL" for one in heads[0]["lesions"]]
    errors = {size: [head["lesions"][n]["error"] for head in heads] for n, size in enumerate(sizes)}
    return {
        "heads": heads,
        "median_abs_error": {size: median(1.0 if e is None else abs(e) for e in es) for size, es in errors.items()},
        "heads_within": sum(all(_near(one["error"]) for one in head["lesions"]) for head in heads),
        "within": WITHIN,
    }


def _head(worker: Worker, seed: int) -> dict[str, Any]:
    head = make_head(seed, lesions=DEMO_PLAN)
    channels = (Channel.DWI, Channel.ADC)
    volumes = {c.value: head.render(c, demo_grid(head, c), bias=0.6) for c in channels}
    series = {c: Series(c.value, "MR", c.value, SeriesKind.VOLUME, (), 0, channel=c) for c in channels}
    findings = worker.run(Match(find(TASK).task, series), volumes, Precision.FP32).findings
    infarcts = [one for one in head.lesions if one.kind is LesionKind.INFARCT]
    taken = [_largest(one, findings) for one in infarcts]
    others = [f.volume_ml or 0.0 for f in findings if all(f is not t for t in taken)]
    lesions = [_compared(one, found) for one, found in zip(infarcts, taken, strict=True)]
    return {"seed": seed, "lesions": lesions, "false_ml": round(sum(others), 3)}


def _largest(lesion: Lesion, findings: tuple[Finding, ...]) -> Finding | None:
    return next((f for f in findings if holds(lesion.box_lps_mm, f.centroid_lps_mm)), None)


def _compared(lesion: Lesion, found: Finding | None) -> dict[str, Any]:
    ml = found.volume_ml if found is not None and found.volume_ml is not None else None
    error = None if ml is None else round(ml / lesion.ml - 1.0, 3)
    return {"true_ml": round(lesion.ml, 2), "found_ml": None if ml is None else round(ml, 2), "error": error}


def _near(error: float | None) -> bool:
    return error is not None and abs(error) <= WITHIN


if __name__ == "__main__":
    json.dump(spread(range(int(sys.argv[1]), int(sys.argv[2]))), sys.stdout, indent=1)
