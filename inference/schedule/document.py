"""A schedule as JSON and as a table."""

from __future__ import annotations

from typing import Any

from inference.schedule.objective import Objective
from inference.schedule.plan import ModelPlan, Plan, Segment, is_gpu, loadables
from inference.schedule.search import Schedule


def document(found: Schedule) -> dict[str, Any]:
    """The fields that scripts read, times in ms."""
    base, line = found.baselines, found.timeline
    return {
        "objective": found.objective.value,
        "period_ms": _ms(line.period_ms),
        "makespan_ms": _ms(line.makespan_ms),
        "cuts": cuts(found.plan),
        "order": [[found.plan.models[m].model, s] for m, s in found.plan.order],
        "baselines": {
            "gpu_only_ms": _ms(base.gpu_only_ms),
            "gpu_two_streams_ms": _ms(base.gpu_two_streams_ms),
            "gpu_two_streams": "measured" if base.two_streams_measured else "fair share, no gain assumed",
            "naive_split_ms": _ms(base.naive_split_ms),
            "naive_split": list(base.naive_split),
            "one_device_ms": _ms(base.one_device_ms),
            "one_device": base.one_device,
        },
        "lower_bound_ms": _ms(found.lower_bound_ms),
        "contention_free_bound_ms": _ms(found.proven_ms),
        "gap_percent": round(gap_percent(found), 3),
        "optimal": found.optimal,
        "method": found.method.value,
        "plans": found.plans,
        "searched": found.searched,
        "idle_percent": {lane: round(idle, 2) for lane, idle in line.idle_percent().items()},
        "latency_ms": [_ms(ms) for ms in line.latency_ms],
        "loadables": loadables(found.plan),
    }


def cuts(plan: Plan) -> list[dict[str, Any]]:
    """Segments of each model; layers counted from 0, `last` included."""
    return [
        {
            "model": model.model,
            "segments": [{"device": s.device, "first": s.first, "last": s.last} for s in model.segments],
        }
        for model in plan.models
    ]


def gap_percent(found: Schedule) -> float:
    """How far the plan is above what is proven without contention."""
    return 100.0 * (found.value_ms / found.proven_ms - 1.0) if found.proven_ms > 0 else 0.0


def table(found: Schedule) -> str:
    """Plan, baselines and proof for people."""
    word = "Period" if found.objective is Objective.PERIOD else "Makespan"
    other = "makespan" if found.objective is Objective.PERIOD else "period"
    beside = found.timeline.makespan_ms if found.objective is Objective.PERIOD else found.timeline.period_ms
    lines = [f"{word} {found.value_ms:.3f} ms   ({other} {beside:.3f} ms, {_fps(found.timeline.period_ms)})", ""]
    width = max(len(model.model) for model in found.plan.models)
    lines += [f"  {model.model:<{width}}  {_segments(model)}" for model in found.plan.models]
    lines += ["", *_rows(found), "", *_proof(found)]
    return "\n".join(lines)


def _fps(period_ms: float) -> str:
    return f"{1000.0 / period_ms:.1f} frames/s of each model" if period_ms > 0 else "no time at all"


def _segments(model: ModelPlan) -> str:
    return "  ->  ".join(f"{s.device} {_range(s)}" for s in model.segments)


def _range(segment: Segment) -> str:
    return f"{segment.first}-{segment.last}" if segment.last > segment.first else f"{segment.first}"


def _rows(found: Schedule) -> list[str]:
    base = found.baselines
    streams = "" if base.two_streams_measured else "fair share: no gain assumed"
    pairs = zip((m.model for m in found.plan.models), base.naive_split, strict=False)
    rows = [
        ("this plan", found.value_ms, ""),
        ("GPU only", base.gpu_only_ms, ""),
        ("GPU, two streams", base.gpu_two_streams_ms, streams),
        ("naive split", base.naive_split_ms, ", ".join(f"{model} on {device}" for model, device in pairs)),
        ("one device", base.one_device_ms, base.one_device),
        ("lower bound", found.lower_bound_ms, "any number of cuts, no waiting"),
    ]
    lines = [f"  {'':<17} {'ms':>10}  {'against plan':>12}"]
    for name, ms, note in rows:
        if ms is None and name.startswith("GPU") and not any(is_gpu(lane) for lane in found.timeline.lanes):
            continue
        figures = f"{'-':>10}  {'-':>12}" if ms is None else f"{ms:>10.3f}  {ms / (found.value_ms or 1):>11.2f}x"
        lines.append(f"  {name:<17} {figures}  {note}".rstrip())
    return lines


def _proof(found: Schedule) -> list[str]:
    count = f"{found.searched} of {found.plans} plans" if found.plans else f"{found.searched} rounds"
    if found.optimal:
        proof = f"Proven optimal for so many cuts ({found.method.value}, {count} simulated)."
    else:
        proof = f"Not proven: within {gap_percent(found):.1f} % of the bound ({found.method.value}, {count})."
    idle = "  ".join(f"{lane} {percent:.1f} %" for lane, percent in found.timeline.idle_percent().items())
    held = "  ".join(f"{core} {n}" for core, n in loadables(found.plan).items())
    lines = [f"  Idle: {idle}", f"  {proof}"]
    if found.value_ms > found.proven_ms + 1e-6 and found.optimal:
        lines.append(f"  Contention costs {gap_percent(found):.1f} % over {found.proven_ms:.3f} ms without it.")
    return [*lines, f"  Loadables: {held}"] if held else lines


def _ms(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
