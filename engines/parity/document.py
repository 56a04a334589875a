"""A proof as a JSON document, and as lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from engines.parity.inside import Layer
from engines.parity.ladder import Ladder, Rung
from engines.parity.numbers import Numbers, worst
from engines.parity.proof import Proof

Document = dict[str, Any]


def document(proof: Proof) -> Document:
    """Everything that was found, one row for each step."""
    ladder = proof.ladder
    return {
        "task": proof.task,
        "version": proof.version,
        "model_sha256": proof.sha256,
        "insula": proof.insula,
        "machine": asdict(proof.machine),
        "passed": proof.passed,
        "score": ladder.score,
        "measured_against": ladder.measured,
        "friedman_p": ladder.friedman,
        "checks": [_row(proof.task, ladder, rung) for rung in ladder.rungs],
        "cases": [
            {"name": c.name, "subject": c.subject, "origin": c.origin.value, "truth": c.truth is not None}
            for c in ladder.cases
        ],
        "faults": [
            {"step": f.step, "case": f.case, "layer": None if f.layer is None else _layer(f.layer)}
            for f in proof.faults
        ],
        "courses": [{"step": c.step, "layers": [_layer(layer) for layer in c.layers]} for c in proof.courses],
    }


def figures(rung: Rung) -> Numbers | None:
    """The worst of a step over the pictures; None where it answered none."""
    pictures = [reading.first for reading in rung.readings if reading.origin.is_picture]
    return worst(pictures) if pictures else None


def sentence(rung: Rung) -> str:
    """How a step fared."""
    found = figures(rung)
    if rung.failure or found is None:
        return rung.failure or "answered no picture"
    failed = [gate for gate in rung.gates if not gate.passed]
    if failed:
        return "; ".join(
            f"{g.what} {g.value:.3g}, {'at least' if g.least else 'at most'} {g.limit:.3g}" for g in failed
        )
    if found.max_abs == 0:
        return "the same numbers, bit for bit"
    return f"differs by at most {found.max_rel:.1e} of the range (mean {found.rms_rel:.1e})"


def mean_sd(rung: Rung, of: str, name: str) -> tuple[float, float] | None:
    """Mean and standard deviation (of a sample) over subjects."""
    values = rung.scores(of, name)
    if not len(values):
        return None
    return float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else 0.0


def lines(proof: Proof) -> Iterator[str]:
    """For a terminal."""
    ladder = proof.ladder
    yield f"{proof.task} {proof.version}, model {proof.sha256[:12]}"
    against = "against the truth" if ladder.measured == "truth" else "with the first step"
    yield f"     {'step':<26} {'max':>8} {'rms':>8} {'p99.9':>8} {ladder.score + ' ' + against:>26} {'points':>7}"
    for rung in ladder.rungs:
        yield f"{'ok  ' if rung.passed else 'FAIL'} {_line(ladder, rung)}"
    for fault in proof.faults:
        yield _fault(fault.step, fault.case, fault.layer)
    if ladder.friedman is not None:
        yield f"     Friedman over {_subjects(ladder)} subjects: p = {ladder.friedman:.3g}"


def _line(ladder: Ladder, rung: Rung) -> str:
    found = figures(rung)
    if found is None or not rung.passed:
        return f"{rung.name:<26} {sentence(rung)}"
    score = mean_sd(rung, ladder.measured, ladder.score)
    shown = "" if score is None else f"{score[0]:.4f} +- {score[1]:.4f}"
    drop = ladder.drop(rung)
    lost = "" if drop is None else f"{drop:+.2f}"
    return f"{rung.name:<26} {found.max_rel:8.1e} {found.rms_rel:8.1e} {found.p999_rel:8.1e} {shown:>26} {lost:>7}"


def _fault(step: str, case: str, layer: Layer | None) -> str:
    if layer is None:
        return f"     {step}: no layer alone is beyond its gate; `insula engines quantize --budget` ranks them"
    off = f"{layer.numbers.max_rel:.1e} of its range (mean {layer.numbers.rms_rel:.1e})"
    return f"     {step}: first goes wrong at {layer.name} ({layer.operation}), by {off}, on {case}"


def _subjects(ladder: Ladder) -> int:
    return max(len(rung.scores(ladder.measured, ladder.score)) for rung in ladder.rungs)


def _row(task: str, ladder: Ladder, rung: Rung) -> Document:
    found = figures(rung)
    place = rung.place
    return {
        "task": task,
        "step": rung.name,
        "backend": place.backend,
        "backend_version": place.version,
        "device": place.device,
        "precision": rung.precision.value,
        "precision_kind": place.kind,
        "passed": rung.passed,
        "refused": rung.refused,
        "sentence": sentence(rung),
        **({} if found is None else asdict(found)),
        "previous_max_rel": _previous(rung),
        "alike": _scores(rung, "alike"),
        "truth": _scores(rung, "truth"),
        "points_lost": ladder.drop(rung),
        "wilcoxon_p": ladder.wilcoxon.get(rung.name),
        "gates": [{**asdict(gate), "passed": gate.passed} for gate in rung.gates],
        "seconds": round(rung.seconds, 3),
        "readings": [_reading(reading) for reading in rung.readings],
    }


def _reading(reading: Any) -> Document:
    return {
        "case": reading.case,
        "max_rel": reading.first.max_rel,
        "rms_rel": reading.first.rms_rel,
        "alike": dict(reading.alike),
        "truth": dict(reading.truth),
    }


def _scores(rung: Rung, of: str) -> Mapping[str, Mapping[str, float]]:
    names = dict.fromkeys(name for reading in rung.readings for name in getattr(reading, of))
    found = {name: mean_sd(rung, of, name) for name in names}
    return {name: {"mean": pair[0], "sd": pair[1]} for name, pair in found.items() if pair is not None}


def _previous(rung: Rung) -> float | None:
    every = [r.previous.max_rel for r in rung.readings if r.previous is not None and r.origin.is_picture]
    return float(np.max(every)) if every else None


def _layer(layer: Layer) -> Document:
    return {
        "name": layer.name,
        "operation": layer.operation,
        "tensor": layer.tensor,
        "depth": round(layer.depth, 4),
        "max_rel": layer.numbers.max_rel,
        "rms_rel": layer.numbers.rms_rel,
    }
