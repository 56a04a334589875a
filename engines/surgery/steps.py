"""The answers of a graph as it changes, each held against those before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engines.surgery import proof
from engines.surgery.net import Net
from engines.surgery.proof import Answer, Difference
from engines.surgery.rewrites import border
from engines.surgery.rewrites.base import Rewrite
from inference.backends.base import Arrays
from inference.errors import EngineError

_REAL_FEEDS = 4


@dataclass(frozen=True, slots=True)
class Step:
    """One kind of change, everywhere it helped.

    Attributes:
        nodes: What it replaced.
        difference: How far the answers moved.
    """

    rewrite: Rewrite
    nodes: tuple[str, ...]
    difference: Difference


class Proof:
    """The answers of the graph as it changes, held against those of the graph before.

    Args:
        net: As it was read.
        real: Real inputs.

    Attributes:
        steps: What was changed and proved so far.
        tail: What was cut off, as a graph.
        made_up: How many of the feeds are random.
    """

    def __init__(self, net: Net, real: Sequence[Arrays]) -> None:
        self.name = net.name
        random = proof.random_feeds(net)
        self.feeds, self.made_up = [*random, *real[:_REAL_FEEDS]], len(random)
        self.steps: list[Step] = []
        self.tail: Any = None
        self._model = net.model()
        self._original: Sequence[Answer] = ()
        self._answers: Sequence[Answer] = ()

    def after(self, rewrite: Rewrite, touched: list[str], draft: Net) -> None:
        """Run the changed graph; raises EngineError where the change does not hold what it claims."""
        if not self.steps:
            self._original = self._answers = proof.answers(self._model, self.feeds)
        feeds = proof.turned(draft, self.feeds)
        if rewrite is border.CUT:
            self.tail = _tail(self._model, draft)
            self._answers = proof.answers(_asked(self._model, draft), feeds)
        self._model = draft.model()
        found = proof.answers(self._model, feeds)
        self.steps.append(Step(rewrite, tuple(touched), proof.difference(self._answers, found)))
        self._answers = found
        _require(self.steps[-1], self.name)

    def whole(self, draft: Net) -> Difference:
        """How far the last graph, with its tail, is from the first."""
        if not self.steps:
            return Difference(0.0, 0.0)
        return proof.difference(self._original, _through(self.tail, proof.turned(draft, self.feeds), self._answers))


def _asked(previous: Any, draft: Net) -> Any:
    """The graph before a cut, answering what the graph after it answers."""
    del previous.graph.output[:]
    previous.graph.output.extend(draft.outputs)
    return previous


def _tail(previous: Any, draft: Net) -> Any:
    """What a cut took off, as a graph that reads the body's answers."""
    from onnx import ModelProto

    own = {name for node in draft.nodes for name in node.output}
    nodes = [node for node in previous.graph.node if not own & set(node.output)]
    read = {name for node in nodes for name in node.input}
    tail = ModelProto(ir_version=previous.ir_version, producer_name=previous.producer_name)
    tail.opset_import.extend(previous.opset_import)
    tail.graph.name = f"{previous.graph.name}.tail"
    tail.graph.node.extend(nodes)
    tail.graph.initializer.extend(weight for weight in previous.graph.initializer if weight.name in read)
    tail.graph.input.extend(value for value in (*draft.inputs, *draft.outputs) if value.name in read)
    tail.graph.output.extend(value for value in previous.graph.output if value.name not in own)
    return tail


def _through(tail: Any, feeds: Sequence[Arrays], answers: Sequence[Answer]) -> Sequence[Answer]:
    """The body's answers and what the tail makes of them."""
    if tail is None:
        return answers
    read = {value.name for value in tail.graph.input}
    given = [
        {name: array for name, array in {**feed, **answer}.items() if name in read}
        for feed, answer in zip(feeds, answers, strict=True)
    ]
    return [{**body, **end} for body, end in zip(answers, proof.answers(tail, given), strict=True)]


def _require(step: Step, name: str) -> None:
    """Raise EngineError where a change does not hold what it claims."""
    if step.difference.within(step.rewrite.exactness):
        return
    raise EngineError(
        f"The change {step.rewrite.name} moved the answers of {name} by {step.difference.most:.2g} "
        f"({step.difference.share:.1e} of their range), more than {step.rewrite.exactness.value} allows; "
        "nothing was written.",
        "Leave the graph as it is, and report the model.",
    )
