"""Cut an ONNX graph into parts whose composition computes the same numbers.

A part is a graph of its own. Every tensor that crosses a cut, each U-Net skip among them, is an output of the part
that makes it and an input of each part that reads it; a tensor may pass over a part that has no use for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import Any

from engines.surgery.flow import FLOAT_BYTES, Flow
from inference import cache
from inference.backends.base import TensorSpec
from inference.errors import EngineError

MOST = 20
RECIPE = "1"
# A runtime fuses these into the kernel before them; a cut in front of one would cost more than it moves.
_FOLLOWERS = {
    *("Add", "BatchNormalization", "Clip", "Dropout", "Elu", "HardSwish", "Identity", "InstanceNormalization"),
    *("LeakyRelu", "Mul", "PRelu", "Relu", "Sigmoid", "Slice", "Softmax", "Sub", "Tanh"),
}


@dataclass(frozen=True, slots=True)
class CutPoint:
    """A place where a graph may be cut.

    Attributes:
        after: Nodes in front of the cut, constants not counted.
        live: Tensors that cross it; all fp32 with fixed shapes.
    """

    after: int
    live: tuple[TensorSpec, ...]

    @property
    def live_bytes(self) -> int:
        """Bytes that move when the halves run on different devices."""
        return FLOAT_BYTES * sum(prod(spec.shape) for spec in self.live)


@dataclass(frozen=True, slots=True)
class Block:
    """A group of nodes between two neighbouring cut points: one layer of a profile.

    Attributes:
        first, last: Its nodes, inclusive, constants not counted.
        macs: Multiply-adds of one forward pass.
        traffic_bytes: What its kernels read and write, weights included.
        weight_bytes: Its weights alone.
    """

    name: str
    first: int
    last: int
    macs: int
    traffic_bytes: int
    weight_bytes: int


def read(model: Path) -> Any:
    """Load an ONNX file.

    Raises:
        EngineError: It is none.
    """
    import onnx

    try:
        return onnx.load(model)
    except Exception as error:  # the parser's own exception has no public home
        raise EngineError(f"{model.name} is not a readable ONNX file.", "Export it again.") from error


def legal_points(model: Any) -> tuple[CutPoint, ...]:
    """Every place between two fused kernels where all that crosses is fp32 with a fixed shape.

    Raises:
        EngineError: The graph branches or loops.
    """
    return _legal(Flow(model))


def cut_points(model: Any, most: int = MOST) -> tuple[CutPoint, ...]:
    """At most `most` legal places, spread evenly over the graph's multiply-adds, each the lightest of its stretch.

    Raises:
        EngineError: The graph branches or loops.
    """
    flow = Flow(model)
    total = max(1, sum(flow.work))
    best: dict[int, CutPoint] = {}
    for point in _legal(flow):
        stretch = sum(flow.work[: point.after]) * most // (total + 1)
        if stretch not in best or point.live_bytes < best[stretch].live_bytes:
            best[stretch] = point
    return tuple(best[stretch] for stretch in sorted(best))


def blocks(model: Any, points: Sequence[CutPoint]) -> tuple[Block, ...]:
    """The groups of nodes between cut points, one more than there are points."""
    flow = Flow(model)
    edges = (0, *(point.after for point in points), len(flow.nodes))
    return tuple(
        Block(
            _name(flow, a, b - 1),
            a,
            b - 1,
            sum(flow.work[a:b]),
            flow.traffic(a, b - 1),
            flow.weight_bytes(a, b - 1),
        )
        for a, b in pairwise(edges)
    )


def cut(model: Any, points: Sequence[CutPoint]) -> list[Any]:
    """The parts of a graph, in the order in which they run.

    Args:
        points: Where, in rising order; none gives the whole graph as its one part.
    """
    flow = Flow(model)
    edges = (0, *(point.after for point in points), len(flow.nodes))
    if any(a >= b for a, b in pairwise(edges)):
        raise EngineError("The cut points do not rise through the graph.", "Take them from the graph itself.")
    return [_part(flow, a, b - 1) for a, b in pairwise(edges)]


def parts_for(model: Path, sha256: str, points: Sequence[CutPoint]) -> tuple[Path, ...]:
    """The files of the parts, made on first use and kept in the cache folder.

    Args:
        sha256: The model's digest.

    Raises:
        EngineError: The model cannot be read or the cache folder cannot be written.
    """
    if not points:
        return (model,)
    name = cache.key(sha256, RECIPE, version("onnx"), *(str(point.after) for point in points))
    made: list[Any] = []

    def make(index: int) -> Callable[[Path], None]:
        def write(target: Path) -> None:
            import onnx

            made.extend(() if made else cut(read(model), points))
            onnx.save(made[index], target)

        return write

    return tuple(cache.keep(f"parts/{name}.{index}.onnx", make(index)) for index in range(len(points) + 1))


def _legal(flow: Flow) -> tuple[CutPoint, ...]:
    found = []
    for after in range(1, len(flow.nodes)):
        if flow.nodes[after].op_type in _FOLLOWERS or not any(flow.work[:after]) or not any(flow.work[after:]):
            continue
        live = [flow.spec(name) for name in flow.alive(after)]
        if all(live):
            found.append(CutPoint(after, tuple(spec for spec in live if spec)))
    return tuple(found)


def _part(flow: Flow, first: int, last: int) -> Any:
    from onnx import ModelProto, helper

    made, read_later = flow.makes(first, last), flow.reads(last + 1, len(flow.nodes) - 1)
    taken = sorted(flow.reads(first, last) - set(made))
    given = [name for name in made if name in read_later or name in flow.outputs]
    own = flow.nodes[first : last + 1]
    nodes = [*flow.constants_for(own), *own]
    used = {name for node in nodes for name in node.input}
    graph = helper.make_graph(
        nodes,
        f"{flow.model.graph.name}.{first}-{last}",
        [_value(flow, name) for name in taken],
        [_value(flow, name) for name in given],
        [weight for name, weight in flow.weights.items() if name in used],
    )
    part = ModelProto()
    part.CopyFrom(helper.make_model(graph, opset_imports=flow.model.opset_import, functions=flow.model.functions))
    part.ir_version = flow.model.ir_version
    return part


def _value(flow: Flow, name: str) -> Any:
    from onnx import TensorProto, helper

    spec = flow.spec(name)
    if spec is None:
        raise EngineError(f"The tensor {name} cannot cross a cut.", "Cut where all tensors are fp32 of fixed shape.")
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, spec.shape)


def _name(flow: Flow, first: int, last: int) -> str:
    """The scope of the heaviest node, as the exporter named it."""
    heaviest = max(range(first, last + 1), key=lambda at: flow.work[at])
    scope: str = flow.nodes[heaviest].name or flow.nodes[heaviest].output[0]
    return scope.strip("/").rpartition("/")[0] or scope.strip("/")
