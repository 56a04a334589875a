"""What a check and a rewrite say: one document for programs, one page for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from textwrap import wrap
from typing import Any

from engines.surgery.legality import Legality, Place, Verdict, check
from engines.surgery.net import Net
from engines.surgery.rewrites.base import Exactness, Rewrite, Wish
from engines.surgery.rewriting import Outcome, prospect
from engines.surgery.rules import Rules
from engines.surgery.steps import Step
from inference.result import Precision

Helps = Mapping[str, tuple[Rewrite, ...]]
_WIDTH = 116
_HEAVY = {"Conv", "ConvTranspose", "Gemm", "MatMul"}
_NAMES = 3


@dataclass(frozen=True, slots=True)
class Checked:
    """A graph held against a target.

    Attributes:
        helps: Which changes help each node.
        after: What exact changes would leave.
        allowed: What changes would leave that also touch the border or are approximate.
    """

    target: str
    rules: Rules
    precision: Precision
    found: Legality
    helps: Helps
    after: Legality
    allowed: Legality


def checked(net: Net, wish: Wish, target: str) -> Checked:
    """Check a graph as it is and as changes would leave it."""
    ahead = prospect(net, wish)
    found, after, allowed = (check(graph, wish.rules, wish.precision) for graph in (net, ahead.exact, ahead.allowed))
    return Checked(target, wish.rules, wish.precision, found, ahead.helps, after, allowed)


def check_document(told: Checked) -> dict[str, Any]:
    """Everything that a check found."""
    return {
        "target": told.target,
        "title": told.rules.title,
        "precision": told.precision.value,
        "nodes": [_node(verdict, told) for verdict in told.found.verdicts],
        **_counts(told.found),
        "loadables_most": told.rules.loadables,
        "internal_bytes": told.found.internal_bytes,
        "after_rewrite": _counts(told.after),
        "verdict": sentence(told.found, told.rules),
        "notes": list(told.rules.notes),
    }


def check_text(told: Checked) -> str:
    """A table of the rules that decide, what keeps nodes off and what helps, and the verdict."""
    lines = [f"{told.target}: {told.rules.title}, {told.precision.value}", ""]
    for place in Place:
        lines += _table(place, told)
    lines += wrap(sentence(told.found, told.rules), _WIDTH)
    if not told.found.fits and told.found.refused:
        lines.append(_outlook(told))
    return "\n".join([*lines, "", *told.rules.notes])


def rewrite_document(target: str, outcome: Outcome, rules: Rules, files: tuple[str, ...]) -> dict[str, Any]:
    """Every change, where it was made, what it claims and how far it moved the answers."""
    return {
        "target": target,
        "file": files[0],
        "tail": files[1] if len(files) > 1 else None,
        "changes": [_step(step) for step in outcome.steps],
        "proved_on": {"inputs": outcome.feeds[0], "real": outcome.feeds[1]},
        "max_abs_difference": outcome.whole.most,
        "share_of_range": outcome.whole.share,
        "before": _counts(outcome.before),
        "after": _counts(outcome.after),
        "verdict": sentence(outcome.after, rules),
    }


def rewrite_text(target: str, outcome: Outcome, rules: Rules, files: tuple[str, ...]) -> str:
    """The same for people."""
    lines = [f"{target}: {rules.title}", ""]
    if outcome.steps:
        lines += [f"{'change':<26} {'nodes':>5}  {'claims':<12} {'max difference':<14} what it does", ""]
    for step in outcome.steps:
        exact, most = step.rewrite.exactness.value, f"{step.difference.most:.2g}"
        row = f"{step.rewrite.name:<26} {len(step.nodes):>5}  {exact:<12} {most:<14} "
        lines += wrap(f"{row}{step.rewrite.says}", _WIDTH, subsequent_indent=" " * len(row), drop_whitespace=True)
    if outcome.steps:
        inputs, real = outcome.feeds
        lines.append("")
        share = f", {outcome.whole.share:.1e} of the range," if outcome.whole.share else ""
        lines.append(f"Whole graph: largest difference {outcome.whole.most:.2g}{share}")
        lines.append(f"over {inputs} inputs ({real} real), operation by operation in ONNX Runtime.")
    else:
        lines.append("Nothing to change.")
    return "\n".join([*lines, sentence(outcome.after, rules), *(f"written to {file}" for file in files)])


def sentence(found: Legality, rules: Rules) -> str:
    """The verdict."""
    taken, refused = found.count(Place.DLA), found.count(Place.GPU)
    pieces = f"{found.loadables} {_plural(found.loadables, 'loadable')} of {rules.loadables}"
    if found.fits:
        return f"Fits: all {taken} nodes run on the DLA in {pieces} (an estimate; the device is the judge)."
    heavy = [v for v in found.verdicts if v.op in _HEAVY]
    if heavy and not taken:
        why = max({v.finding.says for v in heavy}, key=[v.finding.says for v in heavy].count)
        return f"GPU only: none of its {len(heavy)} {_plural(len(heavy), 'convolution')} runs on the DLA; {why}."
    if refused:
        return f"Does not fit: {refused} of {taken + refused} nodes fall to the GPU, the rest is {pieces}."
    if found.loadables > rules.loadables:
        return f"Does not fit: all {taken} nodes run on the DLA, but in {pieces}."
    return f"Does not fit: the tensors inside one loadable take {found.internal_bytes / 2**20:.0f} MiB."


def _outlook(told: Checked) -> str:
    refused = [verdict for verdict in told.found.verdicts if verdict.place is Place.GPU]
    helping = [rewrite for verdict in refused for rewrite in told.helps.get(verdict.name, ())]
    if told.after.fits:
        return f"`insula engines rewrite` makes it fit with exact changes: {_whole(told.after)}."
    if not helping:
        return "No change of the catalogue helps."
    left, words = told.after.count(Place.GPU), " ".join(sorted({_flag(rewrite) or "" for rewrite in helping} - {""}))
    sentence = f"Exact changes leave {left} of {left + told.after.count(Place.DLA)} nodes on the GPU."
    if told.allowed.fits:
        return f"{sentence} With {words} it fits: {_whole(told.allowed)}."
    return f"{sentence} {words} does more, and {told.allowed.count(Place.GPU)} stay." if words else sentence


def _whole(found: Legality) -> str:
    return f"{found.count(Place.DLA)} nodes, {found.loadables} {_plural(found.loadables, 'loadable')}"


def _table(place: Place, told: Checked) -> list[str]:
    rows = sorted((v for v in told.found.verdicts if v.place is place), key=lambda v: v.finding.rule)
    if not rows:
        return []
    lines = [f"{'on the ' + place.value.upper():<34} {'nodes':>5}  operations"]
    for rule, group in groupby(rows, key=lambda v: v.finding.rule):
        lines += _group(rule, list(group), told)
    return [*lines, ""]


def _group(rule: str, rows: list[Verdict], told: Checked) -> list[str]:
    ops = ", ".join(sorted({row.op for row in rows}))
    lines = [f"  {rule:<32} {len(rows):>5}  {ops}"]
    if rows[0].place is Place.GPU:
        names = ", ".join(row.name for row in rows[:_NAMES]) + (", ..." if len(rows) > _NAMES else "")
        helping = dict.fromkeys(_help(told.helps.get(row.name, ())) or "none" for row in rows)
        lines += _entry("why", rows[0].finding.says)
        lines += _entry("source", "; ".join(told.rules.sources[key] for key in rows[0].finding.source))
        lines += _entry("rewrite", " | ".join(helping))
        lines += _entry("nodes", names)
    return lines


def _entry(word: str, text: str) -> list[str]:
    return wrap(f"{word:<8} {text}", _WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 15)


def _node(verdict: Verdict, told: Checked) -> dict[str, Any]:
    refused = verdict.place is Place.GPU
    return {
        "name": verdict.name,
        "op": verdict.op,
        "verdict": verdict.place.value,
        "rule": verdict.finding.rule,
        "rewrite": _help(told.helps.get(verdict.name, ())) if refused else None,
        "why": verdict.finding.says or None,
        "source": [told.rules.sources[key] for key in verdict.finding.source],
        "loadable": verdict.loadable,
    }


def _help(rewrites: tuple[Rewrite, ...]) -> str | None:
    """The changes that help, in order, with the words that allow them."""
    told = [f"{rewrite.name} ({flag})" if (flag := _flag(rewrite)) else rewrite.name for rewrite in rewrites]
    return ", ".join(told) or None


def _flag(rewrite: Rewrite) -> str | None:
    if rewrite.needs_border:
        return "--change-border"
    return "--allow-approximate" if rewrite.exactness is Exactness.APPROXIMATE else None


def _counts(found: Legality) -> dict[str, Any]:
    return {
        "dla_nodes": found.count(Place.DLA),
        "gpu_nodes": found.count(Place.GPU),
        "loadables": found.loadables,
        "fits": found.fits,
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "rewrite": step.rewrite.name,
        "says": step.rewrite.says,
        "exactness": step.rewrite.exactness.value,
        "nodes": list(step.nodes),
        "max_abs_difference": step.difference.most,
        "share_of_range": step.difference.share,
    }


def _plural(count: int, word: str) -> str:
    return word if count == 1 else f"{word}s"
