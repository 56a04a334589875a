"""A graph brought onto an accelerator change by change, each proved before the next."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from engines.surgery.legality import Legality, check
from engines.surgery.net import Net, label
from engines.surgery.proof import Difference
from engines.surgery.rewrites.base import Rewrite, Wish
from engines.surgery.rewrites.catalogue import catalogue
from engines.surgery.steps import Proof, Step
from inference.backends.base import Arrays
from inference.errors import InputRefused, JobCancelled
from inference.result import Progress

_ROUNDS = 4
_USUAL_STEPS = 5
# Before it slices and paddings state their bounds another way.
_OLDEST_OPSET = 11
_HALF = 10  # onnx.TensorProto.FLOAT16
_RANDOM = {"Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """A rewritten graph and its proof.

    Attributes:
        model: An `onnx.ModelProto`.
        tail: What was cut off behind it, or None.
        whole: How far the new graph, with its tail, is from the old one.
        feeds: How many inputs it was proved on, and how many of them were real.
    """

    model: Any
    tail: Any
    before: Legality
    after: Legality
    steps: tuple[Step, ...]
    whole: Difference
    feeds: tuple[int, int]


def changes(net: Net, wish: Wish) -> Iterator[tuple[Rewrite, list[str]]]:
    """Apply everything that a wish allows until nothing helps any more; yields after each kind of change."""
    for _ in range(0 if why_not(net) else _ROUNDS):
        moved = False
        for rewrite in catalogue(wish):
            touched = rewrite.apply(net, wish)
            if touched:
                moved = True
                yield rewrite, touched
        if not moved:
            return


@dataclass(frozen=True, slots=True)
class Prospect:
    """What the catalogue could do for a graph.

    Attributes:
        helps: Which changes help each node, by the node's name: those that replace it, and those after which the
            target takes it.
        exact: The graph that exact changes alone would leave.
        allowed: The graph when the border may change and changes may be approximate.
    """

    helps: dict[str, tuple[Rewrite, ...]]
    exact: Net
    allowed: Net


def prospect(net: Net, wish: Wish) -> Prospect:
    """Try every change on a copy; nothing is proved."""
    draft, exact = net.copy(), net
    names = {label(node) for node in net.nodes}
    found: dict[str, tuple[Rewrite, ...]] = {}
    for allowed in (wish, replace(wish, border=True, approximate=True)):
        before, refused = _standing(draft, wish)
        for rewrite, touched in changes(draft, allowed):
            now, still = _standing(draft, wish)
            helped = (*touched, *(before - now), *(refused & now - still))
            for name in {_origin(name, names) for name in helped} - {""}:
                found[name] = tuple(dict.fromkeys((*found.get(name, ()), rewrite)))
            before, refused = now, still
        exact = draft.copy() if allowed is wish else exact
    return Prospect(found, exact, draft)


def rewritten(
    net: Net,
    wish: Wish,
    real: Sequence[Arrays] = (),
    progress: Callable[[Progress], None] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Change a graph and prove each change in ONNX Runtime, operation by operation.

    Args:
        net: It is not changed.
        real: Real inputs beside the random ones.

    Raises:
        InputRefused: The graph draws random numbers, is older than opset 11, or in half precision.
        EngineError: A change did not hold what it claims, or the graph does not run.
        JobCancelled: `cancelled` said so.
    """
    refusal = why_not(net)
    if refusal is not None:
        raise refusal
    draft, proved = net.copy(), Proof(net, real)
    for rewrite, touched in changes(draft, wish):
        if cancelled():
            raise JobCancelled
        proved.after(rewrite, touched, draft)
        progress(Progress("prove", len(proved.steps), max(_USUAL_STEPS, len(proved.steps) + 1)))
    whole, feeds = proved.whole(draft), (len(proved.feeds), len(proved.feeds) - proved.made_up)
    before, after = (check(graph, wish.rules, wish.precision) for graph in (net, draft))
    return Outcome(draft.model(), proved.tail, before, after, tuple(proved.steps), whole, feeds)


def why_not(net: Net) -> InputRefused | None:
    """What keeps a graph from being rewritten, if anything does."""
    if any(node.op_type in _RANDOM for node in net.nodes):
        return InputRefused(f"{net.name} draws random numbers, so no change can be proved.", "Export it for use.")
    if net.opset < _OLDEST_OPSET:
        older = f"{net.name} is of ONNX opset {net.opset}, older than {_OLDEST_OPSET}."
        return InputRefused(older, "Export it again with a newer opset.")
    if any(weight.data_type == _HALF for weight in net.weights.values()):
        return InputRefused(f"{net.name} is in half precision.", "Rewrite the fp32 graph, and derive the half from it.")
    return None


def _standing(net: Net, wish: Wish) -> tuple[set[str], set[str]]:
    """The names of all nodes, and of those that the target refuses."""
    names = [label(node) for node in net.nodes]
    return set(names), {name for name, node in zip(names, net.nodes, strict=True) if wish.refuses(net, node)}


def _origin(name: str, names: set[str]) -> str:
    """The node that a name stems from: changes call what they make after what they replace."""
    return max((known for known in names if name == known or name.startswith(f"{known}.")), key=len, default="")
