"""Looking inside two runs of one network: the first layer where they part, found by bisection."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engines.parity.numbers import Answer, Numbers, differ
from engines.parity.step import Step
from inference.backends.base import Arrays
from inference.errors import EngineError

MARKS = 6
"""Tensors looked at in one round. More need more memory at once, fewer need more rounds."""
_HALF = ".half"
_SEEN = ".seen"
Bad = Callable[[Numbers], bool]


@dataclass(frozen=True, slots=True)
class Layer:
    """A node of a graph and how far its first output is off.

    Attributes:
        depth: Its place in the order of the graph's nodes, 0..1.
    """

    name: str
    operation: str
    tensor: str
    depth: float
    numbers: Numbers


@dataclass(frozen=True, slots=True)
class Search:
    """What a bisection found: the first layer that is off while what feeds it is not, and all that was looked at."""

    first: Layer | None
    seen: tuple[Layer, ...]


class Inside:
    """The tensors that two steps share, readable at any place of the network.

    A marked tensor is an output of the graph, so a runtime cannot fuse across it: a fault that only a fusion makes is
    not seen here.

    Raises:
        EngineError: A step has no graph to look into.
    """

    def __init__(self, reference: Step, step: Step) -> None:
        self._steps = reference, step
        self._models = _model(reference), _model(step)
        self._nodes = [node for node in self._models[0].graph.node if node.op_type != "Constant"]
        floats = _floats(self._models[0]) & _floats(self._models[1])
        self._writers = {name: node for node in self._nodes for name in node.output}
        self.tensors = tuple(node.output[0] for node in self._nodes if node.output[0] in floats)
        self._depth = {node.output[0]: at / max(1, len(self._nodes) - 1) for at, node in enumerate(self._nodes)}

    def search(self, feed: Arrays, bad: Bad) -> Search:
        """Bisect: the suspects are what the worst output is made of; a sound mark clears all that it is made of."""
        outputs = [value.name for value in self._models[0].graph.output if value.name in self.tensors]
        seen = {layer.tensor: layer for layer in self.look(feed, outputs)}
        wrong = [layer for layer in seen.values() if bad(layer.numbers)]
        if not wrong:
            return Search(None, tuple(seen.values()))
        first = max(wrong, key=lambda layer: layer.numbers.rms_rel)
        suspects = self._behind(first.tensor)
        while suspects:
            marks = evenly(suspects, MARKS)
            found = {layer.tensor: layer for layer in self.look(feed, marks)}
            seen |= found
            worse = next((found[mark] for mark in marks if bad(found[mark].numbers)), None)
            first, suspects = worse or first, self._left(suspects, marks, worse)
        return Search(first, tuple(sorted(seen.values(), key=lambda layer: layer.depth)))

    def look(self, feed: Arrays, tensors: Sequence[str]) -> list[Layer]:
        """How far each of these tensors is off, in their order."""
        sides = zip(self._steps, self._models, strict=True)
        ours, theirs = (_tapped(step, model, feed, tensors) for step, model in sides)
        return [self._layer(name, differ({name: theirs[name]}, {name: ours[name]})) for name in tensors]

    def _left(self, suspects: Sequence[str], marks: Sequence[str], worse: Layer | None) -> list[str]:
        sound = marks if worse is None else marks[: marks.index(worse.tensor)]
        cleared = set(sound).union(*(self._behind(mark) for mark in sound))
        kept = suspects if worse is None else self._behind(worse.tensor)
        return [name for name in kept if name in suspects and name not in cleared]

    def _behind(self, tensor: str) -> list[str]:
        """Shared tensors that a tensor is made of, in the graph's order."""
        found: set[str] = set()
        waiting = [tensor]
        while waiting:
            for name in self._writers[waiting.pop()].input:
                if name in self._writers and name not in found:
                    found.add(name)
                    waiting.append(name)
        return [name for name in self.tensors if name in found]

    def _layer(self, tensor: str, numbers: Numbers) -> Layer:
        node = self._writers[tensor]
        return Layer(node.name or tensor, node.op_type, tensor, self._depth[tensor], numbers)


def evenly(names: Sequence[str], count: int) -> list[str]:
    """At most `count` of the names, evenly spread, neither end preferred."""
    if len(names) <= count:
        return list(names)
    step = len(names) / (count + 1)
    return [names[int(step * place)] for place in range(1, count + 1)]


def _model(step: Step) -> Any:
    import onnx

    file = step.graph()
    if file is None:
        raise EngineError(f"The step {step.name} has no graph to look into.", "Compare two graphs.")
    return onnx.shape_inference.infer_shapes(onnx.load(file))


def _floats(model: Any) -> set[str]:
    """Names of real tensors of fixed shape that nodes write, without the ending of half-precision ones."""
    values = (*model.graph.value_info, *model.graph.output)
    real = {v.name for v in values if v.type.tensor_type.elem_type in (1, 10) and v.type.tensor_type.HasField("shape")}
    written = {name for node in model.graph.node for name in node.output}
    return {name.removesuffix(_HALF) for name in real & written}


def _tapped(step: Step, model: Any, feed: Arrays, tensors: Sequence[str]) -> Answer:
    """The named tensors of one run, as fp32."""
    import onnx

    with tempfile.TemporaryDirectory(prefix="insula-parity-") as scratch:
        file = Path(scratch) / "marked.onnx"
        onnx.save(_marked(model, tensors), file)
        with closing(step.open(file)) as engine:
            answer = engine.infer(feed)
    return {name: answer[name + _SEEN] for name in tensors}


def _marked(model: Any, tensors: Sequence[str]) -> Any:
    from onnx import ModelProto, TensorProto, helper

    marked = ModelProto()
    marked.CopyFrom(model)
    shapes = dict(_shapes(model))
    written = {name for node in model.graph.node for name in node.output}
    del marked.graph.output[:]
    for name in tensors:
        form = name + _HALF if name + _HALF in written else name
        marked.graph.node.append(helper.make_node("Cast", [form], [name + _SEEN], to=TensorProto.FLOAT))
        marked.graph.output.append(helper.make_tensor_value_info(name + _SEEN, TensorProto.FLOAT, shapes[form]))
    return marked


def _shapes(model: Any) -> Iterator[tuple[str, tuple[int, ...]]]:
    for value in (*model.graph.value_info, *model.graph.output):
        yield value.name, tuple(dim.dim_value for dim in value.type.tensor_type.shape.dim)
