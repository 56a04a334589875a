"""A proof as one HTML page that needs nothing else: style and plots inside, no script."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from pathlib import Path

from engines.parity import plots
from engines.parity.document import figures, mean_sd, sentence
from engines.parity.gates import Gate
from engines.parity.ladder import Ladder, Rung
from engines.parity.proof import Fault, Proof
from inference.errors import InputRefused
from inference.whole import write_whole

STYLE = """
body{font:14px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif;color:#24303c;background:#f4f6f8;margin:0}
main{max-width:940px;margin:0 auto;padding:28px 24px 60px}
h1{font-size:24px;margin:0 0 4px}h2{font-size:20px;margin:0 0 2px}h3{font-size:15px;margin:26px 0 6px}
section{background:#fff;border:1px solid #dfe4e9;border-radius:8px;padding:22px 24px;margin:22px 0}
p{margin:4px 0}.pale{color:#66727e}.pass,.fail{font-weight:600;padding:1px 8px;border-radius:10px}
.pass{color:#1d6b50;background:#dff2ea}.fail{color:#97302c;background:#f9e1df}.not{color:#66727e;background:#eceff2}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:right;padding:4px 8px;border-bottom:1px solid #e8ecef;vertical-align:top}
th{font-weight:600;color:#66727e;font-size:12px}th:first-child,td:first-child,td.text,th.text{text-align:left}
svg{max-width:100%;height:auto;display:block}code{font-size:12px}
@media print{body{background:#fff}section{break-inside:avoid;border:0;padding:0}}
"""


def write(proofs: Sequence[Proof], file: Path) -> None:
    """Write the page, whole or not at all.

    Raises:
        InputRefused: The place cannot be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, page(proofs))
    except OSError as error:
        raise InputRefused(f"{file.name} cannot be written ({error.strerror}).", "Choose another place.") from error


def page(proofs: Sequence[Proof]) -> str:
    """The whole page."""
    body = "".join(_section(proof) for proof in proofs)
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>Insula: proof of {escape(', '.join(p.task for p in proofs))}</title><style>{STYLE}</style></head>"
        f"<body><main>{_head(proofs)}{body}</main></body></html>\n"
    )


def _head(proofs: Sequence[Proof]) -> str:
    if not proofs:
        return "<h1>No bundle</h1>"
    facts = proofs[0].machine
    flags = ", ".join(facts.cpu_flags)
    machine = f"{facts.cpu}, {facts.cores} cores, {facts.memory_gib} GiB, {facts.system}"
    places = {(r.place.backend, r.place.version) for p in proofs for r in p.ladder.rungs if r.place.backend}
    libraries = ", ".join(f"{name} {version}" for name, version in sorted(places))
    return (
        f"<h1>Parity ladder {_badge(all(p.passed for p in proofs))}</h1>"
        f'<p class="pale">Insula {escape(proofs[0].insula)}, Python {escape(facts.python)}, {escape(libraries)}</p>'
        f'<p class="pale">{escape(machine)}{escape(f" ({flags})") if flags else ""}</p>'
    )


def _section(proof: Proof) -> str:
    ladder = proof.ladder
    truth = "against the truth of digital heads" if ladder.measured == "truth" else "against the first step"
    kinds = ", ".join(_kinds(ladder))
    course = f"<h3>Along the network</h3>{plots.course(proof.courses)}" if proof.courses else ""
    return (
        f"<section><h2>{escape(proof.task)} {escape(proof.version)} {_badge(proof.passed)}</h2>"
        f'<p class="pale">model <code>{proof.sha256}</code></p><p class="pale">{kinds}; {ladder.score} {truth}'
        f"{_p(ladder)}</p><h3>Steps</h3>{_steps(ladder)}{_faults(proof)}"
        f"<h3>Difference by step</h3>{plots.errors(ladder)}<h3>Every subject</h3>{plots.scores(ladder)}"
        f"<h3>Histogram of differences</h3>{plots.histograms(ladder)}{course}"
        f"<h3>Gates</h3>{_gates(ladder)}<h3>All scores</h3>{_scores(ladder)}"
        "</section>"
    )


def _kinds(ladder: Ladder) -> Iterator[str]:
    for origin in dict.fromkeys(case.origin for case in ladder.cases):
        found = [case for case in ladder.cases if case.origin is origin]
        subjects = {case.subject for case in found if case.subject}
        plural = "s" if len(found) > 1 else ""
        of = f" of {len(subjects)} subjects" if len(subjects) > 1 else ""
        yield f"{len(found)} {origin.value} input{plural}{of}"


def _p(ladder: Ladder) -> str:
    return "" if ladder.friedman is None else f"; Friedman over subjects p = {ladder.friedman:.3g}"


def _steps(ladder: Ladder) -> str:
    head = ("", "step", "largest", "rms", "p99.9", "1 - cosine", ladder.score, "points lost", "Wilcoxon p", "s")
    return _table(head, (_step(ladder, rung) for rung in ladder.rungs), text=(1,))


def _step(ladder: Ladder, rung: Rung) -> Sequence[str]:
    found, score, drop = figures(rung), mean_sd(rung, ladder.measured, ladder.score), ladder.drop(rung)
    p = ladder.wilcoxon.get(rung.name)
    name = escape(rung.name) + ("" if rung.passed else f'<br><span class="pale">{escape(sentence(rung))}</span>')
    numbers = ("", "", "", "") if found is None else tuple(_short(v) for v in _four(found))
    return (
        _badge(rung.passed, rung.refused),
        name,
        *numbers,
        "" if score is None else f"{score[0]:.4f} ± {score[1]:.4f}",
        "" if drop is None else f"{drop:+.2f}",
        "" if p is None else f"{p:.3g}",
        f"{rung.seconds:.1f}",
    )


def _four(found: object) -> Iterable[float]:
    largest, rms, tall, cosine = (getattr(found, name) for name in ("max_rel", "rms_rel", "p999_rel", "cosine"))
    return largest, rms, tall, max(0.0, 1.0 - cosine)


def _faults(proof: Proof) -> str:
    return "".join(_fault(fault) for fault in proof.faults)


def _fault(fault: Fault) -> str:
    step, layer = escape(fault.step), fault.layer
    if layer is None:
        return f"<p><b>{step}</b>: no single layer is beyond the gate; the error gathers along the network.</p>"
    return (
        f"<p><b>{step}</b> first goes wrong at <code>{escape(layer.name)}</code> ({escape(layer.operation)}), by "
        f"{layer.numbers.max_rel:.1e} of that output's range, on {escape(fault.case)}.</p>"
    )


def _gates(ladder: Ladder) -> str:
    """One row for each step, one column for each thing that had to hold."""
    names = dict.fromkeys(gate.what for rung in ladder.rungs for gate in rung.gates)
    held = [(rung, {gate.what: gate for gate in rung.gates}) for rung in ladder.rungs if rung.gates]
    rows = ([escape(rung.name), *(_gate(gates.get(name)) for name in names)] for rung, gates in held)
    return _table(("step", *names), rows)


def _gate(gate: Gate | None) -> str:
    if gate is None:
        return ""
    limit = f'<br><span class="pale">{"≥" if gate.least else "≤"} {gate.limit:.2g}</span>'
    return f'<span class="{"pass" if gate.passed else "fail"}">{gate.value:.2g}</span>{limit}'


def _scores(ladder: Ladder) -> str:
    of = ladder.measured
    names = dict.fromkeys(n for rung in ladder.rungs for r in rung.readings for n in getattr(r, of))
    rows = ([escape(rung.name), *(_mean(rung, of, name) for name in names)] for rung in ladder.rungs if rung.readings)
    return _table(("step", *names), rows)


def _mean(rung: Rung, of: str, name: str) -> str:
    pair = mean_sd(rung, of, name)
    return "" if pair is None else f"{pair[0]:.4f} ± {pair[1]:.4f}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], text: Sequence[int] = ()) -> str:
    def cells(row: Sequence[str], tag: str) -> str:
        kinds = (' class="text"' if place in text else "" for place in range(len(row)))
        return "".join(f"<{tag}{kind}>{cell}</{tag}>" for kind, cell in zip(kinds, row, strict=True))

    body = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in rows)
    return f"<table><tr>{cells([escape(h) for h in head], 'th')}</tr>{body}</table>"


def _badge(passed: bool, refused: bool = False) -> str:
    if refused:
        return '<span class="pass not">no place</span>'
    return '<span class="pass">pass</span>' if passed else '<span class="fail">fail</span>'


def _short(value: float) -> str:
    return "0" if value == 0 else f"{value:.1e}"
