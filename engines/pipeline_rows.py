"""The outcomes of `engines.bench_pipeline` as rows: figures, ratios against named baselines, cuts, spans."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from engines.bench_pipeline import ALL_CORES, ONE_CORE, Outcome
from engines.pipeline import Run

SHOWN = 6


def rows(outcomes: Sequence[Outcome], pace_s: float = 0.0) -> list[dict[str, Any]]:
    """One row for each contestant, with ratios against the fastest of each kind of baseline."""
    against = {kind: _fastest(outcomes, kind) for kind in (ONE_CORE, ALL_CORES)}
    return [_row(outcome, against, pace_s) for outcome in outcomes]


def _fastest(outcomes: Sequence[Outcome], kind: str) -> Outcome | None:
    fitting = [outcome for outcome in outcomes if outcome.contestant.baseline == kind]
    return min(fitting, key=lambda outcome: outcome.period_ms, default=None)


def _row(outcome: Outcome, against: dict[str, Outcome | None], pace_s: float) -> dict[str, Any]:
    one, figures = outcome.contestant, outcome.middle.figures
    foreseen = one.forecast_ms if not pace_s else None
    return {
        "scheme": one.name,
        "pace_s": pace_s,
        "slices": figures.slices,
        "rounds": len(outcome.runs),
        "fps": round(1e3 / outcome.period_ms, 2),
        "period_ms": round(outcome.period_ms, 3),
        "forecast_ms": None if foreseen is None else round(foreseen, 3),
        "forecast_ratio": None if foreseen is None else round(foreseen / outcome.period_ms, 3),
        "latency_p50_ms": round(median(run.figures.latency_p50_ms for run in outcome.runs), 2),
        "latency_p95_ms": round(median(run.figures.latency_p95_ms for run in outcome.runs), 2),
        "lanes": [
            {
                "lane": lane.lane,
                "fps": round(lane.fps, 2),
                "busy_fps": round(lane.busy_fps, 2),
                "idle_percent": round(lane.idle_percent, 1),
            }
            for lane in figures.lanes
        ],
        "ratios": {
            kind: {"baseline": best.contestant.name, "ratio": round(best.period_ms / outcome.period_ms, 3)}
            for kind, best in against.items()
            if best is not None and not pace_s
        },
        "cuts": [
            {
                "model": model.model,
                "segments": [{"device": s.device, "first": s.first, "last": s.last} for s in model.segments],
            }
            for plan in one.plans
            for model in plan.models
        ],
        "spans": _spans(outcome.middle),
    }


def _spans(run: Run) -> list[dict[str, Any]]:
    """The lanes' work between the answers of the last few slices, for a timeline."""
    done = [one.done_s for one in run.answered]
    begin, end = done[max(0, len(done) - 1 - SHOWN)], done[-1]
    shown = (span for span in run.spans if span.end_s > begin and span.start_s < end)
    return [
        {
            "lane": span.lane,
            "label": span.label.partition(" #")[0],
            "slice": int(span.label.rpartition("#")[2]),
            "start_ms": round(1e3 * (span.start_s - begin), 3),
            "end_ms": round(1e3 * (span.end_s - begin), 3),
        }
        for span in shown
    ]
